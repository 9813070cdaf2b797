"""An interval's due times depend on its mark, and so does when nothing more of it is due."""

from __future__ import annotations

from datetime import timedelta

from agentschedule import names
from agentschedule.api.schedule import AgentSchedule, AgentScheduleStatus
from agentschedule.plan.actions import CreateCronJob, UpdateCronJob
from agentschedule.plan.observed import Observed
from agentschedule.plan.schedule.plan import plan_schedule
from tests.unit.minutely import CREATED, MINUTE, NOON, SECOND, a_cronjob, a_schedule

FIRST = CREATED + MINUTE  # 12:00:30


def interval(text: str = "1m", **spec: object) -> AgentSchedule:
    return a_schedule(schedule=None, interval=text, **spec)  # type: ignore[arg-type]


def test_an_interval_is_not_over_before_its_last_due_time_though_less_than_an_interval_is_left() -> None:
    schedule = interval(end_at=FIRST + 10 * SECOND)
    observed = Observed(a_cronjob(schedule))
    plan = plan_schedule(schedule, observed, NOON + 20 * SECOND)
    assert plan.actions == ()
    assert plan.status
    assert plan.status.phase == names.SchedulePhase.ACTIVE
    assert plan.status.next_run_times == ("2026-03-02T12:00:30Z",)


def test_it_is_over_once_the_last_due_time_is_decided() -> None:
    schedule = interval(end_at=FIRST + 10 * SECOND)
    cronjob = a_cronjob(schedule, last_schedule_time=FIRST)
    status = AgentScheduleStatus(observed_generation=1, accounted_through=FIRST)
    decided = schedule.model_copy(update={"status": status})
    [update] = plan_schedule(decided, Observed(cronjob), FIRST + 5 * SECOND).actions
    assert isinstance(update, UpdateCronJob)
    assert update.body["spec"]["suspend"] is True


def test_it_is_over_from_the_start_where_the_window_is_shorter_than_the_interval() -> None:
    schedule = interval("1h", end_at=NOON + 30 * MINUTE)
    [create] = plan_schedule(schedule, Observed(), NOON).actions
    assert isinstance(create, CreateCronJob)
    assert create.body["spec"]["suspend"] is True


def test_a_resume_counts_anew_and_may_be_too_late_for_the_window() -> None:
    schedule = interval(end_at=FIRST + 10 * SECOND, suspend=False)
    suspended = a_cronjob(interval(end_at=FIRST + 10 * SECOND, suspend=True))
    plan = plan_schedule(schedule, Observed(suspended), NOON + 20 * SECOND)
    assert all(not isinstance(action, UpdateCronJob) or action.body["spec"]["suspend"] for action in plan.actions)


def test_a_start_between_whole_seconds_is_not_early() -> None:
    start = NOON + timedelta(milliseconds=500)
    schedule = a_schedule(start_at=start)
    [create] = plan_schedule(schedule, Observed(), CREATED).actions
    assert isinstance(create, CreateCronJob)
    assert create.body["metadata"]["annotations"][names.ANNOTATION_NOT_BEFORE] == "2026-03-02T12:00:00Z"
    cronjob = a_cronjob(schedule)
    plan = plan_schedule(a_schedule(start_at=start, message="Other words."), Observed(cronjob), CREATED)
    [update] = plan.actions
    assert isinstance(update, UpdateCronJob)
    assert not update.mark
