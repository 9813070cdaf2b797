"""The session that a run reports, and the CronJob that hands it on to the next."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from agentschedule.api.run import ScheduleRun
from agentschedule.api.schedule import AgentSchedule, AgentScheduleStatus
from agentschedule.names import RunPhase
from agentschedule.plan.actions import UpdateCronJob
from agentschedule.plan.observed import Job, Observed
from agentschedule.plan.schedule.plan import plan_schedule
from agentschedule.plan.schedule.status import session_moved
from tests.unit.minutely import MINUTE, NOON, SECOND, a_cronjob, a_job, a_record, a_schedule

Reported = tuple[Job, ScheduleRun]


def reporting(due: datetime, session: str | None, phase: RunPhase = RunPhase.SUCCEEDED) -> Reported:
    """A run that ended, with the session that its agent reported."""
    job, end = a_job(due), due + 5 * SECOND
    done = replace(job, succeeded=phase is RunPhase.SUCCEEDED, finished_at=end)
    return done, a_record(job, phase=phase, job_uid=job.uid, completion_time=end, session_id=session)


def seen(schedule: AgentSchedule, *ended: Reported) -> Observed:
    """These runs, and the schedule's CronJob, that knows of them."""
    last = max(job.due for job, _ in ended if job.due)
    cronjob = a_cronjob(schedule, last_schedule_time=last)
    return Observed(cronjob, tuple(job for job, _ in ended), runs=tuple(run for _, run in ended))


def status_of(schedule: AgentSchedule, world: Observed, now: datetime) -> AgentScheduleStatus:
    status = plan_schedule(schedule, world, now).status
    assert status
    return status


@pytest.mark.parametrize("mode", [None, {"mode": "New"}, {"mode": "Fixed", "id": "x"}, {"mode": "Continue"}])
def test_the_last_session_is_that_of_the_last_run_that_reported_one(mode: dict[str, str] | None) -> None:
    pairs = [
        reporting(NOON + 2 * MINUTE, "third", RunPhase.FAILED),
        reporting(NOON, "first"),
        reporting(NOON + 3 * MINUTE, None),
        reporting(NOON + MINUTE, "second"),
        reporting(NOON + 4 * MINUTE, "never", RunPhase.SKIPPED),
    ]
    schedule = a_schedule(session=mode)
    status = status_of(schedule, seen(schedule, *pairs), NOON + 5 * MINUTE - 10 * SECOND)
    assert status.last_session_id == "third"


def test_a_session_stays_when_later_runs_report_none_and_is_written_once() -> None:
    schedule = a_schedule()
    first = status_of(schedule, seen(schedule, reporting(NOON, "one")), NOON + 10 * SECOND)
    schedule = a_schedule(status=first)
    pairs = (reporting(NOON, "forged later"), reporting(NOON + MINUTE, None, RunPhase.TIMED_OUT))
    later = status_of(schedule, seen(schedule, *pairs), NOON + MINUTE + 10 * SECOND)
    assert (first.last_session_id, later.last_session_id) == ("one", "one")


@pytest.mark.parametrize(
    ("session", "follows"),
    [(None, False), ({"mode": "New"}, False), ({"mode": "Fixed", "id": "x"}, False), ({"mode": "Continue"}, True)],
)
def test_the_cronjob_follows_the_last_session_only_with_continue_and_without_the_mark(
    session: dict[str, str] | None, follows: bool
) -> None:
    before = a_schedule(session=session)
    pair, now = reporting(NOON, "one"), NOON + 10 * SECOND
    world = seen(before, pair)
    status = status_of(before, world, now)
    assert session_moved(before, status) is follows
    after = before.model_copy(update={"status": status})

    plan = plan_schedule(after, world, now)

    assert [(type(action), getattr(action, "mark", None)) for action in plan.actions] == (
        [(UpdateCronJob, False)] if follows else []
    )
    again = plan_schedule(after, seen(after, pair), now)
    assert again.actions == ()
    assert again.status == status
    assert not session_moved(after, status)
