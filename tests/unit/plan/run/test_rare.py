"""Rare turns in a run's life: evictions, a controller that is away, counts begun anew, a time that is short."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agentschedule import names
from agentschedule.plan.answers import JobRefused
from agentschedule.plan.run.context import JobContext, RunContext
from agentschedule.plan.run.plan import plan_run
from agentschedule.plan.run.table import judge
from tests.unit.builders import NAME, a_job, at
from tests.unit.plan.run.worlds import (
    END,
    NOW,
    as_planned,
    at_work,
    cancelled,
    failed_pod,
    good_pod,
    joining,
    play,
    running_pod,
    suspended_job,
)


@pytest.mark.parametrize("late", [timedelta(seconds=6), timedelta(days=1)], ids=str)
@pytest.mark.parametrize("asked", [lambda world: world, cancelled], ids=["left alone", "cancelled"])
def test_a_success_is_never_ended_however_late_its_job_completes(late: timedelta, asked: Any) -> None:
    """While the Job controller is away, say."""
    world = asked(at_work(a_job(timeout_seconds=60), good_pod()))
    plan = plan_run(*as_planned(replace(world, now=END + late)))
    assert (plan.actions, plan.status, plan.requeue_at) == ((), None, None)


def test_a_refusal_of_a_due_times_job_is_none_of_the_run_that_would_follow_it() -> None:
    """What is due goes first. The run's own Job is there, and took the last place of a quota, say."""
    joins = joining(suspended_job(), policy="Allow")
    late = replace(joins, now=at("08:00:30"))
    assert play(late)[0] == ["start the run of CronJob report due at 2026-03-02T08:00:00Z"]
    refused = replace(
        late.observed, answers=(JobRefused(names.scheduled_job_name(NAME, at("08:00:00")), "exceeded quota"),)
    )
    assert play(replace(late, observed=refused))[0] == ["list report-now as active in CronJob report"]


def test_pods_that_kubernetes_took_away_make_its_pauses_longer() -> None:
    """Its sixth pod: the next one comes 320 s after its end, and has its time to start then."""
    job = a_job(retry_limit=2, timeout_seconds=60, retry_delay_seconds=400)
    evicted = failed_pod(attempt=1, ignored=5, disrupted="EvictionByEvictionAPI")
    assert play(replace(at_work(job, evicted), now=END + timedelta(seconds=379)))[0] == ["ask why report-now-0 waits"]
    assert play(replace(at_work(job, evicted), now=END + timedelta(seconds=380)))[0] == [
        "end Job report-now: NeverStarted"
    ]
    failed = failed_pod(attempt=1, ignored=5)
    assert play(replace(at_work(job, failed), now=END + timedelta(seconds=300)))[0] == [
        "hold Job report-now until 2026-03-02T07:46:30Z"
    ]


def test_a_count_that_kubernetes_began_anew_makes_its_pauses_short_again() -> None:
    """Somebody suspended the Job in the middle of an attempt. Held too late, the next pod would be killed."""
    known = [{"attempt": n, "pod": f"gone-{n}", "phase": "Failed"} for n in (1, 2, 3)]
    job = a_job(retry_limit=5, retry_delay_seconds=60)
    world = at_work(job, failed_pod(attempt=1), attempts=known)
    assert play(replace(world, now=END + timedelta(seconds=8)))[0] == []


@pytest.mark.parametrize(
    ("ignored", "phase", "error", "done"),
    [
        pytest.param(1, "Cancelled", "Kubernetes took the pod away", [], id="evicted, and not counted"),
        pytest.param(0, "Failed", "its end was not seen", ["stop pod second: RetriesExhausted"], id="begun anew"),
    ],
)
def test_what_became_of_a_pod_that_went_while_nobody_looked_is_told_by_the_next_one(
    ignored: int, phase: str, error: str, done: list[str]
) -> None:
    """A node is drained: the agent's pod goes with the operator's. The pod that takes its place is no attempt more."""
    known = {"attempt": 1, "pod": "gone", "phase": "Running"}
    world = at_work(a_job(), running_pod(name="second", attempt=1, ignored=ignored), attempts=[known])
    assert play(world)[0] == done
    judged = judge(RunContext(run=world.run, schedule=world.schedule, observed=world.observed, now=NOW)).context
    assert isinstance(judged, JobContext)
    first = judged.attempts[0]
    assert (first.phase, error in (first.error or "")) == (phase, True)


def test_a_run_has_its_whole_time_to_start_however_long_it_had_to_join() -> None:
    job = a_job(timeout_seconds=5, created=at("07:39:50"), started_at=None)
    assert play(at_work(job))[0] == ["ask why report-now waits"]
    began = replace(job, started_at=at("07:39:58"))
    assert play(replace(at_work(began), now=at("07:40:02")))[0] == ["ask why report-now waits"]
    assert play(replace(at_work(began), now=at("07:40:03")))[0] == ["end Job report-now: NeverStarted"]
