"""The end of a run, however late it is seen and whoever brought it about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agentschedule import names
from agentschedule.names import RunPhase
from agentschedule.plan.answers import LogTail, PodsListed
from agentschedule.plan.observed import Observed
from agentschedule.plan.run.plan import plan_run
from agentschedule.plan.run.state import RunState
from tests.unit.builders import a_cronjob, a_job, a_pod, a_run, a_schedule, at
from tests.unit.plan.run.worlds import (
    END,
    LIMIT_1,
    NEWER,
    NOW,
    WORLDS,
    World,
    as_planned,
    at_work,
    cancelled,
    ended,
    failed_pod,
    good_pod,
    later,
    made,
    play,
    requeue,
    running_pod,
)

PODS_SEEN = PodsListed("uid-of-report-now")


@pytest.mark.parametrize("late", [timedelta(seconds=6), timedelta(days=1)], ids=str)
@pytest.mark.parametrize("asked", [lambda world: world, cancelled], ids=["left alone", "cancelled"])
def test_a_success_is_never_ended_however_late_its_job_completes(late: timedelta, asked: Any) -> None:
    """While the Job controller is away, say."""
    world = asked(at_work(a_job(timeout_seconds=60), good_pod()))
    plan = plan_run(*as_planned(replace(world, now=END + late)))
    assert (plan.actions, plan.status, plan.requeue_at) == ((), None, None)


def test_a_success_that_nobody_has_counted_yet_is_never_made_a_failure() -> None:
    world = at_work(a_job(timeout_seconds=60), good_pod())
    for seen in (world, cancelled(world)):
        assert play(later(seen, hours=5)) == ([], None)
        assert requeue(later(seen, hours=5)) is None  # the Job's end is news


def test_a_suspended_job_that_is_about_to_fail_is_let_go_to_do_so() -> None:
    stuck = a_job(retry_limit=3, suspended=True, held_until=at("08:00:00"), ending=True)
    assert play(at_work(stuck, failed_pod()))[0] == ["resume Job report-now"]
    told = replace(stuck, started_at=at("07:30:00"))
    assert play(at_work(told, failed_pod()))[0] == []


def test_a_cancelled_run_whose_pod_is_gone_is_cancelled() -> None:
    gone = cancelled(at_work(ended(), answers=(PODS_SEEN,)))
    _, status = play(gone)
    assert status is not None
    assert (status.phase, status.reason) == (RunPhase.CANCELLED, "Cancelled")


def test_only_a_success_that_was_seen_is_one_or_a_moment_has_passed() -> None:
    unseen = at_work(ended(succeeded=True), running_pod(), answers=(PODS_SEEN,))
    assert play(later(unseen, seconds=2)) == ([], None)
    _, status = play(later(unseen, seconds=6))
    assert status is not None
    assert status.phase is RunPhase.SUCCEEDED


def test_that_another_attempt_is_of_no_use_may_stand_in_the_log() -> None:
    cut = failed_pod(termination_message="x" * 4096)
    assert play(at_work(LIMIT_1, cut))[0] == ["read the log of pod report-now-0"]
    log = LogTail("uid-of-report-now-0", '{"error":{"message":"no such table","retryable":false}}')
    assert play(at_work(LIMIT_1, cut, answers=(log,)))[0] == ["end Job report-now: NotRetryable"]
    assert play(at_work(LIMIT_1, cut, phase="Retrying"))[0] == []  # it was read before


def test_a_run_that_was_ended_between_two_attempts_ended_then() -> None:
    stopped = ended(reason="Cancelled", finished_at=at("07:50:00"))
    _, status = play(cancelled(at_work(stopped, failed_pod())))
    assert status is not None
    assert (status.completion_time, status.duration) == (at("07:50:00"), "19m58s")


def test_what_an_earlier_attempt_said_is_not_what_the_last_one_said() -> None:
    first = {"pod": "report-now-0", "statusCode": 500, "output": {"content": "Traceback"}}
    second = good_pod(name="second", created=at("07:35:00"), termination_message="")
    silent = LogTail("uid-of-second", "")
    _, status = play(at_work(ended(succeeded=True), failed_pod(), second, answers=(silent,), **first))
    assert status is not None
    assert (status.phase, status.status_code, status.output) == (RunPhase.SUCCEEDED, None, None)


def test_a_slow_controller_makes_no_other_end_of_a_time_limit() -> None:
    late = failed_pod(reason="DeadlineExceeded")
    _, status = play(at_work(ended(reason="RetriesExhausted"), late))
    assert status is not None
    assert (status.phase, status.reason) == (RunPhase.TIMED_OUT, "DeadlineExceeded")


@pytest.mark.parametrize("counted_by", ["BackoffLimitExceeded", "RetriesExhausted"])
def test_a_slow_controller_makes_no_other_reason_of_a_failure(counted_by: str) -> None:
    _, status = play(at_work(ended(reason=counted_by), failed_pod()))
    assert status is not None
    assert (status.phase, status.reason) == (RunPhase.FAILED, "AgentFailed")


def test_an_attempt_too_many_that_was_stopped_says_so() -> None:
    stopped = failed_pod(name="second", no_retry="RetriesExhausted")
    _, status = play(at_work(ended(reason="PodFailurePolicy"), stopped))
    assert status is not None
    assert (status.phase, status.reason) == (RunPhase.FAILED, "RetriesExhausted")


def test_an_init_container_that_fails_leaves_nothing_waiting_for_ever() -> None:
    broken = a_pod(phase="Failed", message="container prepare exited with code 9")
    world = at_work(a_job(retry_limit=1, timeout_seconds=60, started_at=at("07:30:00")), broken)
    assert requeue(replace(world, now=at("07:31:00"))) == at("07:33:01")
    assert play(replace(world, now=at("09:00:00")))[0] == ["end Job report-now: NeverStarted"]


def test_an_attempt_too_many_is_told_to_stop_once() -> None:
    stopping = running_pod(name="second", created=END, no_retry="RetriesExhausted", deadline_seconds=1)
    done, status = play(at_work(a_job(), failed_pod(), stopping))
    assert done == []
    assert status is not None
    assert (status.phase, status.reason) == (RunPhase.RUNNING, "Stopping")


def test_a_job_that_goes_at_a_due_time_may_have_been_replaced() -> None:
    gone = World(made(a_run(jobUID="gone"), at("07:30:00")), a_schedule(), Observed(a_cronjob(policy="Replace")))
    just_due = replace(gone, now=at("08:00:02"))
    assert (play(just_due), requeue(just_due)) == (([], None), at("08:00:03"))
    for later_on, by in ((at("08:00:31"), "JobDeleted"), (at("07:59:00"), "JobDeleted")):
        _, status = play(replace(gone, now=later_on))
        assert status is not None
        assert status.reason == by


def test_a_cancel_between_attempts_ends_the_job_and_never_kills_what_was_left() -> None:
    between = cancelled(at_work(LIMIT_1, failed_pod()))
    held = cancelled(at_work(replace(LIMIT_1, suspended=True, held_until=NOW), failed_pod()))
    assert play(between)[0] == play(held)[0] == ["end Job report-now: Cancelled"]


def test_a_cancel_that_comes_too_late_leaves_the_result() -> None:
    _, status = play(cancelled(at_work(ended(succeeded=True), good_pod())))
    assert status is not None
    assert status.phase is RunPhase.SUCCEEDED


@pytest.mark.parametrize(
    ("world", "reason"),
    [
        pytest.param(lambda: cancelled(WORLDS[RunState.JOB_DELETED]()), "Cancelled", id="it was to be cancelled"),
        pytest.param(
            lambda: World(
                made(a_run(jobUID="gone"), at("07:30:00")), a_schedule(), Observed(a_cronjob("Replace"), (NEWER,))
            ),
            "Replaced",
            id="the controller replaced it",
        ),
    ],
)
def test_why_a_job_is_gone(world: Callable[[], World], reason: str) -> None:
    _, status = play(world())
    assert status is not None
    assert (status.phase, status.reason) == (RunPhase.CANCELLED, reason)


def test_the_name_of_the_one_that_replaces_it_is_told() -> None:
    world = cancelled(WORLDS[RunState.CANCELLED]())
    meta = world.run.metadata.model_copy(update={"annotations": {names.ANNOTATION_REPLACED_BY: "newer"}})
    _, status = play(replace(world, run=world.run.model_copy(update={"metadata": meta})))
    assert status is not None
    assert (status.reason, status.message) == (
        "Replaced",
        "Run newer took its place: concurrencyPolicy is Replace.",
    )


def test_a_log_that_says_nothing_is_not_read_twice() -> None:
    world = at_work(
        ended(succeeded=True),
        good_pod(termination_message=""),
        answers=(LogTail("uid-of-report-now-0", ""),),
    )
    done, status = play(world)
    assert done == []
    assert status is not None
    assert (status.phase, status.output) == (RunPhase.SUCCEEDED, None)


def test_an_attempt_that_was_stopped_ends_its_job_by_itself() -> None:
    stopped = failed_pod(no_retry="Cancelled", reason="DeadlineExceeded")
    world = cancelled(at_work(LIMIT_1, stopped))
    assert play(replace(world, now=END + timedelta(seconds=1))) == ([], None)
    assert play(replace(world, now=END + timedelta(seconds=6)))[0] == ["end Job report-now: Cancelled"]
