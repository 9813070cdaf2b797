"""The sample agent, run as the program that a pod runs: what it leaves behind, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from agentschedule.names import ExitCode
from agentschedule.plan.objects.job import failure_policy
from agentschedule.plan.run.result import read_result

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "agentschedule.runner"]


class Ended(NamedTuple):
    code: int
    out: str
    err: str
    raw: bytes | None  # the result file; None if it does not exist

    @property
    def result(self) -> dict[str, Any]:
        assert self.raw is not None
        parsed = json.loads(self.raw.decode("utf-8"))
        assert isinstance(parsed, dict)
        return parsed


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The result file as the kubelet makes it: there before the agent, and empty."""
    path = tmp_path / "termination-log"
    path.touch()
    return path


def environment(path: Path, **variables: str | None) -> dict[str, str]:
    """A pod's environment; a variable that is None is missing."""
    contract: dict[str, str | None] = {
        "AGENT_RUN_NAME": "daily-29384712",
        "AGENT_SCHEDULE_NAME": "daily",
        "AGENT_RESULT_PATH": str(path),
        "PYTHONPATH": str(ROOT / "operator"),
        "PATH": os.environ["PATH"],
        **variables,
    }
    return {name: value for name, value in contract.items() if value is not None}


def run(path: Path, params: Any = None, **variables: str | None) -> Ended:
    if params is not None:
        variables["AGENT_PARAMS"] = params if isinstance(params, str) else json.dumps(params)
    ended = subprocess.run(
        COMMAND, env=environment(path, **variables), capture_output=True, text=True, timeout=30, check=False
    )
    assert "Traceback" not in ended.stderr
    return Ended(ended.returncode, ended.stdout, ended.stderr, path.read_bytes() if path.is_file() else None)


def test_it_prints_its_prompt_and_what_it_was_given(path: Path) -> None:
    ended = run(path, {"region": "emea"}, AGENT_MESSAGE="Summarise the $5 sales.", AGENT_TRIGGER="Manual")
    assert ended.code == 0
    assert "prompt: Summarise the $5 sales." in ended.out
    assert "AGENT_TRIGGER=Manual" in ended.out
    assert 'AGENT_PARAMS={"region": "emea"}' in ended.out


def test_it_prints_nothing_of_the_environment_but_the_contract(path: Path) -> None:
    assert "canary" not in run(path, API_KEY="canary").out


def test_its_output_holds_the_prompt_unchanged(path: Path) -> None:
    ended = run(path, AGENT_MESSAGE="é $(API_KEY) $$5 \\n", AGENT_NAME="finance-agent", AGENT_MODEL="claude-sonnet")
    assert ended.result == {
        "status": "succeeded",
        "run_id": "daily-29384712-0",
        "model": "claude-sonnet",
        "output": "finance-agent was asked: é $(API_KEY) $$5 \\n",
    }


def test_it_reports_what_params_ask_for(path: Path) -> None:
    usage = {"inputTokens": 120, "outputTokens": 30, "totalTokens": 150}
    ended = run(path, {"costUSD": "0.045", "usage": usage, "output": {"sales": 7}}, AGENT_RETRY_COUNT="2")
    assert ended.code == 0
    assert ended.result == {
        "status": "succeeded",
        "run_id": "daily-29384712-2",
        "cost_usd": "0.045",
        "usage": {"input_tokens": 120, "output_tokens": 30, "total_tokens": 150},
        "output": {"sales": 7},
    }


@pytest.mark.parametrize(
    ("params", "code", "error"),
    [
        ({"exitCode": 3}, 3, {"code": "ExitCode", "message": "params asked for exit code 3"}),
        ({"error": {"message": "no data"}}, 1, {"code": "Failed", "message": "no data"}),
        ({"error": {"code": "Busy", "message": "later"}, "exitCode": 0}, 0, {"code": "Busy", "message": "later"}),
        (
            {"error": {"code": "Auth", "message": "no key", "retryable": False}, "exitCode": 3},
            3,
            {"code": "Auth", "message": "no key", "retryable": False},
        ),
    ],
)
def test_it_fails_as_params_ask(path: Path, params: dict[str, Any], code: int, error: dict[str, Any]) -> None:
    ended = run(path, params)
    assert (ended.code, ended.result["status"], ended.result["error"]) == (code, "failed", error)


@pytest.mark.parametrize(
    ("sentence", "params"),
    [
        ("ASCII", {"output": "x" * 40_000}),
        ("characters of three and four bytes", {"output": "€😀" * 3_000}),
        ("characters that JSON escapes", {"output": '"\\\n\u0000' * 9_000}),
        ("lone halves of surrogate pairs", {"output": "\ud800" * 9_000}),
        ("an object", {"output": {"rows": ["é" * 50] * 200}}),
        (
            "long fields before it",
            {"error": {"code": "\u0001" * 999, "message": "\u0001" * 9_999}, "output": "y" * 9_999},
        ),
        ("a long cost", {"costUSD": "9" * 9_999, "output": "z" * 9_999}),
    ],
)
def test_the_result_fits_whatever_the_output(path: Path, sentence: str, params: dict[str, Any]) -> None:
    ended = run(path, params, AGENT_MODEL="é" * 2_000)
    assert ended.raw is not None
    assert 3_900 < len(ended.raw) <= 4096, sentence
    assert list(ended.result)[-1] == "output"
    assert ended.result["output"].endswith("…")


def test_an_output_that_just_fits_is_whole_and_one_more_character_is_cut(path: Path) -> None:
    room = 4096 - len(run(path, {"output": ""}).raw or b"")
    assert run(path, {"output": "x" * room}).result["output"] == "x" * room
    cut = run(path, {"output": "x" * (room + 1)})
    assert cut.result["output"].endswith("x…")
    assert len(cut.raw or b"") == 4096


def test_the_operator_reads_what_it_writes(path: Path) -> None:
    ended = run(
        path, {"error": {"code": "Busy", "message": "later", "retryable": False}, "costUSD": 0.5, "output": "é" * 9_999}
    )
    assert ended.raw is not None
    result = read_result(ended.raw.decode())
    assert result.status == "failed"
    assert (result.error and result.error.code, result.retryable) == ("Busy", False)
    assert result.usage
    assert result.usage.cost_usd == "0.5"
    assert result.output
    assert (result.output.content or "").startswith("éééé")


def test_the_file_is_written_in_place(path: Path) -> None:
    path.write_text("x" * 9_999)
    before = path.stat().st_ino
    path.parent.chmod(stat.S_IRUSR | stat.S_IXUSR)  # as in a pod: nothing beside the file can be made
    try:
        ended = run(path)
    finally:
        path.parent.chmod(stat.S_IRWXU)
    assert ended.result["status"] == "succeeded"
    assert path.stat().st_ino == before


def test_sigterm_leaves_a_result_that_says_so_and_exits_143(path: Path) -> None:
    env = environment(path, AGENT_PARAMS='{"sleepSeconds": 60}', AGENT_TIMEOUT_SECONDS="5", AGENT_MESSAGE="hello")
    with subprocess.Popen(COMMAND, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while "prompt:" not in process.stdout.readline():
            pass
        started = time.monotonic()
        while process.poll() is None:  # again and again, also while it writes its result
            process.send_signal(signal.SIGTERM)
            assert time.monotonic() - started < 10
        assert process.returncode == 143
    result = json.loads(path.read_bytes())
    assert (result["status"], result["error"]["code"]) == ("failed", "Stopped")
    assert result["error"]["message"] == "stopped by SIGTERM after 0 s (its time limit is 5 s)"


def test_it_sleeps_as_long_as_params_ask(path: Path) -> None:
    started = time.monotonic()
    assert run(path, {"sleepSeconds": 0.7}).code == 0
    assert time.monotonic() - started >= 0.7


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ("{region: emea}", "AGENT_PARAMS is not JSON: Expecting property name"),
        ("[1]", 'AGENT_PARAMS must be a JSON object such as {"region": "emea"}'),
        ("[" * 99_999, "AGENT_PARAMS is not JSON: maximum recursion depth"),
        ('{"a": NaN}', "AGENT_PARAMS is not JSON: NaN is not JSON"),
        ('{"sleepSeconds": "10"}', "sleepSeconds must be a number of seconds from 0 to 86400"),
        ('{"sleepSeconds": -1}', "sleepSeconds must be a number of seconds"),
        ('{"sleepSeconds": 1e999}', "sleepSeconds must be a number of seconds"),
        ('{"exitCode": 256}', "exitCode must be a whole number from 0 to 255"),
        ('{"exitCode": true}', "exitCode must be a whole number"),
        ('{"error": "boom"}', "error must be an object such as"),
        ('{"error": {"code": "Busy"}}', "error must be an object such as"),
        ('{"usage": {"inputTokens": "many"}}', "usage must be an object such as"),
        ('{"usage": {"tokens": 1}}', "usage must be an object such as"),
        ('{"costUSD": {}}', "costUSD must be a decimal number"),
    ],
)
def test_wrong_params_get_a_sentence_and_exit_code_64(path: Path, params: str, sentence: str) -> None:
    ended = run(path, params)
    assert ended.code == 64
    assert sentence in ended.err
    assert ended.result["error"]["code"] == "Usage"
    assert sentence in ended.result["error"]["message"]
    assert ended.result["error"]["retryable"] is False


@pytest.mark.parametrize("name", ["AGENT_RUN_NAME", "AGENT_SCHEDULE_NAME", "AGENT_RESULT_PATH"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_variable_gets_a_sentence_and_exit_code_64(path: Path, name: str, value: str | None) -> None:
    ended = run(path, **{name: value})
    assert ended.code == 64
    assert ended.err.startswith(f"{name} must be set")


def test_a_result_that_cannot_be_written_is_said_and_fails(tmp_path: Path) -> None:
    ended = run(tmp_path / "no" / "such" / "file")
    assert ended.code == 73
    assert "No such file or directory" in ended.err


def test_bytes_that_are_no_characters_do_no_harm(path: Path) -> None:
    env: dict[bytes, bytes] = {key.encode(): value.encode() for key, value in environment(path).items()}
    env[b"AGENT_MESSAGE"] = b"caf\xe9"
    ended = subprocess.run(COMMAND, env=env, capture_output=True, timeout=30, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert "caf" in json.loads(path.read_bytes().decode())["output"]


def test_it_loads_nothing_of_the_project_but_the_names(path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "agentschedule.runner"],
        env=environment(path),
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    loaded = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()}
    ours = {name for name in loaded if name.startswith("agentschedule.") and ".runner" not in name}
    assert ours == {"agentschedule.names"}
    assert not loaded & {"pydantic", "kubernetes", "kopf", "asyncio", "dataclasses"}


def test_what_the_runners_end_with_is_known_to_the_job() -> None:
    """What a retry cannot mend is final for the Job; a result that cannot be written may be written by the next pod."""
    policy = [rule["onExitCodes"]["values"] for rule in failure_policy()["rules"] if "onExitCodes" in rule]
    assert policy == [[ExitCode.USAGE, ExitCode.NOT_ALLOWED, ExitCode.CONFIGURATION]]
