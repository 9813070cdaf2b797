"""The attempts of a run, by its pods and by its record."""

from __future__ import annotations

import pytest

from agentschedule.names import RunPhase
from agentschedule.plan.answers import WaitingReason
from agentschedule.plan.run.context import JobContext, RunContext
from agentschedule.plan.run.table import judge
from tests.unit.bodies import cronjob_body, job_body, pod_body, read_and_plan, run_body
from tests.unit.builders import a_job, at
from tests.unit.plan.run.worlds import END, LIMIT_1, NOW, at_work, failed_pod, play, running_pod


def test_a_pod_that_a_job_has_adopted_is_no_attempt() -> None:
    """Kubernetes adopts any pod whose labels fit, and counts none without an index."""
    run = run_body({"jobUID": "uid-of-report-1", "phase": "Pending"})
    _, statuses = read_and_plan(cronjobs=cronjob_body({}), jobs=job_body(), pods=pod_body({}), runs=run)
    assert all("attempts" not in status for status in statuses)


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


def test_of_many_attempts_those_go_first_whose_pods_are_gone() -> None:
    known = [{"attempt": 1, "pod": f"evicted-{n}", "phase": "Cancelled"} for n in range(40)]
    known.insert(0, {"attempt": 1, "pod": "report-now-0", "phase": "Failed"})
    now = running_pod(name="now", attempt=2, created=END)
    _, status = play(at_work(LIMIT_1, failed_pod(), now, attempts=known))
    assert status is not None
    attempts = status.attempts or ()
    assert len(attempts) == 24
    assert (attempts[0].pod, attempts[-1].pod, status.attempt) == ("report-now-0", "now", 2)


def test_an_attempt_that_vanished_is_open_until_it_is_known_what_became_of_it() -> None:
    before = {"attempt": 1, "pod": "gone", "phase": "Running"}
    for pods, phase in (((), RunPhase.RUNNING), ((running_pod(name="second", attempt=2),), RunPhase.FAILED)):
        job = a_job(retry_limit=1, created=at("07:39:59"))
        answers = (WaitingReason(job.uid, ""),)
        _, status = play(at_work(job, *pods, attempts=[before], answers=answers))
        assert status is not None
        assert (status.attempts or ())[0].phase is phase


def test_an_evicted_pod_uses_up_no_attempt() -> None:
    evicted = failed_pod(disrupted="EvictionByEvictionAPI", exit_code=143)
    world = at_work(LIMIT_1, evicted, running_pod(name="again", created=END))
    _, status = play(world)
    assert status is not None
    assert status.phase is RunPhase.RUNNING
    assert [(a.attempt, a.pod, a.phase) for a in status.attempts or ()] == [
        (1, "report-now-0", RunPhase.CANCELLED),
        (1, "again", RunPhase.RUNNING),
    ]


def test_attempts_whose_pods_are_gone_stay_in_the_record() -> None:
    before = {"attempt": 1, "pod": "gone", "phase": "Failed", "error": "boom", "startTime": "2026-03-02T07:20:00Z"}
    world = at_work(LIMIT_1, running_pod(name="second", attempt=1), attempts=[before])
    _, status = play(world)
    assert status is not None
    assert [(a.attempt, a.pod) for a in status.attempts or ()] == [(1, "gone"), (2, "second")]
    assert status.start_time == at("07:20:00")
