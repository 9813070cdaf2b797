"""What concurrencyPolicy decides, rule by rule: the answer for every policy, and what a plan does by it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from agentschedule.names import ConcurrencyPolicy, Reason
from agentschedule.plan import concurrency
from agentschedule.plan.actions import DeleteJob, StartDue
from agentschedule.plan.cron import parse_live
from agentschedule.plan.cronjob_gate import gate, unstarted_due_time
from agentschedule.plan.observed import Observed
from agentschedule.plan.run.plan import plan_run
from agentschedule.plan.schedule.ledger import terms_of
from tests.unit.builders import a_cronjob, a_due_job, a_job, a_run, a_schedule, at, listed, observed
from tests.unit.plan.run.worlds import ME, OLDER, RIVAL, World, joining, made, play

ALLOW, FORBID, REPLACE = ConcurrencyPolicy.ALLOW, ConcurrencyPolicy.FORBID, ConcurrencyPolicy.REPLACE
HOURLY = parse_live("0 * * * *", "Etc/UTC")
DUE = at("08:00:00")
LATE = at("08:00:10")
WORK, GOING = a_job("older"), a_job("going", deleting=True)
DONE = a_job("done", succeeded=True, finished_at=at("07:40:00"))


def test_every_policy_is_in_the_tables() -> None:
    assert set(ConcurrencyPolicy) == {ALLOW, FORBID, REPLACE}


@pytest.mark.parametrize(("policy", "blocks"), [(ALLOW, False), (FORBID, True), (REPLACE, False)])
def test_an_active_run_keeps_a_due_time_from_starting_with_forbid_alone(
    policy: ConcurrencyPolicy, blocks: bool
) -> None:
    assert concurrency.blocks_due_times(policy) is blocks
    world = observed(a_cronjob(policy), WORK)
    assert unstarted_due_time(world, HOURLY, LATE) == (None if blocks else DUE)
    terms = terms_of(world, HOURLY, None)
    assert terms is not None
    assert terms.blocks is blocks


@pytest.mark.parametrize(("policy", "rejects"), [(ALLOW, False), (FORBID, True), (REPLACE, False)])
def test_a_manual_run_is_rejected_beside_an_active_one_with_forbid_alone(
    policy: ConcurrencyPolicy, rejects: bool
) -> None:
    assert concurrency.rejects_manual_runs(policy) is rejects
    _, status = play(joining(OLDER, run=ME, policy=policy, active=(OLDER,), runs=(RIVAL,)))
    assert (status is not None and status.reason == Reason.ALREADY_RUNNING) is rejects


@pytest.mark.parametrize(("policy", "replaces"), [(ALLOW, False), (FORBID, False), (REPLACE, True)])
def test_a_manual_run_takes_the_place_of_an_active_one_with_replace_alone(
    policy: ConcurrencyPolicy, replaces: bool
) -> None:
    assert concurrency.replaces_active_runs(policy) is replaces
    done, _ = play(joining(OLDER, run=ME, policy=policy, active=(OLDER,), runs=(RIVAL,)))
    assert (done == ["cancel ScheduleRun older, replaced by report-now"]) is replaces


@pytest.mark.parametrize(("policy", "replaces"), [(ALLOW, False), (FORBID, False), (REPLACE, True)])
def test_of_two_manual_runs_that_wait_the_older_one_gives_way_with_replace_alone(
    policy: ConcurrencyPolicy, replaces: bool
) -> None:
    _, status = play(joining(run=ME, policy=policy, runs=(made(a_run("later"), at("07:39:00")),)))
    assert (status is not None and status.reason == Reason.REPLACED) is replaces


@pytest.mark.parametrize(("policy", "deletes"), [(ALLOW, False), (FORBID, False), (REPLACE, True)])
def test_a_job_may_be_deleted_for_the_next_one_with_replace_alone(policy: ConcurrencyPolicy, deletes: bool) -> None:
    assert concurrency.controller_deletes_active_jobs(policy) is deletes
    newer = a_due_job(at("07:39:00"))
    gone = World(made(a_run(jobUID="gone"), at("07:30:00")), a_schedule(), Observed(a_cronjob(policy), (newer,)))
    _, status = play(gone)
    assert status is not None
    assert status.reason == (Reason.REPLACED if deletes else Reason.JOB_DELETED)
    # Nothing is said at the moment of a due time: the Job that this one went for is on its way.
    just_due = replace(gone, now=DUE + timedelta(seconds=1), observed=Observed(a_cronjob(policy)))
    plan = plan_run(just_due.run, just_due.schedule, just_due.observed, just_due.now)
    assert (plan.status is None) is deletes


@pytest.mark.parametrize(
    ("policy", "world", "blocked"),
    [
        pytest.param(policy, world, policy is FORBID and active, id=f"{policy}, {name}")
        for policy in ConcurrencyPolicy
        for name, world, active in (
            ("nothing", Observed(), False),
            ("a Job at work", Observed(jobs=(WORK,)), True),
            ("a Job that has finished", Observed(a_cronjob(active=listed(DONE)), (DONE,)), False),
            ("an entry without a Job", Observed(a_cronjob(active=listed(WORK))), True),
        )
    ],
)
def test_what_is_due_is_held_back_while_something_is_active(
    policy: ConcurrencyPolicy, world: Observed, blocked: bool
) -> None:
    active = world.cronjob.active if world.cronjob else ()
    world = replace(world, cronjob=a_cronjob(policy, active=active))
    assert concurrency.is_blocked(world) is blocked
    assert unstarted_due_time(world, HOURLY, LATE) == (None if blocked else DUE)


def test_without_a_cronjob_nothing_is_held_back_and_nothing_gives_way() -> None:
    world = Observed(jobs=(WORK,))
    assert not concurrency.is_blocked(world)
    assert concurrency.job_to_delete_first(world) is None
    assert concurrency.active_entries(world) == ()


@pytest.mark.parametrize(("policy", "first"), [(ALLOW, None), (FORBID, None), (REPLACE, WORK)])
def test_an_active_job_gives_way_to_what_is_started_in_the_controllers_stead_with_replace_alone(
    policy: ConcurrencyPolicy, first: object
) -> None:
    cronjob = a_cronjob(policy, active=listed(GOING, WORK))
    world = observed(cronjob, GOING, WORK)
    assert concurrency.job_to_delete_first(world) == first
    step = gate(world, HOURLY, LATE).first
    assert step == {ALLOW: StartDue(cronjob, DUE), FORBID: None, REPLACE: DeleteJob(WORK)}[policy]


def test_a_job_that_is_going_already_gives_way_to_what_is_due() -> None:
    cronjob = a_cronjob("Replace", active=listed(GOING))
    assert gate(observed(cronjob, GOING), HOURLY, LATE).first == StartDue(cronjob, DUE)


def test_an_entry_counts_until_its_job_is_known_to_have_finished() -> None:
    unknown = a_job("unknown")
    world = observed(a_cronjob(active=listed(WORK, DONE, unknown)), WORK, DONE)
    assert concurrency.active_entries(world) == (WORK.uid, unknown.uid)


@pytest.mark.parametrize(("policy", "freed"), [(ALLOW, None), (FORBID, DONE.finished_at), (REPLACE, None)])
def test_the_end_of_a_run_sets_free_what_was_held_back_with_forbid_alone(
    policy: ConcurrencyPolicy, freed: object
) -> None:
    older = replace(DONE, uid="older", finished_at=at("07:20:00"))
    assert concurrency.freed_at(observed(a_cronjob(policy), older, DONE, WORK)) == freed
    assert concurrency.freed_at(observed(a_cronjob(policy), WORK)) is None
    assert concurrency.freed_at(observed(None, DONE)) is None
