"""What a decision sees of the cluster: frozen, slim, and in UTC.

Made from what the API sends by ``cluster``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from agentschedule.api.base import ObjectMeta
from agentschedule.api.run import RunInput, ScheduleRun
from agentschedule.api.schedule import AgentScheduleStatus
from agentschedule.names import ConcurrencyPolicy, Reason, Trigger
from agentschedule.plan.answers import A, Answer
from agentschedule.plan.controller import UNKNOWN, Controller
from agentschedule.plan.indexed import Indexed, indexed

# Reasons of a container that ended without the agent having run.
NEVER_RAN = frozenset({"StartError", "ContainerCannotRun", "ContainerStatusUnknown"})
# Manual runs of one schedule that have not ended, unless the operator is told otherwise.
OPEN_RUNS = 100
# The API's own default of startingDeadlineSeconds is none at all; the operator always writes one.
NO_DEADLINE = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Reference:
    """An entry of a CronJob's ``status.active``."""

    name: str
    uid: str


@dataclass(frozen=True)
class CronJob:
    """A CronJob on the cluster: what is in force, whoever wrote it."""

    name: str
    namespace: str
    uid: str
    resource_version: str
    generation: int
    created: datetime
    controller_uid: str | None
    labels: frozenset[tuple[str, str]]
    ours: bool  # carries our label
    deleting: bool
    finalizers: tuple[str, ...]  # others'
    schedule: str
    time_zone: str
    suspend: bool
    concurrency_policy: ConcurrencyPolicy
    deadline_seconds: int | None
    last_schedule_time: datetime | None
    active: tuple[Reference, ...]
    spec_hash: str | None  # of the desired state that we last wrote
    spec_generation: int | None  # the generation that our last write made: another one is somebody's edit
    not_before: datetime | None  # where its mark had to lie at least, when we last wrote it
    in_force_since: datetime | None  # when the schedule in force took effect, if not with the CronJob

    @property
    def effective_from(self) -> datetime:
        """When the schedule in force took effect."""
        return self.in_force_since or self.created

    @property
    def counted_from(self) -> datetime:
        """Where the controller counts due times from."""
        return self.last_schedule_time or self.created

    @property
    def starting_deadline(self) -> timedelta:
        """How late the controller may start a due time."""
        return NO_DEADLINE if self.deadline_seconds is None else timedelta(seconds=self.deadline_seconds)

    @cached_property
    def _listed(self) -> frozenset[str]:
        return frozenset(ref.uid for ref in self.active)

    def lists(self, uid: str) -> bool:
        """True if the Job of this uid is in ``status.active``."""
        return uid in self._listed


@dataclass(frozen=True, slots=True)
class Job:
    """A Job on the cluster that belongs to a schedule, or claims to."""

    name: str
    namespace: str
    uid: str
    resource_version: str
    created: datetime
    controller_uid: str | None
    owner_uids: frozenset[str]
    due: datetime | None  # set by the CronJob controller, and by us when we start a due time
    suspended: bool
    deleting: bool
    succeeded: bool | None  # None until the Job has finished
    ending: bool  # told to fail, by us or by its own rules: no pod will follow
    reason: str  # of the Failed condition
    message: str
    started_at: datetime | None  # anew with each resume
    finished_at: datetime | None
    input: RunInput
    timeout_seconds: int | None  # of each attempt
    retry_limit: int
    retry_delay_seconds: int
    held_until: datetime | None  # suspended by us until then: the next attempt is to wait

    @property
    def finished(self) -> bool:
        return self.succeeded is not None

    @property
    def held(self) -> bool:
        """True while we make the next attempt wait; a Job that is suspended without it was so by others."""
        return self.suspended and self.held_until is not None

    @property
    def trigger(self) -> Trigger:
        return Trigger.SCHEDULE if self.due else Trigger.MANUAL


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod of a Job: one attempt of a run. Times and codes are the agent container's."""

    name: str
    namespace: str
    uid: str
    resource_version: str
    job_uid: str
    created: datetime
    attempt: int  # from 1, as Kubernetes counts
    ignored: int  # how many pods before it Kubernetes took away, and did not count
    phase: str
    reason: str  # of the pod, such as DeadlineExceeded or Evicted
    message: str  # of the pod, or how another container than the agent's failed
    on_node: bool  # a kubelet has taken it up: its own deadline counts
    deadline_seconds: int | None
    deletion_time: datetime | None  # when it should be gone
    disrupted: str  # why Kubernetes took it away (eviction, preemption, a lost node): not the agent's failure
    no_retry: str  # why no attempt is to follow
    started_at: datetime | None
    ended_at: datetime | None
    exit_code: int | None
    termination_message: str | None
    container_reason: str  # of the container's end, such as OOMKilled
    waiting_reason: str
    waiting_message: str

    @property
    def ended(self) -> bool:
        return self.phase in ("Succeeded", "Failed")

    @property
    def failed(self) -> bool:
        return self.phase == "Failed"

    @property
    def pods_before(self) -> int:
        """How many pods of its Job have ended before it, as Kubernetes counts for its pauses."""
        return self.attempt - 1 + self.ignored

    @property
    def never_ran(self) -> bool:
        """True if the agent's container has not run in this pod; what the runtime says of that is not the agent's."""
        return self.started_at is None


@dataclass(frozen=True)
class Observed:
    """Everything of one schedule, at one moment."""

    cronjob: CronJob | None = None
    jobs: tuple[Job, ...] = ()
    pods: tuple[Pod, ...] = ()
    runs: tuple[ScheduleRun, ...] = ()
    answers: tuple[Answer, ...] = ()
    open_runs: int = OPEN_RUNS  # how many manual runs may be open, by the operator's settings
    controller: Controller = UNKNOWN  # and stays so, where we are not to assist it

    def __post_init__(self) -> None:
        """What is made of this one with ``replace`` shares the indexes of what it has in common with it."""
        for name in ("jobs", "pods", "runs"):
            object.__setattr__(self, name, indexed(getattr(self, name)))

    @property
    def found_jobs(self) -> Indexed[Job]:
        return indexed(self.jobs)

    @property
    def found_pods(self) -> Indexed[Pod]:
        return indexed(self.pods)

    @property
    def found_runs(self) -> Indexed[ScheduleRun]:
        return indexed(self.runs)

    @property
    def controlled(self) -> tuple[Job, ...]:
        """The Jobs that the CronJob controls: scheduled, released manual, and ``kubectl create job --from`` ones."""
        return self.found_jobs.by(_controller).get(self.cronjob.uid, ()) if self.cronjob else ()

    @property
    def unfinished(self) -> tuple[Job, ...]:
        """The controlled Jobs that have not finished: what concurrency is about."""
        return self.found_jobs.by(_controller_of_unfinished).get(self.cronjob.uid, ()) if self.cronjob else ()

    def job_named(self, name: str) -> Job | None:
        return self.found_jobs.one(_job_name, name)

    def job_of_uid(self, uid: str | None) -> Job | None:
        return self.found_jobs.one(_job_uid, uid)

    def answer(self, kind: type[A], about: str) -> A | None:
        """What the cluster has just said of this kind about this object, if it did."""
        return next((a for a in self.answers if isinstance(a, kind) and a.about == about), None)

    def answers_of(self, kind: type[A]) -> tuple[A, ...]:
        """All that the cluster has just said of this kind."""
        return tuple(answer for answer in self.answers if isinstance(answer, kind))

    def run_named(self, name: str) -> ScheduleRun | None:
        return self.found_runs.one(_run_name, name)

    def pods_of(self, job: Job) -> tuple[Pod, ...]:
        """A Job's pods, oldest attempt first."""
        mine = self.found_pods.by(_job_of).get(job.uid, ())
        return tuple(sorted(mine, key=lambda pod: (pod.created, pod.attempt)))


def _controller(job: Job) -> str | None:
    return job.controller_uid


def _controller_of_unfinished(job: Job) -> str | None:
    return None if job.finished else job.controller_uid


def _job_name(job: Job) -> str:
    return job.name


def _job_uid(job: Job) -> str:
    return job.uid


def _job_of(pod: Pod) -> str:
    return pod.job_uid


def _run_name(run: ScheduleRun) -> str:
    return run.metadata.name


@dataclass(frozen=True)
class Unreadable:
    """An AgentSchedule whose spec the models do not take. The CRD refuses these, unless it is of another version."""

    metadata: ObjectMeta
    status: AgentScheduleStatus | None
    problem: str


class FaultyRun(ScheduleRun):
    """A ScheduleRun that does not start as it stands, whatever else is so. It is not kept whole."""

    reason: Reason
    problem: str
