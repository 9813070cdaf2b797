"""Worlds that show each sight of a run, in the terms of the cluster. Used by the tests of a run's life."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from agentschedule.api.run import ScheduleRun, ScheduleRunStatus
from agentschedule.api.schedule import AgentSchedule
from agentschedule.names import Reason, RunPhase
from agentschedule.plan.observed import Answer, Job, Observed, Pod
from agentschedule.plan.run.plan import plan_run
from agentschedule.plan.run.state import Sight
from tests.unit.builders import a_cronjob, a_due_job, a_job, a_pod, a_run, a_schedule, at, listed

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


def play(world: World) -> tuple[list[str], ScheduleRunStatus | None]:
    plan = plan_run(world.run, world.schedule, world.observed, world.now)
    return [str(action) for action in plan.actions], plan.status


def as_planned(world: World) -> tuple[ScheduleRun, AgentSchedule | None, Observed, datetime]:
    return world.run, world.schedule, world.observed, world.now
