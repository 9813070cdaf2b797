"""What a plan can ask for. Made by ``plan``, carried out by ``cluster.apply``; each prints itself in one line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from agentschedule.api.base import rfc3339
from agentschedule.api.run import ScheduleRun
from agentschedule.plan.observed import CronJob, Job, Pod

Body = dict[str, Any]
S = TypeVar("S")
# The least that a pod's deadline can be.
AT_ONCE = 1


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
class HoldJob:
    """Make the next attempt wait longer than Kubernetes would: suspend the Job before its next pod exists."""

    job: Job
    until: datetime

    def __str__(self) -> str:
        return f"hold Job {self.job.name} until {rfc3339(self.until)}"


@dataclass(frozen=True)
class ResumeJob:
    """The wait is over: the next attempt starts at once."""

    job: Job

    def __str__(self) -> str:
        return f"resume Job {self.job.name}"


@dataclass(frozen=True)
class EndJob:
    """Fail a Job that has no pod at work, with our words; what its pods left stays."""

    job: Job
    reason: str
    message: str
    now: datetime

    def __str__(self) -> str:
        return f"end Job {self.job.name}: {self.reason}"


@dataclass(frozen=True)
class StopPod:
    """Stop an attempt as its time limit would, with nothing to follow: pod, log and result stay."""

    pod: Pod
    reason: str
    message: str
    now: datetime

    def __str__(self) -> str:
        return f"stop pod {self.pod.name}: {self.reason}"


@dataclass(frozen=True)
class CancelRun:
    """Ask for the end of a run, because another takes its place."""

    run: ScheduleRun
    by: str

    def __str__(self) -> str:
        return f"cancel ScheduleRun {self.run.metadata.name}, replaced by {self.by}"


@dataclass(frozen=True)
class ReadLog:
    """Read the end of a pod's log, where its termination message says nothing; comes back as an ``Answer``."""

    pod: Pod

    def __str__(self) -> str:
        return f"read the log of pod {self.pod.name}"


@dataclass(frozen=True)
class AskWhyWaiting:
    """Ask the events of a Job or pod why nothing starts; comes back as an ``Answer``."""

    name: str
    uid: str

    def __str__(self) -> str:
        return f"ask why {self.name} waits"


@dataclass(frozen=True)
class LookAtPods:
    """Read a Job's pods past the watch, before what they left is taken for lost; comes back as an ``Answer``."""

    job: Job

    def __str__(self) -> str:
        return f"look at the pods of Job {self.job.name}"


@dataclass(frozen=True)
class AskNamespace:
    """Ask whether a namespace is being deleted; comes back as an ``Answer``."""

    name: str

    def __str__(self) -> str:
        return f"ask whether namespace {self.name} is being deleted"


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
    | HoldJob
    | ResumeJob
    | EndJob
    | StopPod
    | CancelRun
    | ReadLog
    | AskWhyWaiting
    | LookAtPods
    | AskNamespace
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

    ``status`` is the whole desired status, or None for no change. ``replan`` plans once more after the status is
    written. ``requeue_at`` is when to look again though nothing happens.
    """

    actions: tuple[Action, ...] = ()
    status: S | None = None
    events: tuple[Event, ...] = ()
    requeue_at: datetime | None = None
    replan: bool = False

    def __str__(self) -> str:
        steps = [str(action) for action in self.actions] + [f"event {e.reason}: {e.message}" for e in self.events]
        return "; ".join(steps) or "nothing to do"
