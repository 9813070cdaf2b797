"""What agents leave behind, well or badly, and what they are given. All schedules are at work together."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.e2e.agents import ended, seen, shell, told, trigger
from tests.fixtures import node_group
from tests.world import Body, World, agent_schedule, schedule_run, wait_for

pytestmark = node_group("runs")

RESULT = '{"status":"succeeded","model":"small","cost_usd":0.045,"usage":{"input_tokens":3},"output":{"sum":7}}'
PROMPT = "Summarise $(AGENT_NAME) for $5.\n" * 1000


def writes(text: str, code: int = 0) -> Body:
    return shell(f"printf '%s' '{text}' > $AGENT_RESULT_PATH; exit {code}")


# Schedule: its agent, and what of the run's status must be just so.
SPENT: Body = {"model": "small", "usage": {"inputTokens": 3, "costUSD": "0.045"}}
CASES: dict[str, tuple[Body, Body]] = {
    "file": (
        writes(RESULT),
        SPENT | {"output": {"content": '{"sum": 7}', "contentType": "application/json"}},
    ),
    "last-line": (shell(f"echo thinking; echo '{RESULT}'"), SPENT),
    "words": (
        shell("echo All is well."),
        {"output": {"content": "All is well.", "contentType": "text/plain"}},
    ),
    "silent": (shell("true"), {"output": None, "error": None}),
    "not-json": (
        writes("{so what"),
        {"output": {"content": "{so what", "contentType": "text/plain"}},
    ),
    "wrong-types": (
        writes('{"status":7,"usage":"many","model":["x"],"output":"fine"}'),
        {"usage": None, "model": None, "output": {"content": "fine", "contentType": "text/plain"}},
    ),
    "absurd-cost": (writes('{"cost_usd":"-4","usage":{"input_tokens":-1},"output":"fine"}'), {"usage": None}),
    "cut": (
        shell("head -c 5000 /dev/zero | tr '\\0' x > $AGENT_RESULT_PATH; echo the log knows"),
        {"output": {"content": "the log knows", "contentType": "text/plain"}},
    ),
    "invalid": (
        shell("printf 'a\\377b\\033[31mc\\000d\\n'"),
        {"output": {"content": "a\ufffdbcd", "contentType": "text/plain"}},
    ),
    "status-code": (
        writes('{"status_code":418,"run_id":"r-1","session_id":"s-1"}'),
        {"statusCode": 418, "agentRunID": "r-1", "sessionID": "s-1"},
    ),
}
BIG = shell("head -c 10000000 /dev/zero | tr '\\0' y")


@pytest.fixture(scope="module")
def runs(shared: World) -> Callable[[str], str]:
    """Each schedule's run, by the schedule's name."""
    shared.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "prompt"}, "data": {"long": PROMPT}})
    schedules = {name: {"agent": agent} for name, (agent, _) in CASES.items()} | {
        "big": {"agent": BIG},
        "failed": {"agent": writes('{"status":"failed","error":{"message":"no data","code":"Empty"}}')},
        "given": {
            "agent": shell("env | grep ^AGENT_; cp $AGENT_MESSAGE_FILE /tmp/m && wc -c < /tmp/m; head -c 31 /tmp/m"),
            "messageFrom": {"configMapKeyRef": {"name": "prompt", "key": "long"}},
            "session": {"mode": "Fixed", "id": "board"},
        },
        "continued": {
            "agent": shell("""printf '{"session_id":"s%s"}' "$AGENT_SESSION_ID" > $AGENT_RESULT_PATH"""),
            "session": {"mode": "Continue"},
        },
        "open": {
            "agent": shell("env | grep ^AGENT_"),
            "message": "As ever.",
            "manualRuns": {"allowOverrides": ["message", "params"]},
        },
    }
    shared.apply(*(agent_schedule(name, **spec) for name, spec in schedules.items()))
    seen(shared, *schedules)
    started = {name: trigger(shared, name)["run"] for name in schedules}
    return lambda name: started[name]


@pytest.mark.parametrize("name", CASES)
def test_what_an_agent_leaves_makes_a_sensible_record(shared: World, runs: Callable[[str], str], name: str) -> None:
    status = ended(shared, runs(name))["status"]
    assert status["phase"] == "Succeeded"
    assert {field: status.get(field) for field in CASES[name][1]} == CASES[name][1]


def test_ten_megabytes_of_log_leave_their_end(shared: World, runs: Callable[[str], str]) -> None:
    output = ended(shared, runs("big"))["status"]["output"]
    assert output["truncated"] is True
    assert set(output["content"]) == {"y"}
    assert 15_000 < len(output["content"]) <= 16 * 1024


def test_an_agent_that_exits_well_can_say_that_it_failed(shared: World, runs: Callable[[str], str]) -> None:
    status = ended(shared, runs("failed"))["status"]
    assert (status["phase"], status["exitCode"]) == ("Failed", 0)
    assert status["message"] == "The agent reports that it failed: no data"
    assert status["error"] == {"code": "Empty", "message": "no data"}


def test_a_long_prompt_comes_as_a_file_that_nobody_expands(shared: World, runs: Callable[[str], str]) -> None:
    run = ended(shared, runs("given"))
    log_text = shared.kubectl("logs", run["status"]["pod"])
    assert str(len(PROMPT)) in log_text
    assert PROMPT[:31] in log_text
    assert told(log_text)["AGENT_SESSION_ID"] == "board"
    reference = {"configMapKeyRef": {"name": "prompt", "key": "long"}}
    assert run["status"]["input"] == {"messageFrom": reference, "sessionID": "board"}


def test_a_run_continues_the_session_of_the_last_one(shared: World, runs: Callable[[str], str]) -> None:
    first = ended(shared, runs("continued"))["status"]
    assert first["sessionID"] == "s"
    wait_for(lambda: shared.status("continued").get("lastSessionID") == "s", "the session on the schedule")
    second = ended(shared, trigger(shared, "continued", "again")["run"])["status"]
    assert (second["input"], second["sessionID"]) == ({"sessionID": "s"}, "ss")


def test_a_run_may_say_otherwise_where_it_is_allowed(shared: World, runs: Callable[[str], str]) -> None:
    first = ended(shared, runs("open"))
    body = schedule_run("otherwise", "open")
    body["spec"] |= {"message": "Just this $once.", "params": {"region": "emea"}}
    shared.apply(body)
    run = ended(shared, "otherwise")
    assert run["status"]["input"] == {"message": "Just this $once.", "params": {"region": "emea"}}
    log_text = told(shared.kubectl("logs", run["status"]["pod"]))
    assert (log_text["AGENT_MESSAGE"], log_text["AGENT_PARAMS"]) == ("Just this $once.", '{"region":"emea"}')
    assert first["status"]["input"] == {"message": "As ever."}
