"""The plan for one schedule, step by step: when its CronJob is written, and what the status says meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from agentschedule import names
from agentschedule.api.schedule import AgentSchedule, AgentScheduleStatus
from agentschedule.plan.actions import CreateCronJob, CreateRun, Plan, RepairCronJob, StartDue, UpdateCronJob
from agentschedule.plan.answers import CronJobRefused
from agentschedule.plan.cronjob_gate import CONTROLLER_GRACE
from agentschedule.plan.observed import Observed, Unreadable
from agentschedule.plan.schedule.ledger import GRACE
from agentschedule.plan.schedule.plan import LOOK_AGAIN, plan_schedule
from tests.unit.bodies import cronjob_body, read_and_plan
from tests.unit.builders import NAME, listed, unexplained
from tests.unit.minutely import CREATED, MINUTE, NOON, SECOND, a_cronjob, a_job, a_record, a_schedule

DAILY = "0 8 * * *"


def settled(schedule: AgentSchedule, observed: Observed, now: datetime) -> AgentSchedule:
    """The schedule with the status that a plan writes; as a new operator would read it from the API."""
    status = plan_schedule(schedule, unexplained(observed), now).status
    assert status
    return schedule.model_copy(update={"status": AgentScheduleStatus.model_validate(status.wire())})


def test_a_schedule_without_a_cronjob_gets_one() -> None:
    plan = plan_schedule(a_schedule(), Observed(), NOON)
    assert [type(action) for action in plan.actions] == [CreateCronJob]
    assert plan.status is None


def test_a_schedule_that_is_going_gets_nothing() -> None:
    going = a_schedule(meta={"deletion_timestamp": NOON})
    assert plan_schedule(going, Observed(), NOON) == Plan()


def test_a_plan_of_a_settled_schedule_writes_the_same_status_again() -> None:
    observed = Observed(a_cronjob())
    now = NOON - 10 * SECOND
    schedule = settled(a_schedule(), observed, now)
    again = plan_schedule(schedule, observed, now + 5 * SECOND)
    assert again.actions == ()
    assert again.events == ()
    assert again.status
    assert again.status.wire() == schedule.status.wire()  # type: ignore[union-attr]
    assert again.requeue_at == NOON + CONTROLLER_GRACE


@pytest.mark.parametrize(
    ("edit", "mark"),
    [
        ({"schedule": DAILY}, True),
        ({"time_zone": "Europe/Berlin"}, True),
        ({"starting_deadline_seconds": 600}, True),
        ({"starting_deadline_seconds": 60}, False),
        ({"concurrency_policy": "Allow"}, False),
        ({"suspend": True}, False),
        ({"message": "other words"}, False),
    ],
)
def test_an_edit_moves_the_mark_only_where_due_times_of_the_past_would_come_back(
    edit: dict[str, object], mark: bool
) -> None:
    schedule = a_schedule(**{"schedule": "*/1 * * * *"} | edit)  # type: ignore[arg-type]
    plan = plan_schedule(schedule, Observed(a_cronjob(a_schedule())), NOON - 10 * SECOND)
    [update] = plan.actions
    assert isinstance(update, UpdateCronJob)
    assert update.mark is mark


def test_a_resume_moves_the_mark() -> None:
    plan = plan_schedule(a_schedule(), Observed(a_cronjob(a_schedule(suspend=True))), NOON + 10 * SECOND)
    [update] = plan.actions
    assert isinstance(update, UpdateCronJob)
    assert update.mark


@pytest.mark.parametrize("ahead", [0.1, 0.5, 1.0])
def test_no_cronjob_is_written_in_the_second_before_a_due_time(ahead: float) -> None:
    plan = plan_schedule(a_schedule(schedule=DAILY), Observed(a_cronjob()), NOON - timedelta(seconds=ahead))
    assert plan.actions == ()
    assert plan.requeue_at == NOON + CONTROLLER_GRACE


def test_what_is_owed_is_left_to_the_controller_for_a_second_and_then_started_before_an_edit() -> None:
    edited, observed = a_schedule(schedule=DAILY), Observed(a_cronjob())
    assert plan_schedule(edited, observed, NOON + 0.5 * SECOND).requeue_at == NOON + CONTROLLER_GRACE
    [start] = plan_schedule(edited, observed, NOON + CONTROLLER_GRACE).actions
    assert isinstance(start, StartDue)
    assert start.due == NOON


def test_a_job_that_the_controller_has_not_written_down_yet_is_waited_for_and_then_repaired() -> None:
    job = a_job(NOON)
    observed = Observed(a_cronjob(), (job,), runs=(a_record(job),))
    waiting = plan_schedule(a_schedule(), observed, NOON + SECOND)
    assert waiting.actions == ()
    assert waiting.requeue_at
    assert waiting.requeue_at <= NOON + 3 * SECOND
    [repair] = plan_schedule(a_schedule(), observed, NOON + 3 * SECOND).actions
    assert isinstance(repair, RepairCronJob)
    assert repair.add == (job,)
    assert repair.last_schedule_time == NOON


@pytest.mark.parametrize("moment", [NOON - 0.5 * SECOND, NOON + 0.5 * SECOND])
def test_the_status_speaks_of_a_new_spec_only_when_the_cronjob_has_it(moment: datetime) -> None:
    before, cronjob = a_schedule(), a_cronjob()
    old = settled(before, Observed(cronjob), NOON - 10 * SECOND)
    edited = a_schedule(schedule=DAILY, meta={"generation": 2}, status=old.status)
    waiting = plan_schedule(edited, Observed(cronjob), moment)
    assert waiting.actions == ()
    assert waiting.status
    assert waiting.status.observed_generation == 1
    assert {condition.observed_generation for condition in waiting.status.conditions or ()} == {1}

    done = plan_schedule(edited, Observed(a_cronjob(edited)), moment)
    assert done.status
    assert done.status.observed_generation == 2


@pytest.mark.parametrize("edit", [{"schedule": DAILY}, {"suspend": True}, {"time_zone": "Europe/Berlin"}])
def test_the_ledger_is_closed_before_new_terms_and_the_status_does_not_speak_of_them_yet(edit: dict[str, Any]) -> None:
    running = a_job(NOON)
    cronjob = a_cronjob(last_schedule_time=NOON, active=listed(running))
    observed = Observed(cronjob, (running,), runs=(a_record(running),))
    old = settled(a_schedule(), observed, NOON + 10 * SECOND)
    edited = a_schedule(meta={"generation": 2}, status=old.status, **edit)
    closing = plan_schedule(edited, observed, NOON + MINUTE + 10 * SECOND)
    assert closing.replan
    assert closing.status
    assert closing.status.counts
    assert closing.status.counts.skipped == 1
    assert closing.status.observed_generation == 1

    closed = edited.model_copy(update={"status": closing.status})
    [update] = plan_schedule(closed, observed, NOON + MINUTE + 10 * SECOND).actions
    assert isinstance(update, UpdateCronJob)


def test_an_edit_of_the_words_leaves_a_held_back_due_time_open_for_it_may_still_start() -> None:
    running = a_job(NOON)
    cronjob = a_cronjob(last_schedule_time=NOON, active=listed(running))
    observed = Observed(cronjob, (running,), runs=(a_record(running),))
    old = settled(a_schedule(), observed, NOON + 10 * SECOND)
    held_back = NOON + MINUTE
    edited = a_schedule(message="other words", meta={"generation": 2}, status=old.status)
    plan = plan_schedule(edited, observed, held_back + 10 * SECOND)
    assert [type(action) for action in plan.actions] == [UpdateCronJob]

    ended = replace(running, succeeded=True, finished_at=held_back + 20 * SECOND)
    late = a_job(held_back, created=held_back + 20 * SECOND)
    now = Observed(
        a_cronjob(edited, last_schedule_time=held_back, active=listed(late)),
        (ended, late),
        runs=(a_record(ended), a_record(late)),
    )
    counts = settled(edited, now, held_back + 30 * SECOND).status.counts  # type: ignore[union-attr]
    assert counts
    assert (counts.due, counts.started, counts.skipped) == (2, 2, 0)


def test_someone_s_edit_of_the_cronjob_is_put_back_with_a_word() -> None:
    plan = plan_schedule(a_schedule(), Observed(a_cronjob(generation=2, schedule=DAILY)), NOON - 10 * SECOND)
    [update] = plan.actions
    assert isinstance(update, UpdateCronJob)
    assert update.mark
    [event] = plan.events
    assert event.warning
    assert event.reason == names.Reason.CRONJOB_UPDATED


@pytest.mark.parametrize(
    "taken",
    [{"controller_uid": "uid-of-somebody"}, {"controller_uid": None, "ours": False}],
    ids=["controlled", "nobody's"],
)
def test_a_cronjob_of_somebody_else_is_never_touched(taken: dict[str, object]) -> None:
    plan = plan_schedule(a_schedule(schedule=DAILY), Observed(a_cronjob(**taken)), NOON + 10 * SECOND)
    assert plan.actions == ()
    assert plan.requeue_at == NOON + 10 * SECOND + LOOK_AGAIN
    assert plan.status
    assert plan.status.cron_job is None
    assert plan.status.next_run_time is None


def test_a_cronjob_of_ours_that_lost_its_owner_is_adopted() -> None:
    plan = plan_schedule(a_schedule(), Observed(a_cronjob(controller_uid=None)), NOON - 10 * SECOND)
    assert [type(action) for action in plan.actions] == [UpdateCronJob]


def test_what_the_api_refuses_leaves_the_former_cronjob_as_it_was() -> None:
    refused = CronJobRefused(NAME, "spec.jobTemplate: no")
    edited = a_schedule(schedule=DAILY, meta={"generation": 2})
    plan = plan_schedule(edited, Observed(a_cronjob(), answers=(refused,)), NOON - 10 * SECOND)
    assert plan.actions == ()
    assert plan.status
    assert plan.status.phase == names.SchedulePhase.INVALID
    assert plan.status.observed_generation == 2
    assert plan.status.resolved_schedule == "*/1 * * * *"


def test_an_unreadable_schedule_leaves_the_former_cronjob_as_it_was() -> None:
    odd = Unreadable(a_schedule().metadata, None, "spec.schedule: what is this")
    plan = plan_schedule(odd, Observed(a_cronjob()), NOON - 10 * SECOND)
    assert plan.actions == ()
    assert plan.status
    assert plan.status.phase == names.SchedulePhase.INVALID


def test_a_job_without_a_record_gets_one_and_a_second_never() -> None:
    job = a_job(NOON)
    cronjob = a_cronjob(last_schedule_time=NOON, active=listed(job))
    [record] = plan_schedule(a_schedule(), Observed(cronjob, (job,)), NOON + 2 * SECOND).actions
    assert isinstance(record, CreateRun)
    assert record.body["metadata"]["name"] == job.name
    observed = Observed(cronjob, (job,), runs=(a_record(job),))
    assert plan_schedule(a_schedule(), observed, NOON + 2 * SECOND).actions == ()


def test_an_open_due_time_is_looked_at_again_when_it_is_decided() -> None:
    hourly = a_schedule("0 * * * *", starting_deadline_seconds=30)
    plan = plan_schedule(hourly, Observed(a_cronjob(hourly)), NOON + 2 * SECOND)
    assert plan.requeue_at == NOON + 30 * SECOND + GRACE


def test_a_passed_run_time_moves_on_though_nothing_has_happened() -> None:
    patient = a_schedule(starting_deadline_seconds=600)
    observed = Observed(a_cronjob(patient))
    schedule = settled(patient, observed, CREATED)
    assert schedule.status
    assert schedule.status.next_run_time == "2026-03-02T12:00:00Z"
    assert plan_schedule(schedule, observed, CREATED).requeue_at == NOON + CONTROLLER_GRACE
    later = plan_schedule(schedule, observed, NOON + CONTROLLER_GRACE)
    assert later.status
    assert later.status.next_run_time == "2026-03-02T12:01:00Z"
    assert later.requeue_at
    assert later.requeue_at <= NOON + MINUTE + CONTROLLER_GRACE


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59Z", "0002-01-01T00:00:00Z", "0001-01-01T00:00:00Z"])
def test_an_odd_mark_of_a_cronjob_stops_nothing(text: str) -> None:
    read_and_plan(cronjobs=cronjob_body(lastScheduleTime=text))
