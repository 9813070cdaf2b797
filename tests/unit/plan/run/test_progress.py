"""A run at work: it waits, retries and is held."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from agentschedule.names import RunPhase
from agentschedule.plan.answers import LogTail, WaitingReason
from agentschedule.plan.run.plan import plan_run
from tests.unit.builders import a_job, at
from tests.unit.plan.run.worlds import END, LIMIT_1, as_planned, at_work, failed_pod, later, play


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


def test_an_attempt_that_ends_the_job_is_not_held() -> None:
    job = a_job(retry_limit=3, retry_delay_seconds=600)
    for exit_code in (64, 77, 78):
        assert play(later(at_work(job, failed_pod(exit_code=exit_code)), seconds=3))[0] == []
    assert play(later(at_work(job, failed_pod()), seconds=3))[0] != []


def test_a_held_job_that_somebody_lets_go_is_not_held_again() -> None:
    job = a_job(retry_limit=3, retry_delay_seconds=600, held_until=END + timedelta(seconds=600))
    assert play(later(at_work(job, failed_pod()), seconds=4))[0] == []
    assert play(later(at_work(replace(job, held_until=END), failed_pod()), seconds=4))[0] != []  # of the attempt before


def test_a_longer_delay_is_held_in_time_and_released_when_it_is_over() -> None:
    job = a_job(retry_limit=2, retry_delay_seconds=60)
    early = replace(at_work(job, failed_pod()), now=END + timedelta(seconds=3))
    assert play(early)[0] == ["hold Job report-now until 2026-03-02T07:40:50Z"]
    late = replace(early, now=END + timedelta(seconds=8))
    assert play(late)[0] == []  # its next pod may be on the way: it would be killed

    held = at_work(replace(job, suspended=True, held_until=at("07:40:50")), failed_pod())
    assert play(held)[0] == []
    assert play(replace(held, now=at("07:40:50")))[0] == ["resume Job report-now"]


def test_the_pace_of_kubernetes_itself_needs_nobody() -> None:
    third = failed_pod(name="third", attempt=3, ended_at=END)
    pods = (failed_pod(), failed_pod(name="second", attempt=2, created=at("07:31:00")), third)
    waits = at_work(a_job(retry_limit=5), *(replace(pod, created=at(f"07:3{n}:00")) for n, pod in enumerate(pods)))
    done, status = play(replace(waits, now=END + timedelta(seconds=4)))
    assert done == []
    assert status is not None
    assert "Attempt 3 failed" in (status.message or "")
    assert "starts at 2026-03-02T07:40:30Z" in (status.message or "")  # 40 s after its end


def test_a_failed_attempt_changes_nothing_before_kubernetes_has_judged_it() -> None:
    plan = plan_run(*as_planned(replace(at_work(LIMIT_1, failed_pod()), now=END + timedelta(seconds=1))))
    assert (plan.actions, plan.status, plan.requeue_at) == ((), None, END + timedelta(seconds=2))


def test_a_run_without_a_pod_is_explained_by_the_events_of_its_job() -> None:
    job = a_job(created=at("07:39:00"))
    assert play(at_work(job))[0] == ["ask why report-now waits"]
    why = WaitingReason(job.uid, "FailedCreate: exceeded quota: none")
    _, status = play(at_work(job, answers=(why,)))
    assert status is not None
    assert (status.phase, status.reason) == (RunPhase.PENDING, "FailedCreate")
    assert status.message == "FailedCreate: exceeded quota: none"


@pytest.mark.parametrize("line", ["no table", "no table " * 200], ids=["short", "longer than a message"])
def test_what_a_log_said_of_a_held_attempt_stays_in_the_record(line: str) -> None:
    """The log is read once: a second look, without it, writes nothing."""
    held = a_job(retry_limit=2, suspended=True, held_until=at("07:40:50"))
    world = at_work(held, failed_pod(termination_message=""), answers=(LogTail("uid-of-report-now-0", line),))
    _, told = play(world)
    assert told is not None
    assert "no table" in (told.message or "")
    assert (told.message or "").endswith("; the next attempt starts at 2026-03-02T07:40:50Z.")
    again = replace(
        world, run=world.run.model_copy(update={"status": told}), observed=replace(world.observed, answers=())
    )
    assert play(again) == ([], None)
