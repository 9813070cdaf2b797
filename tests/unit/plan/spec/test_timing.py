"""When a schedule is due, up to both ends of the calendar."""

from __future__ import annotations

import pytest

from agentschedule.api.schedule import AgentSchedule
from agentschedule.names import SchedulePhase
from agentschedule.plan.spec.timing import timing
from tests.unit.bodies import EDGE_TIMES, KEY, ODD_TIMES, Body, problem, read_and_plan, schedule_body


@pytest.mark.parametrize("text", ODD_TIMES)
@pytest.mark.parametrize("field", ["startAt", "endAt", "runAt"])
def test_a_moment_beyond_the_calendar_gets_a_sentence_that_names_its_field(field: str, text: str) -> None:
    assert field in problem(**{field: text})


@pytest.mark.parametrize("text", [text for text in ODD_TIMES if "99:99" not in text])
def test_an_interval_does_not_start_beyond_the_calendar(text: str) -> None:
    assert "startAt" in problem(interval="99999h", startAt=text)


@pytest.mark.parametrize("text", EDGE_TIMES)
@pytest.mark.parametrize("field", ["startAt", "endAt", "runAt"])
@pytest.mark.parametrize("when", ["schedule", "interval"])
def test_the_first_and_the_last_moment_of_the_calendar_are_kept(when: str, field: str, text: str) -> None:
    more: Body = {"interval": "99999h"} if when == "interval" and field != "runAt" else {}
    store, statuses = read_and_plan(schedule=schedule_body(**(more | {field: text})))
    assert statuses
    assert statuses[-1]["phase"] != SchedulePhase.INVALID
    cronjob = store.cronjobs.last_of(KEY)
    known = store.schedule(KEY)
    assert isinstance(known, AgentSchedule)
    if cronjob is not None:
        assert cronjob.not_before == timing(known.spec, "x").not_before, "what we write is what we read"
