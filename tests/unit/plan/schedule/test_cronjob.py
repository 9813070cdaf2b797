"""A CronJob that others have touched, or that cannot be settled."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agentschedule import child_names, names
from agentschedule.api.schedule import AgentSchedule
from agentschedule.names import Reason
from agentschedule.plan.actions import AskWhyMissed, CreateRun, StartDue, UpdateCronJob
from agentschedule.plan.answers import JobRefused, MissReason
from agentschedule.plan.controller import Controller
from agentschedule.plan.objects import build
from agentschedule.plan.observed import CronJob, Observed
from agentschedule.plan.schedule.plan import SchedulePlan, plan_schedule
from agentschedule.plan.spec.timing import timing
from tests.unit.builders import (
    CRONJOB_UID,
    NAME,
    NAMESPACE,
    a_cronjob,
    a_due_job,
    a_run,
    a_schedule,
    at,
    listed,
    unexplained,
)

SEEN = {"observedGeneration": 1, "accountedThrough": "2026-03-02T07:00:00Z"}


ALLOW = {"concurrencyPolicy": "Allow"}


def hourly(**spec: Any) -> AgentSchedule:
    return a_schedule(SEEN, **spec)


def in_force(of: AgentSchedule, /, **changes: Any) -> CronJob:
    """The CronJob as we last wrote it, with what others did to it."""
    wanted = build.cronjob(of, timing(of.spec, seed=NAMESPACE), suspend=False)
    return a_cronjob(spec_hash=wanted["metadata"]["annotations"][names.ANNOTATION_SPEC_HASH], **changes)


def plan_at(clock: str, schedule: AgentSchedule, observed: Observed) -> SchedulePlan:
    return plan_schedule(schedule, observed, at(clock))


def test_what_somebody_wrote_into_the_cronjob_is_neither_due_nor_missed() -> None:
    """At 07:40 somebody made it run each minute: that is put back, and starts and counts nothing."""
    schedule = hourly()
    edited = in_force(schedule, schedule="* * * * *", generation=2)

    plan = plan_at("07:40:02", schedule, Observed(edited))

    (action,) = plan.actions
    assert isinstance(action, UpdateCronJob)
    assert action.mark


def test_what_was_due_by_our_terms_under_somebodys_edit_is_missed() -> None:
    """Somebody made it yearly at 07:30, and nobody was there to put it back before 08:00 had passed."""
    schedule = hourly()
    edited = in_force(schedule, schedule="0 0 1 1 *", generation=2)

    plan = plan_at("08:10:00", schedule, unexplained(Observed(edited)))

    assert plan.status
    assert plan.status.counts
    assert (plan.status.counts.due, plan.status.counts.missed) == (1, 1)
    assert plan.replan


def test_a_cronjob_that_is_being_deleted_is_left_to_go() -> None:
    schedule = hourly()
    going = in_force(schedule, deleting=True, generation=2)

    plan = plan_at("07:40:02", schedule, Observed(going))

    assert not plan.actions
    assert plan.requeue_at == at("07:40:03")


def test_a_mark_ahead_whose_spec_never_came_is_moved_back() -> None:
    """We died between the mark of a startAt and its spec, and the author took the startAt back."""
    schedule = hourly()
    stray = in_force(schedule, last_schedule_time=at("07:00:00") + timedelta(days=30))

    (action,) = plan_at("07:40:02", schedule, Observed(stray)).actions

    assert isinstance(action, UpdateCronJob)
    assert action.mark


def test_a_job_that_the_api_refuses_does_not_hold_up_an_edit() -> None:
    """08:00 is owed and cannot start, for a quota; the author suspends."""
    schedule = hourly(suspend=True)
    owing = Observed(a_cronjob())

    first = plan_at("08:00:05", schedule, owing)
    refused = replace(
        owing, answers=(JobRefused(child_names.scheduled_job_name(NAME, at("08:00:00")), "exceeded quota"),)
    )
    second = plan_at("08:00:05", schedule, refused)

    assert [type(action) for action in first.actions] == [StartDue]
    assert second.replan  # the ledger is closed under the old terms
    assert second.status
    assert second.status.counts
    assert second.status.counts.missed == 1
    closed = a_schedule(second.status.wire(), suspend=True)
    assert [type(action) for action in plan_at("08:00:06", closed, refused).actions] == [UpdateCronJob]


def test_of_a_missed_due_time_the_events_are_asked_and_their_words_are_told() -> None:
    schedule, world = hourly(), Observed(in_force(hourly()))

    (question,) = plan_at("08:10:00", schedule, world).actions
    told = replace(world, answers=(MissReason(CRONJOB_UID, "exceeded quota"),))
    status = plan_at("08:10:00", schedule, told).status

    assert isinstance(question, AskWhyMissed)
    assert question.due == at("08:00:00")
    assert status
    assert status.last_missed
    assert (status.last_missed.reason, status.last_missed.message) == (
        Reason.JOB_CREATION_FAILED,
        "Kubernetes could not create its Job: exceeded quota",
    )


def test_an_edit_closes_the_ledger_first_only_where_it_changes_what_holds_a_due_time_back() -> None:
    """Forbid has held 08:00 back, and its deadline is over: by other terms it would count as missed."""
    active = a_due_job(at("07:00:00"))
    record = a_run(active.name, jobUID=active.uid, phase="Running")
    world = Observed(in_force(hourly(), active=listed(active)), (active,), runs=(record,))

    policy, words = (plan_at("08:10:00", hourly(**edit), world) for edit in (ALLOW, {"message": "Other words."}))

    assert policy.status
    assert policy.status.counts
    assert (policy.actions, policy.status.counts.skipped, policy.replan) == ((), 1, True)
    assert [type(action) for action in words.actions] == [UpdateCronJob]


def test_an_edit_says_until_when_it_may_be_written() -> None:
    (action,) = plan_at("07:40:02", hourly(timeoutSeconds=60), Observed(a_cronjob())).actions
    assert isinstance(action, UpdateCronJob)
    assert action.before == at("07:59:59")


def test_a_new_schedule_is_not_written_in_the_last_second_before_it_comes_due() -> None:
    """The controller would see the edit too late, and look only at the due time after that one."""
    edited = a_schedule(SEEN, schedule="41 * * * *")
    world = Observed(in_force(hourly()))

    near, early = plan_at("07:40:59.900", edited, world), plan_at("07:40:58", edited, world)

    assert (near.actions, near.requeue_at) == ((), at("07:41:01"))
    (action,) = early.actions
    assert isinstance(action, UpdateCronJob)
    assert action.before == at("07:40:59")


def assisted(clock: str, schedule: AgentSchedule, world: Observed) -> SchedulePlan:
    return plan_at(clock, schedule, replace(unexplained(world), controller=Controller(renews=True)))


def test_what_its_controller_does_not_start_is_started_while_nothing_else_is_to_be_done() -> None:
    world = Observed(in_force(hourly()))

    before, after = (assisted(clock, hourly(), world) for clock in ("08:00:00.400", "08:00:01"))

    assert (before.actions, before.requeue_at) == ((), at("08:00:01"))
    assert after.actions == (StartDue(in_force(hourly()), at("08:00:00")),)
    assert not plan_at("08:00:01", hourly(), world).actions, "as long as nothing is known of it"


def test_a_job_that_was_started_for_the_controller_is_recorded_and_counted_as_its_own() -> None:
    """The world is the same whoever started it."""
    job, done = a_due_job(at("08:00:00")), at("08:00:00")
    world = Observed(in_force(hourly(), active=listed(job), last_schedule_time=done), (job,))

    (made,) = assisted("08:00:02", hourly(), world).actions
    record = a_run(job.name, spec={"trigger": "Schedule", "scheduledTime": done}, jobUID=job.uid, phase="Running")
    status = assisted("08:00:03", hourly(), replace(world, runs=(record,))).status

    assert isinstance(made, CreateRun)
    assert status
    assert status.counts
    assert (status.counts.due, status.counts.started, status.accounted_through) == (1, 1, done)


@pytest.mark.parametrize("end", ["2026-03-02T07:59:59Z", "2026-03-02T07:30:00Z"])
def test_nothing_is_started_for_the_controller_after_the_window(end: str) -> None:
    schedule = hourly(endAt=end)
    actions = assisted("08:00:02", schedule, Observed(in_force(schedule))).actions
    assert [type(action) for action in actions] == [UpdateCronJob], "which suspends it"


def test_nothing_is_started_for_the_controller_after_the_window_though_what_is_before_its_end_is_still_open() -> None:
    """07:00 may still start, so that the CronJob is not suspended yet; the controller would start 08:00."""
    open_since = SEEN | {"accountedThrough": "2026-03-02T06:00:00Z"}
    schedule = a_schedule(open_since, endAt="2026-03-02T07:30:00Z", startingDeadlineSeconds=7200)
    world = Observed(in_force(schedule, deadline_seconds=7200, last_schedule_time=at("06:00:00")))
    plans = [assisted(clock, schedule, world) for clock in ("07:00:02", "08:00:02")]
    assert [plan.actions for plan in plans] == [(StartDue(world.cronjob, at("07:00:00")),), ()]  # type: ignore[arg-type]


@pytest.mark.parametrize("more", [{}, {"schedule": "0 25 * * *"}], ids=["to be put back", "not to be put back"])
def test_nothing_is_started_for_the_controller_that_somebody_else_wrote(more: dict[str, str]) -> None:
    """Somebody made it run each minute; the author's own schedule may be one that cannot be."""
    world = Observed(in_force(hourly(), schedule="* * * * *", generation=2))
    plans = [assisted(clock, hourly(**more), world) for clock in ("07:40:01.500", "07:40:59.500")]
    assert not any(isinstance(action, StartDue) for plan in plans for action in plan.actions)
