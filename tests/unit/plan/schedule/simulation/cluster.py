"""A cluster in memory with the clock as an argument: the API objects of one schedule, the CronJob controller by its own
rules (kube-controller-manager 1.36, pkg/controller/cronjob), and Jobs that run for a while and end.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import count

from agentschedule.api.run import ScheduleRun
from agentschedule.api.schedule import AgentSchedule
from agentschedule.child_names import scheduled_job_name
from agentschedule.names import ConcurrencyPolicy
from agentschedule.plan.cron import Cron, parse_live
from agentschedule.plan.observed import CronJob, Job, Observed, Pod, Reference
from tests.unit.builders import a_job, a_pod
from tests.unit.plan.schedule.simulation.history import History
from tests.unit.plan.schedule.simulation.truth import Truth

SECOND = timedelta(seconds=1)
NEVER = datetime.max.replace(tzinfo=UTC)
# The controller looks this long after a due time; its delays in words of its source: nextScheduleDelta.
DELTA = timedelta(milliseconds=100)
BACKOFF = timedelta(seconds=7)

live = lru_cache(maxsize=1024)(parse_live)


def whole(moment: datetime) -> datetime:
    """As the API keeps a time: whole seconds."""
    return moment.replace(microsecond=0)


@dataclass
class Cluster:
    """Everything of one schedule on the API server; ``wake_operator`` is its watch."""

    history: History
    schedule: AgentSchedule
    now: datetime
    truth: Truth
    cronjob: CronJob | None = None
    jobs: dict[str, Job] = field(default_factory=dict)
    pods: dict[str, Pod] = field(default_factory=dict)
    runs: dict[str, ScheduleRun] = field(default_factory=dict)
    wake_operator: Callable[[], None] = lambda: None
    wake_controller: Callable[[], None] = lambda: None
    _queue: list[tuple[datetime, int, Callable[[], None]]] = field(default_factory=list)
    _numbers: count[int] = field(default_factory=count)
    _uids: count[int] = field(default_factory=count)

    def at(self, moment: datetime, what: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (max(moment, self.now), next(self._numbers), what))

    def run_until(self, end: datetime) -> None:
        while self._queue and self._queue[0][0] <= end:
            self.now, _, what = heapq.heappop(self._queue)
            what()
        self.now = end

    def observed(self) -> Observed:
        return Observed(self.cronjob, tuple(self.jobs.values()), tuple(self.pods.values()), tuple(self.runs.values()))

    def uid(self, kind: str) -> str:
        return f"{kind}-{next(self._uids)}"

    def write_cronjob(self, cronjob: CronJob) -> None:
        version = str(int(cronjob.resource_version) + 1)
        self.cronjob = replace(cronjob, resource_version=version)
        self.wake_operator()
        self.wake_controller()

    def create_job(self, due: datetime, by: str) -> Job | None:
        """The Job of a due time, by whomever; None if its name, the lock, is taken."""
        cronjob = self.cronjob
        assert cronjob is not None
        name = scheduled_job_name(cronjob.name, due)
        if any(job.name == name for job in self.jobs.values()):
            return None
        begun = whole(self.now)
        job = a_job(
            name, namespace=cronjob.namespace, uid=self.uid("job"), created=begun, started_at=begun, due=whole(due)
        )
        job = replace(job, controller_uid=cronjob.uid, owner_uids=frozenset({cronjob.uid}))
        active = [job for job in self.jobs.values() if not job.finished]
        self.truth.started(job, self.now, bool(active), by)
        self.jobs[job.uid] = job
        self.at(self.now + 0.2 * SECOND, lambda: self._start_pod(job))
        self.at(self.now + timedelta(seconds=self.history.length(due)), lambda: self._finish(job.uid))
        self._job_news()
        return job

    def _start_pod(self, job: Job) -> None:
        if job.uid in self.jobs:
            begun = {"created": job.created, "started_at": job.created, "phase": "Running"}
            pod = a_pod(job.name, namespace=job.namespace, uid=f"pod-{job.uid}", job_uid=job.uid, **begun)
            self.pods[job.uid] = pod
            self.wake_operator()

    def _finish(self, uid: str) -> None:
        if uid not in self.jobs:
            return
        job, good = self.jobs[uid], self.history.succeeds(self.jobs[uid].due)
        ended = whole(self.now)
        self.jobs[uid] = replace(job, succeeded=good, finished_at=ended, reason="" if good else "BackoffLimitExceeded")
        if uid in self.pods:
            phase, code = ("Succeeded", 0) if good else ("Failed", 1)
            self.pods[uid] = replace(self.pods[uid], phase=phase, ended_at=ended, exit_code=code)
        self.truth.ended(uid, self.now)
        self._job_news()

    def delete_job(self, uid: str, by: str) -> None:
        self.jobs.pop(uid, None)
        self.pods.pop(uid, None)
        self.truth.deleted(uid, self.now, by)
        self._job_news()

    def _job_news(self) -> None:
        self.wake_operator()
        self.wake_controller()


@dataclass
class Controller:
    """The CronJob controller, for one CronJob. It writes its status a moment after it made a Job."""

    cluster: Cluster
    lags: tuple[float, ...]  # seconds of backlog before it looks, in turn
    status_lag: timedelta
    kept: int
    up: bool = True
    _at: datetime = NEVER
    _busy: bool = False
    _turn: count[int] = field(default_factory=count)
    _schedule: tuple[str, str] | None = None

    def wake(self) -> None:
        """News of a CronJob or a Job. Another schedule only moves its alarm."""
        cronjob = self.cluster.cronjob
        if not self.up or cronjob is None:
            return
        before, self._schedule = self._schedule, (cronjob.schedule, cronjob.time_zone)
        if before not in (None, self._schedule):
            self._later(self._alarm(cronjob))
        else:
            self._later(self._soon())

    def set_up(self, up: bool) -> None:
        self.up, self._at = up, NEVER
        if up and self.cluster.cronjob:
            self._schedule = None
            self.wake()

    def _soon(self) -> datetime:
        return self.cluster.now + timedelta(seconds=self.lags[next(self._turn) % len(self.lags)])

    def _later(self, moment: datetime | None) -> None:
        """The work queue: the earliest moment counts."""
        if moment and moment < self._at:
            self._at = moment
            self.cluster.at(moment, lambda: self._pop(moment))

    def _pop(self, moment: datetime) -> None:
        if moment != self._at or not self.up:
            return
        self._at = NEVER
        if self._busy:
            self._later(self.cluster.now + SECOND)
        elif self.cluster.cronjob:
            self._later(self._sync(self.cluster.cronjob))

    def _sync(self, cronjob: CronJob) -> datetime | None:
        """syncCronJob; returns when to look again."""
        cronjob = self._tidy(cronjob)
        if cronjob.suspend:
            return None
        now = self.cluster.now
        due = most_recent(cronjob, now, cronjob.deadline_seconds)
        late = due and cronjob.deadline_seconds is not None
        if due is None or (late and due + timedelta(seconds=cronjob.deadline_seconds or 0) < now):
            return self._alarm(cronjob)
        name = scheduled_job_name(cronjob.name, due)
        if any(ref.name == name for ref in cronjob.active) or cronjob.last_schedule_time == due:
            return self._alarm(cronjob)
        if cronjob.concurrency_policy is ConcurrencyPolicy.FORBID and cronjob.active:
            return self._alarm(cronjob)
        version = cronjob.resource_version
        job = self.cluster.create_job(due, "controller")
        if job is None:  # AlreadyExists: up to 1.36 it then looks in an empty namespace, and backs off
            return now + BACKOFF
        self._busy = True
        self.cluster.at(now + self.status_lag, lambda: self._write(job, due, version))
        return self._alarm(replace(cronjob, last_schedule_time=due))

    def _write(self, job: Job, due: datetime, version: str) -> None:
        self._busy = False
        cronjob = self.cluster.cronjob
        assert cronjob is not None
        if not self.up:
            return
        if cronjob.resource_version != version:  # 409
            self._later(self.cluster.now + SECOND)
            return
        active = (*cronjob.active, Reference(job.name, job.uid))
        self.cluster.write_cronjob(replace(cronjob, active=active, last_schedule_time=due))

    def _tidy(self, cronjob: CronJob) -> CronJob:
        """Forget Jobs that ended or are gone; remove the oldest finished ones beyond the history limits."""
        cluster = self.cluster
        for good in (True, False):
            ended = sorted((j for j in cluster.jobs.values() if j.succeeded is good), key=lambda j: (j.created, j.name))
            for job in ended[: max(0, len(ended) - self.kept)]:
                cluster.delete_job(job.uid, "controller")
        still = {uid for uid, job in cluster.jobs.items() if not job.finished}
        active = tuple(ref for ref in cronjob.active if ref.uid in still)
        if active != cronjob.active:
            cluster.write_cronjob(replace(cronjob, active=active))
        assert cluster.cronjob is not None
        return cluster.cronjob

    def _alarm(self, cronjob: CronJob) -> datetime | None:
        """nextScheduleTimeDuration."""
        now = self.cluster.now
        recent = most_recent(cronjob, now, None)
        seed = cronjob.last_schedule_time or cronjob.created
        due = cron_of(cronjob).next(recent or (now if cron_of(cronjob).last(seed, now) else seed))
        return due + DELTA + (self._soon() - now) if due else None


def cron_of(cronjob: CronJob) -> Cron:
    return live(cronjob.schedule, cronjob.time_zone)


def most_recent(cronjob: CronJob, now: datetime, deadline: int | None) -> datetime | None:
    """mostRecentScheduleTime: its estimate from the first two gaps, which can overlook a due time."""
    cron = cron_of(cronjob)
    earliest = cronjob.last_schedule_time or cronjob.created
    if deadline is not None:
        earliest = max(earliest, now - timedelta(seconds=deadline))
    first = cron.next(earliest)
    if first is None or now < first:
        return None
    second = cron.next(first)
    if second is None or now < second:
        return first
    gap = int((second - first).total_seconds())
    missed = int((now - first).total_seconds()) // gap + 1
    due, found = cron.next(first + timedelta(seconds=(missed - 2) * gap)), None
    while due and due <= now:
        due, found = cron.next(due), due
    return found
