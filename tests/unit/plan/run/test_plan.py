"""The life of a run, row by row: what is seen, what the record says then, and what is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from agentschedule import names
from agentschedule.names import RunPhase
from agentschedule.plan.observed import Answer, Observed, Question
from agentschedule.plan.run.context import Case
from agentschedule.plan.run.plan import TABLE, plan_run
from agentschedule.plan.run.state import Sight, look
from tests.unit.builders import a_cronjob, a_job, a_run, a_schedule, at
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
    made,
    play,
    running_pod,
    waiting_pod,
)

OPEN = (None, RunPhase.PENDING, RunPhase.RUNNING, RunPhase.RETRYING)
FINAL = tuple(phase for phase in RunPhase if phase.final)
# What is done; or what the record says. Rows that stay silent for a moment are told by their own tests.
DONE: dict[Sight, list[str]] = {
    Sight.UNCLAIMED: ["claim ScheduleRun report-now"],
    Sight.RIVALS: ["cancel ScheduleRun older, replaced by report-now"],
    Sight.MAY_START: ["create Job report-now, suspended"],
    Sight.NOT_RELEASED: ["release Job report-now"],
    Sight.UNSEEN: ["look at the pods of Job report-now"],
    Sight.UNREAD: ["read the log of pod report-now-0"],
    Sight.LEAVING: ["ask whether namespace analytics is being deleted"],
    Sight.CANCEL: ["stop pod report-now-0: Cancelled"],
    Sight.TOO_MANY: ["stop pod second: RetriesExhausted"],
    Sight.FAILED_FOR_GOOD: ["end Job report-now: NotRetryable"],
    Sight.SPENT: ["end Job report-now: RetriesExhausted"],
    Sight.OVERDUE: ["end Job report-now: NeverStarted"],
}
SAID: dict[Sight, tuple[str | None, str | None]] = {
    Sight.NO_SCHEDULE: ("ScheduleNotFound", "There is no AgentSchedule report in this namespace"),
    Sight.NO_RUN: ("RecordOnly", "leave it out to run now"),
    Sight.STRANGER: ("ScheduleNotFound", "belongs to something else"),
    Sight.CANCELLED_EARLY: ("Cancelled", "before it had started"),
    Sight.NAME_TAKEN: ("NameTaken", "make a run of another name"),
    Sight.REFUSED: ("AlreadyRunning", "Run older is still running"),
    Sight.JOB_REFUSED: ("JobRefused", "image is required"),
    Sight.OUTRUN: ("Replaced", "came later"),
    Sight.LISTED: (None, None),
    Sight.JOB_GONE: ("JobDeleted", "deleted before its end was seen"),
    Sight.SUCCEEDED: (None, None),
    Sight.SAYS_FAILED: ("AgentFailed", "The agent reports that it failed: no data"),
    Sight.STOPPED: ("Cancelled", "The run was cancelled."),
    Sight.NEVER_STARTED: ("NeverStarted", "did not start within its time limit"),
    Sight.TIMED_OUT: ("DeadlineExceeded", "longer than timeoutSeconds"),
    Sight.FAILED: ("AgentFailed", "The agent exited with code 1: boom"),
    Sight.PAUSED: ("JobSuspended", "kubectl patch job report-now"),
    Sight.BETWEEN: (
        "RetryPending",
        "Attempt 1 failed: The agent exited with code 1: boom; the next attempt starts at 2026-03-02T07:40:05Z.",
    ),
    Sight.RUNNING: (None, None),
    Sight.LOST: ("NodeLost", "delete the Node"),
    Sight.STOPPING: ("Stopping", "has its grace period"),
    Sight.WAITING: (None, None),
    Sight.WAITING_AGAIN: (None, None),
}
SILENT = {Sight.OTHERS_RECORD, Sight.HALF_THE_NEWS, Sight.ENDING}


def test_every_sight_has_a_row_and_a_world_that_shows_it() -> None:
    assert set(TABLE) == set(Sight) == set(WORLDS) == set(DONE) | set(SAID) | SILENT


@pytest.mark.parametrize("phase", OPEN, ids=str)
@pytest.mark.parametrize("sight", Sight, ids=lambda sight: sight.name)
def test_what_is_seen_decides_whatever_the_record_said(sight: Sight, phase: RunPhase | None) -> None:
    world = WORLDS[sight]().at_phase(phase)
    assert look(Case(world.run, world.schedule, world.observed, world.now)) is sight
    done, status = play(world)
    assert done == DONE.get(sight, [])
    if sight in SAID:
        assert status is not None
        reason, message = SAID[sight]
        assert (status.phase, status.reason) == (TABLE[sight].to, reason)
        assert (message or "") in (status.message or "")
    else:
        assert status is None


@pytest.mark.parametrize("phase", FINAL, ids=str)
@pytest.mark.parametrize("sight", Sight, ids=lambda sight: sight.name)
def test_a_run_that_has_ended_never_changes(sight: Sight, phase: RunPhase) -> None:
    world = WORLDS[sight]().at_phase(phase)
    done, status = play(world)
    assert status is None
    assert [action for action in done if "delete" not in action] == []


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


def test_a_failed_attempt_is_no_news_before_kubernetes_has_judged_it() -> None:
    plan = plan_run(*as_planned(replace(at_work(LIMIT_1, failed_pod()), now=END + timedelta(seconds=1))))
    assert (plan.actions, plan.status, plan.requeue_at) == ((), None, END + timedelta(seconds=2))


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


def test_a_pod_that_never_ran_keeps_its_reason_to_the_end() -> None:
    pulls = at_work(a_job(), waiting_pod(waiting_reason="ImagePullBackOff", waiting_message="no such image"))
    _, told = play(pulls)
    assert told is not None
    assert (told.phase, told.reason) == (RunPhase.PENDING, "ImagePullBackOff")
    assert told.message == "ImagePullBackOff: no such image"

    killed = failed_pod(started_at=None, ended_at=None, reason="DeadlineExceeded", message="Pod was active …")
    run = pulls.run.model_copy(update={"status": told})
    _, status = play(replace(pulls, run=run, observed=replace(pulls.observed, jobs=(ended(),), pods=(killed,))))
    assert status is not None
    assert status.message == ("The agent did not start within its time limit (ImagePullBackOff: no such image).")


def test_a_run_without_a_pod_is_explained_by_the_events_of_its_job() -> None:
    job = a_job(created=at("07:39:00"))
    assert play(at_work(job))[0] == ["ask why report-now waits"]
    why = Answer(Question.WHY_WAITING, "FailedCreate: exceeded quota: none", job.uid)
    _, status = play(at_work(job, answers=(why,)))
    assert status is not None
    assert (status.phase, status.reason) == (RunPhase.PENDING, "FailedCreate")
    assert status.message == "FailedCreate: exceeded quota: none"


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
        pytest.param(lambda: cancelled(WORLDS[Sight.JOB_GONE]()), "Cancelled", id="it was to be cancelled"),
        pytest.param(
            lambda: World(
                made(a_run(jobUID="gone"), at("07:30:00")), a_schedule(), Observed(a_cronjob(replace=True), (NEWER,))
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


def test_a_manual_run_waits_for_the_end_of_the_one_it_replaces() -> None:
    world = WORLDS[Sight.RIVALS]()
    asked = a_run("older", jobUID="uid-of-older", phase="Running", spec={"cancel": True})
    _, status = play(replace(world, observed=replace(world.observed, runs=(world.run, asked))))
    assert status is not None
    assert (status.phase, status.reason, status.message) == (
        RunPhase.PENDING,
        "Replacing",
        "Waits for the end of older.",
    )


def test_the_name_of_the_one_that_replaces_it_is_told() -> None:
    world = cancelled(WORLDS[Sight.STOPPED]())
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
        answers=(Answer(Question.LOG, "", "uid-of-report-now-0"),),
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
