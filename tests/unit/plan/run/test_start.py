"""The start of a manual run: whom it waits for, whose place it takes, who takes its own."""

from __future__ import annotations

from dataclasses import replace

from agentschedule import child_names
from agentschedule.names import RunPhase
from agentschedule.plan.answers import JobRefused
from agentschedule.plan.observed import Observed
from agentschedule.plan.run.state import RunState
from tests.unit.builders import NAME, a_cronjob, a_run, a_schedule, at
from tests.unit.plan.run.worlds import (
    ME,
    OLDER,
    WORLDS,
    World,
    at_work,
    cancelled,
    joining,
    made,
    play,
    requeue,
    suspended_job,
    unreadable,
)


def test_a_refusal_of_a_due_times_job_is_none_of_the_run_that_would_follow_it() -> None:
    """What is due goes first. The run's own Job is there, and took the last place of a quota, say."""
    joins = joining(suspended_job(), policy="Allow")
    late = replace(joins, now=at("08:00:30"))
    assert play(late)[0] == ["start the run of CronJob report due at 2026-03-02T08:00:00Z"]
    refused = replace(
        late.observed, answers=(JobRefused(child_names.scheduled_job_name(NAME, at("08:00:00")), "exceeded quota"),)
    )
    assert play(replace(late, observed=refused))[0] == ["list report-now as active in CronJob report"]


def test_of_those_that_wait_only_the_newest_starts() -> None:
    mine, newer = ME, made(a_run("later"), at("07:39:00"))
    _, status = play(joining(run=mine, policy="Replace", runs=(newer,)))
    assert status is not None
    assert (status.phase, status.reason) == (RunPhase.SKIPPED, "Replaced")
    assert "Run later came later" in (status.message or "")
    assert play(joining(run=newer, policy="Replace", runs=(mine,)))[0] == ["create Job later, suspended"]


def test_who_would_be_refused_takes_nobodys_place() -> None:
    refused = made(a_run("later", spec={"message": "Something else."}), at("07:39:00"))
    assert play(joining(run=ME, policy="Replace", runs=(refused,)))[0] == ["create Job report-now, suspended"]


def test_nor_does_who_cannot_be_read() -> None:
    later = unreadable(made(a_run("later"), at("07:39:00")))
    assert play(joining(run=ME, policy="Replace", runs=(later,)))[0] == ["create Job report-now, suspended"]


def test_what_cannot_be_read_loses_the_job_that_was_made_for_it_before() -> None:
    world = joining(suspended_job(), run=unreadable(a_run()))
    assert play(world) == (["delete Job report-now"], None)


def test_what_cannot_be_read_and_has_its_job_goes_on() -> None:
    world = WORLDS[RunState.RUNNING]()
    assert play(replace(world, run=unreadable(world.run))) == play(world)


def test_a_job_that_is_going_is_not_deleted_again() -> None:
    going = replace(suspended_job(), deleting=True)
    assert play(cancelled(joining(going))) == ([], None)


def test_a_job_that_is_going_before_it_was_let_go_is_waited_for_and_not_deleted_again() -> None:
    """Somebody's finalizer may hold it for long."""
    unreleased = cancelled(at_work(suspended_job()))
    assert play(unreleased)[0] == ["delete Job report-now"]
    held = cancelled(at_work(suspended_job(deleting=True)))
    assert (play(held), requeue(held)) == (([], None), at("07:40:01"))


def test_a_schedule_that_is_going_starts_nothing() -> None:
    schedule = a_schedule()
    meta = schedule.metadata.model_copy(update={"deletion_timestamp": at("07:39:00")})
    going = schedule.model_copy(update={"metadata": meta})
    world = World(a_run(), going, Observed(a_cronjob()))
    assert play(world) == ([], None)


def test_a_cancel_of_our_own_is_looked_at_again_until_the_run_is_stopping() -> None:
    for reason, look_again in ((None, at("07:40:01")), ("Stopping", None)):
        asked = a_run("older", jobUID="uid-of-older", phase="Running", reason=reason, spec={"cancel": True})
        waits = joining(OLDER, run=ME, policy="Replace", active=(OLDER,), runs=(asked,))
        assert (play(waits)[0], requeue(waits)) == ([], look_again)


def test_a_manual_run_waits_for_the_end_of_the_one_it_replaces() -> None:
    world = WORLDS[RunState.OLDER_ACTIVE]()
    asked = a_run("older", jobUID="uid-of-older", phase="Running", spec={"cancel": True})
    _, status = play(replace(world, observed=replace(world.observed, runs=(world.run, asked))))
    assert status is not None
    assert (status.phase, status.reason, status.message) == (
        RunPhase.PENDING,
        "Replacing",
        "Waits for the end of older.",
    )
