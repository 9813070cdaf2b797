"""kubectl agentschedule next with an expression: no cluster is asked."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from tests.unit.cli.world import ROOT, Ended, Run


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


def test_next_loads_no_client_library() -> None:
    program = (
        "import sys; from agentschedule.cli.main import main; main(['next', '@daily']);"
        "assert not {'kubernetes', 'kopf', 'aiohttp', 'pydantic'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30, env={"PYTHONPATH": str(ROOT / "operator")})
