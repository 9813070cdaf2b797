"""The life of a run, row by row: what is seen, what the record says then, and what is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from agentschedule import names
from agentschedule.names import RunPhase
from agentschedule.plan.answers import LogTail, WaitingReason
from agentschedule.plan.observed import Observed
from agentschedule.plan.run.context import RunContext
from agentschedule.plan.run.plan import plan_run
from agentschedule.plan.run.state import RunState
from agentschedule.plan.run.table import judge, rows
from tests.unit.builders import a_cronjob, a_job, a_run, a_schedule, at
from tests.unit.plan.run.worlds import (
    END,
    LIMIT_1,
    NEWER,
    NOW,
    OF_SOME_PHASES,
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
# What is done; or what the record says. States in neither stay silent for a moment.
DONE: dict[RunState, list[str]] = {
    RunState.UNCLAIMED: ["claim ScheduleRun report-now"],
    RunState.JOB_NOT_WANTED: ["delete Job report-now"],
    RunState.OLDER_ACTIVE: ["cancel ScheduleRun older, replaced by report-now"],
    RunState.JOB_NOT_CREATED: ["create Job report-now, suspended"],
    RunState.GATE_CLOSED: ["start the run of CronJob report due at 2026-03-02T08:00:00Z"],
    RunState.JOB_NOT_LISTED: ["list report-now as active in CronJob report"],
    RunState.RELEASE_CANCELLED: ["delete Job report-now"],
    RunState.JOB_NOT_RELEASED: ["release Job report-now"],
    RunState.PODS_NOT_LISTED: ["look at the pods of Job report-now"],
    RunState.LOG_NOT_READ: ["read the log of pod report-now-0"],
    RunState.NAMESPACE_DELETED: ["delete Job report-now"],
    RunState.POD_DELETED: ["ask whether namespace analytics is being deleted"],
    RunState.JOB_FAILING_SUSPENDED: ["resume Job report-now"],
    RunState.CANCEL_REQUESTED: ["stop pod report-now-0: Cancelled"],
    RunState.EXTRA_ATTEMPT: ["stop pod second: RetriesExhausted"],
    RunState.RETRIES_EXHAUSTED: ["end Job report-now: RetriesExhausted"],
    RunState.ATTEMPT_LOG_NOT_READ: ["read the log of pod report-now-0"],
    RunState.NOT_RETRYABLE: ["end Job report-now: NotRetryable"],
    RunState.START_OVERDUE: ["end Job report-now: NeverStarted"],
    RunState.RETRY_DUE: ["resume Job report-now"],
    RunState.RETRY_TOO_SOON: ["hold Job report-now until 2026-03-02T07:40:57Z"],
    RunState.EVENTS_NOT_READ: ["ask why report-now waits"],
}
RECORDED: dict[RunState, tuple[str | None, str | None]] = {
    RunState.SCHEDULE_NOT_FOUND: ("ScheduleNotFound", "There is no AgentSchedule report in this namespace"),
    RunState.RECORD_ONLY: ("RecordOnly", "leave it out to run now"),
    RunState.FOREIGN_OWNER: ("ScheduleNotFound", "belongs to something else"),
    RunState.CANCELLED_BEFORE_START: ("Cancelled", "before it had started"),
    RunState.NAME_TAKEN: ("NameTaken", "make a run of another name"),
    RunState.START_REJECTED: ("AlreadyRunning", "Run older is still running"),
    RunState.JOB_REFUSED: ("JobRefused", "image is required"),
    RunState.SUPERSEDED: ("Replaced", "came later"),
    RunState.REPLACING: ("Replacing", "Waits for the end of older."),
    RunState.JOB_LISTED: (None, None),
    RunState.GONE_AFTER_CANCEL: ("Cancelled", "The run was cancelled."),
    RunState.REPLACED: ("Replaced", "took its place"),
    RunState.JOB_DELETED: ("JobDeleted", "deleted before its end was seen"),
    RunState.SUCCEEDED: (None, None),
    RunState.AGENT_FAILED: ("AgentFailed", "The agent reports that it failed: no data"),
    RunState.CANCELLED: ("Cancelled", "The run was cancelled."),
    RunState.NEVER_STARTED: ("NeverStarted", "did not start within its time limit"),
    RunState.TIMED_OUT: ("DeadlineExceeded", "longer than timeoutSeconds"),
    RunState.JOB_FAILED: ("AgentFailed", "The agent exited with code 1: boom"),
    RunState.JOB_SUSPENDED: ("JobSuspended", "kubectl patch job report-now"),
    RunState.RETRY_HELD: ("RetryPending", "the next attempt starts at 2026-03-02T07:40:50Z."),
    RunState.RETRY_PENDING: (
        "RetryPending",
        "Attempt 1 failed: The agent exited with code 1: boom; the next attempt starts at 2026-03-02T07:40:05Z.",
    ),
    RunState.RUNNING: (None, None),
    RunState.NODE_LOST: ("NodeLost", "delete the Node"),
    RunState.STOPPING: ("Stopping", "has its grace period"),
    RunState.NOT_STARTED: (None, None),
    RunState.RETRY_NOT_STARTED: (None, None),
}
SILENT = {
    RunState.SCHEDULE_GONE,
    RunState.FOREIGN_RECORD,
    RunState.CRONJOB_UNREADABLE,
    RunState.BEING_REPLACED,
    RunState.END_HALF_SEEN,
    RunState.JOB_FAILING,
    RunState.ATTEMPT_NOT_JUDGED,
    RunState.RETRY_IMMINENT,
    RunState.NEW,
}
CASES = [
    pytest.param(state, phase, id=f"{state.name} {phase}")
    for state in RunState
    for phase in OF_SOME_PHASES.get(state, OPEN)
]


def judged(world: World) -> RunState:
    return judge(RunContext(run=world.run, schedule=world.schedule, observed=world.observed, now=world.now)).row.state


def test_every_state_has_one_row_and_a_world_that_shows_it() -> None:
    assert sorted(row.state for row in rows()) == sorted(RunState)
    assert set(RunState) == set(WORLDS) == set(DONE) | set(RECORDED) | SILENT


@pytest.mark.parametrize(("state", "phase"), CASES)
def test_what_is_seen_decides_whatever_the_record_said(state: RunState, phase: RunPhase | None) -> None:
    world = WORLDS[state]().at_phase(phase)
    assert judged(world) is state
    done, status = play(world)
    assert done == DONE.get(state, [])
    if state in RECORDED:
        assert status is not None
        reason, message = RECORDED[state]
        (row,) = (row for row in rows() if row.state is state)
        assert (status.phase, status.reason) == (row.to, reason)
        assert (message or "") in (status.message or "")
    else:
        assert status is None


@pytest.mark.parametrize("phase", FINAL, ids=str)
@pytest.mark.parametrize("state", RunState, ids=lambda state: state.name)
def test_a_run_that_has_ended_never_changes(state: RunState, phase: RunPhase) -> None:
    world = WORLDS[state]().at_phase(phase)
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
    why = WaitingReason(job.uid, "FailedCreate: exceeded quota: none")
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
