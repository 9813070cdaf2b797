"""The life of a run, row by row: what is seen, what the record says then, and what is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from agentschedule import names
from agentschedule.api.run import ScheduleRun, ScheduleRunStatus
from agentschedule.api.schedule import AgentSchedule
from agentschedule.names import Reason, RunPhase
from agentschedule.plan.case import Case
from agentschedule.plan.observed import Answer, Job, Observed, Pod, Question
from agentschedule.plan.run import TABLE, plan_run
from agentschedule.plan.sight import Sight, look
from tests.unit.builders import a_cronjob, a_due_job, a_job, a_pod, a_run, a_schedule, at, listed

NOW = at("07:40:00")
JOB_UID = "uid-of-report-now"
RUN_UID = "uid-of-run-report-now"
OPEN = (None, RunPhase.PENDING, RunPhase.RUNNING, RunPhase.RETRYING)
FINAL = tuple(phase for phase in RunPhase if phase.final)
# Times of pods.
START, END = at("07:30:02"), at("07:39:50")


@dataclass(frozen=True)
class World:
    """What is seen, in the terms of the cluster."""

    run: ScheduleRun
    schedule: AgentSchedule | None
    observed: Observed
    now: datetime = NOW

    def at_phase(self, phase: RunPhase | None) -> World:
        status = (self.run.status or ScheduleRunStatus()).model_copy(update={"phase": phase})
        return replace(self, run=self.run.model_copy(update={"status": status}))


def waiting_pod(**changes: Any) -> Pod:
    return a_pod(**({"created": at("07:39:58")} | changes))


def running_pod(**changes: Any) -> Pod:
    return a_pod(phase="Running", started_at=START, **changes)


def failed_pod(**changes: Any) -> Pod:
    ended = {"phase": "Failed", "started_at": START, "ended_at": END, "exit_code": 1, "termination_message": "boom"}
    return a_pod(**(ended | changes))


def good_pod(**changes: Any) -> Pod:
    said = {"termination_message": '{"status":"succeeded","output":"fine"}'}
    return a_pod(**({"phase": "Succeeded", "started_at": START, "ended_at": END, "exit_code": 0} | said | changes))


def joining(
    *jobs: Job,
    run: ScheduleRun | None = None,
    policy: str = "Forbid",
    answers: tuple[Answer, ...] = (),
    active: tuple[Job, ...] = (),
    runs: tuple[ScheduleRun, ...] = (),
) -> World:
    """A run by hand that has no Job in its record yet."""
    run = run or a_run()
    schedule = a_schedule(concurrencyPolicy=policy)
    cronjob = a_cronjob(active=listed(*active), forbid=policy == "Forbid", replace=policy == "Replace")
    return World(run, schedule, Observed(cronjob, jobs, (), (run, *runs), answers))


def at_work(job: Job, *pods: Pod, answers: tuple[Answer, ...] = (), **status: Any) -> World:
    """A run whose record knows its Job."""
    run = a_run(jobUID=JOB_UID, **({"phase": "Running"} | status))
    return World(run, a_schedule(), Observed(a_cronjob(active=listed(job)), (job,), pods, (run,), answers))


def ended(reason: str = "FailedIndexes", **changes: Any) -> Job:
    return a_job(**({"succeeded": False, "reason": reason, "finished_at": END} | changes))


def suspended_job(**changes: Any) -> Job:
    return a_job(suspended=True, controller_uid=None, owner_uids=frozenset({RUN_UID}), **changes)


def cancelled(world: World) -> World:
    spec = world.run.spec.model_copy(update={"cancel": True})
    return replace(world, run=world.run.model_copy(update={"spec": spec}))


def made(run: ScheduleRun, moment: datetime) -> ScheduleRun:
    return run.model_copy(update={"metadata": run.metadata.model_copy(update={"creation_timestamp": moment})})


OLDER, NEWER = a_job("older"), a_due_job(at("07:39:00"))
ME = made(a_run(), at("07:38:00"))
LIMIT_1 = a_job(retry_limit=1)

WORLDS: dict[Sight, Callable[[], World]] = {
    Sight.NO_SCHEDULE: lambda: World(a_run(owner=None), None, Observed()),
    Sight.OTHERS_RECORD: lambda: World(a_run(owner="other", spec={"trigger": "Schedule"}), a_schedule(), Observed()),
    Sight.UNCLAIMED: lambda: World(a_run(owner=None), a_schedule(), Observed()),
    Sight.NO_RUN: lambda: World(a_run(owner=None, spec={"trigger": "Schedule"}), a_schedule(), Observed()),
    Sight.STRANGER: lambda: World(a_run(owner="of another time"), a_schedule(), Observed()),
    Sight.CANCELLED_EARLY: lambda: cancelled(joining()),
    Sight.NAME_TAKEN: lambda: joining(a_job(owner_uids=frozenset({"other"}), controller_uid="other")),
    Sight.REFUSED: lambda: joining(OLDER, active=(OLDER,)),
    Sight.JOB_REFUSED: lambda: joining(answers=(Answer(Reason.JOB_REFUSED, "image is required"),)),
    Sight.OUTRUN: lambda: joining(NEWER, run=ME, policy="Replace", active=(NEWER,)),
    Sight.RIVALS: lambda: joining(
        OLDER, run=ME, policy="Replace", active=(OLDER,), runs=(a_run("older", jobUID="uid-of-older", phase="Running"),)
    ),
    Sight.MAY_START: joining,
    Sight.LISTED: lambda: joining(suspended_job(), active=(suspended_job(),)),
    Sight.JOB_GONE: lambda: World(a_run(jobUID="gone"), a_schedule(), Observed(a_cronjob())),
    Sight.NOT_RELEASED: lambda: at_work(suspended_job()),
    Sight.HALF_THE_NEWS: lambda: at_work(a_job(), good_pod(ended_at=at("07:39:59"))),
    Sight.UNSEEN: lambda: at_work(ended(succeeded=True), running_pod()),
    Sight.UNREAD: lambda: at_work(ended(succeeded=True), good_pod(termination_message="")),
    Sight.SUCCEEDED: lambda: at_work(ended(succeeded=True), good_pod()),
    Sight.SAYS_FAILED: lambda: at_work(
        ended(succeeded=True), good_pod(termination_message='{"status":"failed","error":{"message":"no data"}}')
    ),
    Sight.STOPPED: lambda: at_work(
        ended(), failed_pod(no_retry="Cancelled", reason="DeadlineExceeded", termination_message='{"run_id":"a"}')
    ),
    Sight.NEVER_STARTED: lambda: at_work(ended(), failed_pod(started_at=None, reason="DeadlineExceeded")),
    Sight.TIMED_OUT: lambda: at_work(ended(), failed_pod(reason="DeadlineExceeded")),
    Sight.FAILED: lambda: at_work(ended(), failed_pod()),
    Sight.LEAVING: lambda: at_work(a_job(retry_limit=1), failed_pod(deletion_time=NOW)),
    Sight.ENDING: lambda: at_work(a_job(ending=True), running_pod()),
    Sight.CANCEL: lambda: cancelled(at_work(a_job(), running_pod())),
    Sight.STOPPING: lambda: cancelled(at_work(a_job(), running_pod(no_retry="Cancelled", deadline_seconds=1))),
    Sight.TOO_MANY: lambda: at_work(a_job(), failed_pod(), running_pod(name="second", created=END)),
    Sight.PAUSED: lambda: at_work(a_job(suspended=True)),
    Sight.FAILED_FOR_GOOD: lambda: at_work(
        LIMIT_1, failed_pod(termination_message='{"error":{"message":"no such table","retryable":false}}')
    ),
    Sight.SPENT: lambda: at_work(a_job(), failed_pod()),
    Sight.BETWEEN: lambda: at_work(LIMIT_1, failed_pod(ended_at=at("07:39:55"))),
    Sight.RUNNING: lambda: at_work(a_job(), running_pod()),
    Sight.LOST: lambda: at_work(a_job(), running_pod(deletion_time=at("07:39:00"))),
    Sight.OVERDUE: lambda: at_work(a_job(timeout_seconds=60), waiting_pod(on_node=False, created=at("07:38:00"))),
    Sight.WAITING: lambda: at_work(a_job(), waiting_pod()),
    Sight.WAITING_AGAIN: lambda: at_work(LIMIT_1, failed_pod(), waiting_pod(name="second", attempt=2)),
}

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


def play(world: World) -> tuple[list[str], ScheduleRunStatus | None]:
    plan = plan_run(world.run, world.schedule, world.observed, world.now)
    return [str(action) for action in plan.actions], plan.status


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


def as_planned(world: World) -> tuple[ScheduleRun, AgentSchedule | None, Observed, datetime]:
    return world.run, world.schedule, world.observed, world.now


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
