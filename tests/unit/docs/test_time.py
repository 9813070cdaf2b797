"""docs/time.md says what the program does: its tables and its transcripts are checked against it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from agentschedule.cli.main import main
from agentschedule.names import Reason
from agentschedule.plan.cron import ScheduleError, parse

TEXT = (Path(__file__).parents[3] / "docs" / "time.md").read_text()


def table(header: str) -> list[list[str]]:
    """The rows under a table's header, without the backticks around whole cells."""
    lines = TEXT.split(f"| {header} |", 1)[1].splitlines()[2:]
    rows = lines[: next(i for i, line in enumerate(lines) if not line.startswith("|"))]
    return [[re.sub(r"^`([^`]*)`$", r"\1", cell.strip()) for cell in row.strip("|").split(" | ")] for row in rows]


TAKEN = table("Write | The CronJob gets | Means")
REFUSED = table("Written | Answer")
ZONES = table("`timeZone` | Answer")


def test_the_tables_are_found() -> None:
    assert (len(TAKEN) > 10, len(REFUSED) > 15, len(ZONES) > 5) == (True, True, True)


@pytest.mark.parametrize(("written", "got", "_means"), TAKEN)
def test_what_the_docs_say_works_is_what_the_cronjob_gets(written: str, got: str, _means: str) -> None:
    assert parse(written, seed="analytics/daily").text == got


@pytest.mark.parametrize(("written", "answer"), REFUSED)
def test_what_the_docs_say_is_refused_is_refused_in_these_words(written: str, answer: str) -> None:
    with pytest.raises(ScheduleError) as refused:
        parse(written, seed="analytics/daily")
    assert str(refused.value) == answer


@pytest.mark.parametrize(("zone", "answer"), ZONES)
def test_zones_that_the_docs_say_are_refused_are_refused_in_these_words(zone: str, answer: str) -> None:
    with pytest.raises(ScheduleError) as refused:
        parse("0 8 * * *", zone)
    assert str(refused.value) == answer


TRANSCRIPTS = re.findall(r"^\$ kubectl agentschedule (next .*)\n((?:(?!```|\$).*\n)+)", TEXT, re.MULTILINE)


@pytest.mark.parametrize(("line", "shown"), TRANSCRIPTS)
def test_a_transcript_is_what_the_command_prints(capsys: pytest.CaptureFixture[str], line: str, shown: str) -> None:
    assert main(shlex.split(line)) == 0
    assert capsys.readouterr().out == shown


def test_the_reasons_of_a_missed_run_are_reasons() -> None:
    reasons = [row[0] for row in table("Reason | What happened")]
    assert sorted(reasons) == sorted([Reason.DEADLINE_EXCEEDED, Reason.SUPERSEDED, Reason.JOB_CREATION_FAILED])
