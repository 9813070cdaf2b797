"""Worlds that show each state of a run, in the terms of the cluster. Used by the tests of a run's life."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from agentschedule.api.run import ScheduleRun, ScheduleRunStatus
from agentschedule.api.schedule import AgentSchedule
from agentschedule.names import Reason, RunPhase
from agentschedule.plan.answers import Answer, JobRefused, NamespaceState
from agentschedule.plan.observed import FaultyRun, Job, Observed, Pod
from agentschedule.plan.run.plan import plan_run
from agentschedule.plan.run.state import RunState
from tests.unit.builders import NAMESPACE, a_cronjob, a_due_job, a_job, a_pod, a_run, a_schedule, at, listed

NOW = at("07:40:00")
JOB_UID = "uid-of-report-now"
RUN_UID = "uid-of-run-report-now"
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
    message = {"termination_message": '{"status":"succeeded","output":"fine"}'}
    return a_pod(**({"phase": "Succeeded", "started_at": START, "ended_at": END, "exit_code": 0} | message | changes))


def joining(
    *jobs: Job,
    run: ScheduleRun | None = None,
    policy: str = "Forbid",
    answers: tuple[Answer, ...] = (),
    active: tuple[Job, ...] = (),
    runs: tuple[ScheduleRun, ...] = (),
) -> World:
    """A manual run that has no Job in its record yet."""
    run = run or a_run()
    schedule = a_schedule(concurrencyPolicy=policy)
    cronjob = a_cronjob(active=listed(*active), policy=policy)
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
    return replace(world, run=cancelled_run(world.run))


def cancelled_run(run: ScheduleRun) -> ScheduleRun:
    return run.model_copy(update={"spec": run.spec.model_copy(update={"cancel": True})})


def with_cronjob(world: World, **changes: Any) -> World:
    assert world.observed.cronjob is not None
    return replace(world, observed=replace(world.observed, cronjob=replace(world.observed.cronjob, **changes)))


def unsaid(world: World) -> World:
    """Nothing was said of the run yet."""
    return world.at_phase(None)


def made(run: ScheduleRun, moment: datetime) -> ScheduleRun:
    return run.model_copy(update={"metadata": run.metadata.model_copy(update={"creation_timestamp": moment})})


def unreadable(run: ScheduleRun) -> FaultyRun:
    return FaultyRun(**dict(run), reason=Reason.INVALID_SPEC, problem="spec.timeoutSeconds: too large")


OLDER, NEWER = a_job("older"), a_due_job(at("07:39:00"))
ME = made(a_run(), at("07:38:00"))
LIMIT_1 = a_job(retry_limit=1)

RIVAL = a_run("older", jobUID="uid-of-older", phase="Running")
RETRY_60 = a_job(retry_limit=1, retry_delay_seconds=60)

WORLDS: dict[RunState, Callable[[], World]] = {
    RunState.SCHEDULE_NOT_FOUND: lambda: World(a_run(owner=None), None, Observed()),
    RunState.SCHEDULE_GONE: lambda: World(a_run(spec={"trigger": "Schedule"}), None, Observed()),
    RunState.UNCLAIMED: lambda: World(a_run(owner=None), a_schedule(), Observed()),
    RunState.FOREIGN_OWNER: lambda: World(a_run(owner="of another time"), a_schedule(), Observed()),
    RunState.FOREIGN_RECORD: lambda: World(
        a_run(owner="other", spec={"trigger": "Schedule"}), a_schedule(), Observed()
    ),
    RunState.RECORD_ONLY: lambda: World(a_run(owner=None, spec={"trigger": "Schedule"}), a_schedule(), Observed()),
    RunState.JOB_NOT_WANTED: lambda: cancelled(joining(suspended_job())),
    RunState.CANCELLED_BEFORE_START: lambda: cancelled(joining()),
    RunState.NAME_TAKEN: lambda: joining(a_job(owner_uids=frozenset({"other"}), controller_uid="other")),
    RunState.START_REJECTED: lambda: joining(OLDER, active=(OLDER,)),
    RunState.JOB_REFUSED: lambda: joining(answers=(JobRefused("report-now", "image is required"),)),
    RunState.SUPERSEDED: lambda: joining(NEWER, run=ME, policy="Replace", active=(NEWER,)),
    RunState.OLDER_ACTIVE: lambda: joining(OLDER, run=ME, policy="Replace", active=(OLDER,), runs=(RIVAL,)),
    RunState.REPLACING: lambda: joining(OLDER, run=ME, policy="Replace", active=(OLDER,), runs=(cancelled_run(RIVAL),)),
    RunState.JOB_LISTED: lambda: joining(suspended_job(), active=(suspended_job(),)),
    RunState.JOB_NOT_CREATED: joining,
    RunState.CRONJOB_UNREADABLE: lambda: with_cronjob(joining(suspended_job()), schedule="never"),
    RunState.GATE_CLOSED: lambda: replace(joining(suspended_job()), now=at("08:00:30")),
    RunState.JOB_NOT_LISTED: lambda: joining(suspended_job()),
    RunState.GONE_AFTER_CANCEL: lambda: cancelled(World(a_run(jobUID="gone"), a_schedule(), Observed(a_cronjob()))),
    RunState.REPLACED: lambda: World(
        made(a_run(jobUID="gone"), at("07:30:00")), a_schedule(), Observed(a_cronjob("Replace"), (NEWER,))
    ),
    RunState.BEING_REPLACED: lambda: World(
        made(a_run(jobUID="gone"), at("07:30:00")), a_schedule(), Observed(a_cronjob("Replace")), at("08:00:01")
    ),
    RunState.JOB_DELETED: lambda: World(a_run(jobUID="gone"), a_schedule(), Observed(a_cronjob())),
    RunState.RELEASE_CANCELLED: lambda: cancelled(at_work(suspended_job())),
    RunState.JOB_NOT_RELEASED: lambda: at_work(suspended_job()),
    RunState.END_HALF_SEEN: lambda: at_work(a_job(), good_pod(ended_at=at("07:39:59"))),
    RunState.PODS_NOT_LISTED: lambda: at_work(ended(succeeded=True), running_pod()),
    RunState.LOG_NOT_READ: lambda: at_work(ended(succeeded=True), good_pod(termination_message="")),
    RunState.AGENT_FAILED: lambda: at_work(
        ended(succeeded=True), good_pod(termination_message='{"status":"failed","error":{"message":"no data"}}')
    ),
    RunState.SUCCEEDED: lambda: at_work(ended(succeeded=True), good_pod()),
    RunState.CANCELLED: lambda: at_work(
        ended(), failed_pod(no_retry="Cancelled", reason="DeadlineExceeded", termination_message='{"run_id":"a"}')
    ),
    RunState.NEVER_STARTED: lambda: at_work(ended(), failed_pod(started_at=None, reason="DeadlineExceeded")),
    RunState.TIMED_OUT: lambda: at_work(ended(), failed_pod(reason="DeadlineExceeded")),
    RunState.JOB_FAILED: lambda: at_work(ended(), failed_pod()),
    RunState.NAMESPACE_DELETED: lambda: at_work(
        LIMIT_1, failed_pod(deletion_time=NOW), answers=(NamespaceState(NAMESPACE, terminating=True),)
    ),
    RunState.POD_DELETED: lambda: at_work(LIMIT_1, failed_pod(deletion_time=NOW)),
    RunState.JOB_FAILING_SUSPENDED: lambda: at_work(a_job(ending=True, suspended=True)),
    RunState.JOB_FAILING: lambda: at_work(a_job(ending=True), running_pod()),
    RunState.STOPPING: lambda: cancelled(at_work(a_job(), running_pod(no_retry="Cancelled", deadline_seconds=1))),
    RunState.STOPPED: lambda: cancelled(at_work(LIMIT_1, failed_pod(no_retry="Cancelled", ended_at=at("07:39:59")))),
    RunState.RUNNING_CANCELLED: lambda: cancelled(at_work(a_job(), running_pod())),
    RunState.CANCEL_REQUESTED: lambda: cancelled(at_work(LIMIT_1, failed_pod())),
    RunState.EXTRA_ATTEMPT_RUNNING: lambda: at_work(a_job(), failed_pod(), running_pod(name="second", created=END)),
    RunState.EXTRA_ATTEMPT: lambda: at_work(a_job(), failed_pod(), waiting_pod(name="second")),
    RunState.JOB_SUSPENDED: lambda: at_work(a_job(suspended=True)),
    RunState.RETRIES_EXHAUSTED: lambda: at_work(a_job(), failed_pod()),
    RunState.ATTEMPT_LOG_NOT_READ: lambda: unsaid(at_work(LIMIT_1, failed_pod(termination_message=""))),
    RunState.NOT_RETRYABLE: lambda: at_work(
        LIMIT_1, failed_pod(termination_message='{"error":{"message":"no such table","retryable":false}}')
    ),
    RunState.START_OVERDUE: lambda: at_work(
        a_job(timeout_seconds=60), waiting_pod(on_node=False, created=at("07:38:00"))
    ),
    RunState.RETRY_DUE: lambda: at_work(replace(RETRY_60, suspended=True, held_until=NOW), failed_pod()),
    RunState.RETRY_HELD: lambda: at_work(replace(RETRY_60, suspended=True, held_until=at("07:40:50")), failed_pod()),
    RunState.ATTEMPT_NOT_JUDGED: lambda: at_work(LIMIT_1, failed_pod(ended_at=at("07:39:59"))),
    RunState.RETRY_TOO_SOON: lambda: at_work(RETRY_60, failed_pod(ended_at=at("07:39:57"))),
    RunState.RETRY_IMMINENT: lambda: at_work(LIMIT_1, failed_pod(), phase="Retrying"),
    RunState.RETRY_PENDING: lambda: at_work(LIMIT_1, failed_pod(ended_at=at("07:39:55"))),
    RunState.NODE_LOST: lambda: at_work(a_job(), running_pod(deletion_time=at("07:39:00"))),
    RunState.RUNNING: lambda: at_work(a_job(), running_pod()),
    RunState.EVENTS_NOT_READ: lambda: at_work(a_job(created=at("07:39:00"))),
    RunState.NEW: lambda: unsaid(at_work(a_job(created=at("07:39:59")))),
    RunState.RETRY_NOT_STARTED: lambda: at_work(LIMIT_1, failed_pod(), waiting_pod(name="second", attempt=2)),
    RunState.NOT_STARTED: lambda: at_work(a_job(), waiting_pod()),
}
# States that the record's phase has a part in: what was said is not said again, what was read not read again.
OF_SOME_PHASES = {
    RunState.ATTEMPT_LOG_NOT_READ: (None, RunPhase.PENDING, RunPhase.RUNNING),
    RunState.RETRY_IMMINENT: (RunPhase.RETRYING,),
    RunState.NEW: (None,),
}


def play(world: World) -> tuple[list[str], ScheduleRunStatus | None]:
    plan = plan_run(world.run, world.schedule, world.observed, world.now)
    return [str(action) for action in plan.actions], plan.status


def as_planned(world: World) -> tuple[ScheduleRun, AgentSchedule | None, Observed, datetime]:
    return world.run, world.schedule, world.observed, world.now


def later(world: World, **ahead: float) -> World:
    return replace(world, now=END + timedelta(**ahead))


def requeue(world: World) -> datetime | None:
    return plan_run(world.run, world.schedule, world.observed, world.now).requeue_at
