"""kubectl agentschedule without a cluster: what a person sees, and the exit code."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import pytest

from agentschedule.cli.main import main
from agentschedule.cli.runs import age

ROOT = Path(__file__).parents[3]


class Ended(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Ended]


def caller(capsys: pytest.CaptureFixture[str]) -> Run:
    """A function that runs one command line, as a shell does."""

    def run(*argv: str) -> Ended:
        try:
            code = main(argv)
        except SystemExit as end:  # argparse's way
            code = int(end.code or 0)
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Ended(code, captured.out, captured.err)

    return run


@pytest.fixture(name="run")
def run_fixture(capsys: pytest.CaptureFixture[str]) -> Run:
    return caller(capsys)


def test_next_prints_due_times_in_utc_and_in_the_zone(run: Run) -> None:
    ended = run(
        "next", "0 8 * * 1-5", "--time-zone", "America/New_York", "--from", "2026-12-24T18:00:00Z", "--count", "2"
    )
    assert ended == Ended(
        0,
        "2026-12-25T13:00:00Z  Fri 2026-12-25 08:00 EST\n2026-12-28T13:00:00Z  Mon 2026-12-28 08:00 EST\n",
        "",
    )


def test_next_prints_json_for_programs(run: Run) -> None:
    ended = run("next", "@hourly", "--from", "2026-12-24T18:00:00Z", "--count", "1", "-o", "json")
    assert json.loads(ended.out) == {
        "schedule": "@hourly",
        "timeZone": "Etc/UTC",
        "times": ["2026-12-24T19:00:00Z"],
        "clockChanges": [],
    }


NEW_YORK = ("--time-zone", "America/New_York", "--count", "3")


def test_next_says_between_the_rows_what_the_clock_skips(run: Run) -> None:
    assert run("next", "30 2 * * *", *NEW_YORK, "--from", "2027-03-12").out.splitlines() == [
        "2027-03-12T07:30:00Z  Fri 2027-03-12 02:30 EST",
        "2027-03-13T07:30:00Z  Sat 2027-03-13 02:30 EST",
        "  02:30 does not exist on 2027-03-14 in America/New_York: this schedule skips that day.",
        "2027-03-15T06:30:00Z  Mon 2027-03-15 02:30 EDT",
    ]


def test_next_says_between_the_rows_what_comes_twice(run: Run) -> None:
    assert run("next", "30 1 * * *", *NEW_YORK, "--from", "2026-11-01").out.splitlines() == [
        "2026-11-01T05:30:00Z  Sun 2026-11-01 01:30 EDT",
        "  01:30 comes twice on 2026-11-01 in America/New_York: it runs at both.",
        "2026-11-01T06:30:00Z  Sun 2026-11-01 01:30 EST",
        "2026-11-02T06:30:00Z  Mon 2026-11-02 01:30 EST",
    ]


@pytest.mark.parametrize("start", ["2027-03-10", "2027-03-14T12:00"], ids=["before", "after"])
def test_a_change_of_the_clock_outside_of_the_rows_is_not_spoken_of(run: Run, start: str) -> None:
    assert "exist" not in run("next", "30 2 * * *", *NEW_YORK, "--from", start).out


@pytest.mark.parametrize(
    ("schedule", "change"),
    [
        ("0 9 * * *", ("2026-10-03T22:00:00Z", "Skipped", "09:00 is passed over on 2026-10-04 in ")),
        ("30 1 * * *", ("2026-10-03T15:30:00Z", "Added", "02:30 is due too on 2026-10-04 in ")),
        ("15 2 * * *", ("2026-10-03T15:45:00Z", "Skipped", "02:15 does not exist on 2026-10-04 in ")),
    ],
)
def test_where_the_clock_changes_by_half_an_hour_no_sentence_is_false(
    run: Run, schedule: str, change: tuple[str, str, str]
) -> None:
    zone = ("--time-zone", "Australia/Lord_Howe", "--from", "2026-10-03T12:00", "--count", "3")
    (found,) = json.loads(run("next", schedule, *zone, "-o", "json").out)["clockChanges"]
    assert (found["time"], found["effect"]) == change[:2]
    assert found["message"].startswith(change[2])


def test_a_time_without_an_offset_is_read_in_the_zone(run: Run) -> None:
    zone = ("--time-zone", "Europe/Berlin", "--count", "1")
    local = run("next", "0 9 * * *", *zone, "--from", "2026-07-01T08:59:59")
    assert local == run("next", "0 9 * * *", *zone, "--from", "2026-07-01T08:59:59+02:00")
    assert local.out.startswith("2026-07-01T07:00:00Z")


def test_next_starts_from_now(run: Run) -> None:
    assert len(run("next", "* * * * *").out.splitlines()) == 5


def test_h_is_drawn_for_the_schedule_it_belongs_to(run: Run) -> None:
    def drawn(name: str) -> str:
        out = run("next", "H 8 * * *", "--for", name, "-o", "json", "--count", "1").out
        schedule = json.loads(out)["schedule"]
        assert re.fullmatch(r"[0-9]{1,2} 8 \* \* \*", schedule)
        return str(schedule)

    assert drawn("analytics/daily") == drawn("analytics/daily")
    assert len({drawn(f"analytics/daily-{n}") for n in range(20)}) > 5


def test_the_h_of_a_weekday_is_no_h(run: Run) -> None:
    assert run("next", "0 8 * * THU", "--count", "1").code == 0


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["0 25 * * *"], "25"),
        (["every day"], "five fields"),
        (["0 0 30 2 *"], "never"),
        (["0 8 * * *", "--time-zone", "Mars/Olympus"], "Mars/Olympus"),
        (["0 8 * * *", "--time-zone", "../../etc/passwd"], "passwd"),
        (["0 8 * * *", "--from", "tomorrow"], "--from 'tomorrow' is not a time such as 2026-12-24T18:00:00Z"),
        (["0 8 * * *", "--from", "9999-12-31T23:00:00Z"], "is not between 1970 and 2999"),
        (["0 8 * * *", "--from", "0001-01-01T00:00:00+14:00"], "is not between 1970 and 2999"),
        (["0 8 * * *", "--count", "0"], "'0' is not a whole number from 1 to 1000"),
        (["0 8 * * *", "--count", "1e3"], "'1e3' is not a whole number"),
        (["H 8 * * *"], "add --for NAMESPACE/NAME"),
        (["0 8 * * *", "-o", "yaml"], "yaml"),
        ([], "SCHEDULE"),
    ],
)
def test_a_wrong_question_gets_a_sentence_and_exit_code_2(run: Run, argv: list[str], sentence: str) -> None:
    ended = run("next", *argv)
    assert (ended.code, ended.out) == (2, "")
    assert sentence in ended.err.splitlines()[-1]


@pytest.mark.parametrize("argv", [["trigger", "daily/status"], ["trigger", ""], ["runs", "../x"], ["runs", "-n", "A"]])
def test_a_name_that_cannot_be_one_never_reaches_the_cluster(run: Run, argv: list[str]) -> None:
    ended = run(*argv)
    assert (ended.code, ended.out) == (2, "")
    assert f"{argv[-1]!r} is not a name in Kubernetes" in ended.err


def test_next_loads_no_client_library() -> None:
    program = (
        "import sys; from agentschedule.cli.main import main; main(['next', '@daily']);"
        "assert not {'kubernetes', 'kopf', 'aiohttp'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30, env={"PYTHONPATH": str(ROOT / "operator")})


def test_output_into_a_closed_pipe_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "agentschedule.cli.main", "next", "@daily"]
    env = {"PYTHONPATH": str(ROOT / "operator")}
    ended = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, env=env, timeout=30, check=False)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_version_says_which_program_and_which_zone_data(run: Run) -> None:
    program, zones = run("version", "--client").out.splitlines()
    assert program == f"agentschedule {version('agentschedule')}"
    assert re.fullmatch(r"zone data: ([0-9]{4}[a-z]|unknown release) \(.+\).*", zones)


def test_version_needs_no_cluster(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "none"))
    ended = run("version")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[2].startswith("Kubernetes: unknown, no usable kubeconfig")


def test_no_command_is_a_wrong_question(run: Run) -> None:
    assert run().code == 2


def test_no_kubeconfig_at_all_is_one_sentence(tmp_path: Path) -> None:
    env = {"PYTHONPATH": str(ROOT / "operator"), "HOME": str(tmp_path), "KUBECONFIG": str(tmp_path / "none")}
    command = [sys.executable, "-m", "agentschedule.cli.main", "trigger", "daily"]
    ended = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert re.fullmatch(r"error: no usable kubeconfig .*\n", ended.stderr)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0s"),
        (0, "0s"),
        (119.9, "119s"),
        (120, "2m"),
        (7199, "119m"),
        (7200, "2h"),
        (172_800, "2d"),
        (10**8, "1157d"),
    ],
)
def test_an_age_is_short(seconds: float, text: str) -> None:
    assert age(seconds) == text
