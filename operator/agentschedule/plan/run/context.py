"""One run that has not ended, and what is known about it: the terms in which ``plan.sight`` looks at it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from agentschedule import names
from agentschedule.api.base import rfc3339
from agentschedule.api.run import Attempt, ScheduleRun, ScheduleRunStatus
from agentschedule.api.schedule import AgentSchedule
from agentschedule.names import ConcurrencyPolicy, Trigger
from agentschedule.plan.objects.backoff import native_delay
from agentschedule.plan.observed import Job, Observed, Pod, Question, Unreadable
from agentschedule.plan.run.attempts import attempts_of, failures, pod_result
from agentschedule.plan.run.result import AgentResult
from agentschedule.plan.schedule.records import job_uid, said_job
from agentschedule.plan.schedule.trigger import Refusal, refusal
from agentschedule.plan.spec.validate import Verdict, as_written

# Longer than a kubelet takes to say that a pod's deadline is over.
A_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Case:
    """One run that has not ended, and what is known about it."""

    run: ScheduleRun
    schedule: AgentSchedule | Unreadable | None
    observed: Observed
    now: datetime

    @cached_property
    def old(self) -> ScheduleRunStatus:
        return self.run.status or ScheduleRunStatus()

    @cached_property
    def by_hand(self) -> bool:
        return self.run.spec.trigger is Trigger.MANUAL

    @cached_property
    def verdict(self) -> Verdict:
        assert self.schedule is not None  # noqa: S101 - looked at before
        return as_written(self.schedule)

    @cached_property
    def uid(self) -> str | None:
        """Of the run's one Job, once it is remembered."""
        return job_uid(self.run, self.schedule.metadata.uid, self.observed) if self.schedule else None

    @cached_property
    def named(self) -> Job | None:
        """The Job that bears the run's name, whosever it is."""
        return self.observed.by_name.get(self.run.metadata.name)

    @cached_property
    def job(self) -> Job | None:
        """The run's Job; of a run that is about to start, the one that was made for it."""
        if self.uid:
            return next((job for job in self.observed.jobs if job.uid == self.uid), None)
        return self.named if self.named and self.run.metadata.uid in self.named.owner_uids else None

    @cached_property
    def pods(self) -> tuple[Pod, ...]:
        return self.observed.pods_of(self.job) if self.job else ()

    @cached_property
    def last(self) -> Pod | None:
        """The newest pod."""
        return self.pods[-1] if self.pods else None

    @cached_property
    def attempts(self) -> tuple[Attempt, ...]:
        known = self.old.attempts or ()
        return attempts_of(known, self.job, self.pods) if self.job else known

    @cached_property
    def failures(self) -> int:
        return failures(self.attempts)

    @cached_property
    def result(self) -> AgentResult:
        """What the last attempt left."""
        log = self.observed.answered(Question.LOG, self.last.uid) if self.last else None
        return pod_result(self.last, log.message if log else None)

    @cached_property
    def no(self) -> Refusal | None:
        """Why it may not run now, by all that is active but itself."""
        assert self.schedule is not None  # noqa: S101 - looked at before
        return refusal(self.schedule, self.verdict, _without(self.observed, self.job), self.run)

    @cached_property
    def replaces(self) -> bool:
        schedule = self.schedule
        policy = schedule.spec.concurrency_policy if isinstance(schedule, AgentSchedule) else None
        return policy is ConcurrencyPolicy.REPLACE

    @cached_property
    def rivals(self) -> tuple[Job, ...]:
        """Under Replace, what is active beside it."""
        return tuple(job for job in self.observed.unfinished if self.replaces and job != self.job)

    @cached_property
    def newer(self) -> str | None:
        """Under Replace, the name of a run that came later than this one: active, or waiting to start."""
        waiting = (run.metadata.name for run in self.observed.runs if self.replaces and self._waits_behind(run))
        return next((job.name for job in self.rivals if self._came_later(job)), None) or next(waiting, None)

    def _came_later(self, job: Job) -> bool:
        """Of the same second, what has come due did, for it does not come again; and what somebody started did not."""
        record = self.record_of(job)
        asked_for = record is not None and names.ANNOTATION_JOB_UID not in record.metadata.annotations
        since = record.metadata.creation_timestamp if record and asked_for else job.created
        mine = self.run.metadata.creation_timestamp
        if since is None or mine is None:
            return False
        return since >= mine if job.due else since > mine

    def _waits_behind(self, run: ScheduleRun) -> bool:
        """True for a newer run by hand that will take this one's place, rather than be refused itself."""
        schedule = self.schedule
        if run.final or run.spec.cancel or run.spec.trigger is not Trigger.MANUAL or said_job(run) or schedule is None:
            return False
        claimed = run.metadata.controller_uid() == schedule.metadata.uid
        allowed = refusal(schedule, self.verdict, replace(self.observed, runs=()), run) is None
        return claimed and allowed and _order_of(run) > _order_of(self.run)

    def record_of(self, job: Job) -> ScheduleRun | None:
        owner = self.schedule.metadata.uid if self.schedule else ""
        return next((run for run in self.observed.runs if job_uid(run, owner, self.observed) == job.uid), None)

    @cached_property
    def starts_by(self) -> datetime | None:
        """When the agent has to run, or never starts. Of a pod on a node the kubelet sees to that."""
        job, last = self.job, self.last
        if job is None or job.timeout_seconds is None or job.suspended or job.started_at is None:
            return None
        limit, since = timedelta(seconds=job.timeout_seconds), job.started_at
        if last and last.ended_at:
            since = max(since, last.ended_at + native_delay(last.pods_before + 1))
        elif last and last.ended:  # it never ran, and does not say when it ended
            since = max(since, last.created + limit + A_MINUTE)
        elif last:
            return None if last.on_node else max(since, last.created) + limit
        return since + limit


def _order_of(run: ScheduleRun) -> tuple[str, str]:
    """Which of two runs that wait is the newer one: the moment, then the name."""
    created = run.metadata.creation_timestamp
    return rfc3339(created) if created else "", run.metadata.name


def _without(observed: Observed, job: Job | None) -> Observed:
    """The world without this run: what else is active."""
    cronjob = observed.cronjob
    if cronjob and job:
        rest = tuple(ref for ref in cronjob.active if ref.uid != job.uid)
        observed = replace(observed, cronjob=replace(cronjob, active=rest))
    return replace(observed, runs=())
