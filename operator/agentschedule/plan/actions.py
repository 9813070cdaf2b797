"""What a plan can ask for. Made by ``plan``, carried out by ``cluster.apply``; each prints itself in one line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from agentschedule.api.base import rfc3339
from agentschedule.api.run import ScheduleRun
from agentschedule.plan.observed import CronJob, Job

Body = dict[str, Any]
S = TypeVar("S")


@dataclass(frozen=True)
class CreateCronJob:
    body: Body

    def __str__(self) -> str:
        return f"create CronJob {self.body['metadata']['name']}"


@dataclass(frozen=True)
class UpdateCronJob:
    """Write the whole CronJob; with ``mark``, first move lastScheduleTime to now, so that nothing past starts; or to
    ``not_before``, if that is later."""

    current: CronJob
    body: Body
    mark: bool
    not_before: datetime | None = None
    before: datetime | None = None  # by the API server's clock; later, a due time is too near

    def __str__(self) -> str:
        return f"update CronJob {self.current.name}{' with the mark' if self.mark else ''}"


@dataclass(frozen=True)
class RepairCronJob:
    """List Jobs in ``status.active`` and raise ``lastScheduleTime``, in one status patch."""

    current: CronJob
    add: tuple[Job, ...]
    last_schedule_time: datetime | None

    def __str__(self) -> str:
        return f"list {', '.join(job.name for job in self.add) or 'nothing'} as active in CronJob {self.current.name}"


@dataclass(frozen=True)
class StartDue:
    """Start a due time as the controller would: its name is the lock."""

    current: CronJob
    due: datetime

    def __str__(self) -> str:
        return f"start the run of CronJob {self.current.name} due at {rfc3339(self.due)}"


@dataclass(frozen=True)
class AskWhyMissed:
    """Ask the CronJob's events why a due time did not start; the answer comes back as an ``Answer``."""

    current: CronJob
    due: datetime

    def __str__(self) -> str:
        return f"ask why nothing started CronJob {self.current.name} at {rfc3339(self.due)}"


@dataclass(frozen=True)
class CreateRun:
    """Create a ScheduleRun: a record of a Job, or a run that an annotation asks for."""

    body: Body

    def __str__(self) -> str:
        return f"create ScheduleRun {self.body['metadata']['name']}"


@dataclass(frozen=True)
class ClaimRun:
    """Set the schedule as the owner, and its labels, on a ScheduleRun that a person made."""

    run: ScheduleRun
    owner: Body
    labels: dict[str, str]

    def __str__(self) -> str:
        return f"claim ScheduleRun {self.run.metadata.name}"


@dataclass(frozen=True)
class CreateJob:
    """Create the suspended Job of a manual run."""

    body: Body

    def __str__(self) -> str:
        return f"create Job {self.body['metadata']['name']}, suspended"


@dataclass(frozen=True)
class ReleaseJob:
    """Let the Job of a manual run go, controlled by the CronJob from now on."""

    job: Job
    owners: tuple[Body, ...]

    def __str__(self) -> str:
        return f"release Job {self.job.name}"


@dataclass(frozen=True)
class DeleteJob:
    """Delete a Job and its pods."""

    job: Job

    def __str__(self) -> str:
        return f"delete Job {self.job.name}"


@dataclass(frozen=True)
class DeleteRun:
    run: ScheduleRun

    def __str__(self) -> str:
        return f"delete ScheduleRun {self.run.metadata.name}"


Action = (
    CreateCronJob
    | UpdateCronJob
    | RepairCronJob
    | StartDue
    | AskWhyMissed
    | CreateRun
    | ClaimRun
    | CreateJob
    | ReleaseJob
    | DeleteJob
    | DeleteRun
)


@dataclass(frozen=True)
class Event:
    """An event on the object that the plan is about."""

    warning: bool
    reason: str
    message: str


@dataclass(frozen=True)
class Plan(Generic[S]):
    """One step: do the actions, and plan again; without actions, write the status and then the events.

    ``status`` is the whole desired status, or None for no change. ``again`` plans once more after the status is
    written. ``requeue_at`` is when to look again though nothing happens.
    """

    actions: tuple[Action, ...] = ()
    status: S | None = None
    events: tuple[Event, ...] = ()
    requeue_at: datetime | None = None
    again: bool = False

    def __str__(self) -> str:
        steps = [str(action) for action in self.actions] + [f"event {e.reason}: {e.message}" for e in self.events]
        return "; ".join(steps) or "nothing to do"
