"""One run that has not ended, and what is known about it: the terms in which its state is judged.

Three contexts, each narrower than the one before: any run; a run of a schedule that exists; a run with its Job. What is
decided in one of them cannot be asked for what it does not have; and what one has found out once, all rows share.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from agentschedule import names
from agentschedule.api.base import rfc3339
from agentschedule.api.run import Attempt, ScheduleRun, ScheduleRunStatus
from agentschedule.api.schedule import AgentSchedule
from agentschedule.names import Trigger
from agentschedule.plan.answers import LogTail
from agentschedule.plan.concurrency import replaces_active_runs
from agentschedule.plan.cronjob_gate import JOINING_GRACE, Gate, gate, live_cron
from agentschedule.plan.manual_runs import Rejection, rejection
from agentschedule.plan.objects.backoff import native_delay
from agentschedule.plan.observed import Job, Observed, Pod, Unreadable
from agentschedule.plan.ownership import claimed_job_uid, job_uid_of, run_of
from agentschedule.plan.run.attempts import attempts_of, failures, pod_result
from agentschedule.plan.run.result import AgentResult, needs_log
from agentschedule.plan.spec.overrides import overrides_of
from agentschedule.plan.spec.validate import Validation, validation_in_force

# Longer than a kubelet takes to say that a pod's deadline is over.
A_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class RunContext:
    """A run that has not ended, and all that is seen of its schedule; that may not exist."""

    run: ScheduleRun
    schedule: AgentSchedule | Unreadable | None
    observed: Observed
    now: datetime

    @cached_property
    def old(self) -> ScheduleRunStatus:
        """The status as it is."""
        return self.run.status or ScheduleRunStatus()

    @cached_property
    def manual(self) -> bool:
        return self.run.spec.trigger is Trigger.MANUAL

    @cached_property
    def owner_uid(self) -> str | None:
        return self.run.metadata.controller_uid()

    @cached_property
    def is_own(self) -> bool:
        """True if the schedule that exists is the run's owner."""
        return self.schedule is not None and self.owner_uid == self.schedule.metadata.uid

    @cached_property
    def job_uid(self) -> str | None:
        """Of the run's one Job, once it is remembered."""
        return job_uid_of(self.run, self.schedule.metadata.uid, self.observed) if self.schedule else None

    @property
    def cancel_requested(self) -> bool:
        return bool(self.run.spec.cancel)

    @cached_property
    def owned(self) -> OwnedContext | None:
        """The same run, if its schedule exists."""
        if self.schedule is None:
            return None
        return OwnedContext(run=self.run, schedule=self.schedule, observed=self.observed, now=self.now)

    @cached_property
    def with_job(self) -> JobContext | None:
        """The same run, if its Job is remembered and still there."""
        job = self.observed.job_of_uid(self.job_uid)
        return self.owned.of_job(job) if self.owned and job else None


@dataclass(frozen=True, kw_only=True)
class OwnedContext(RunContext):
    """A run of the schedule that exists."""

    schedule: AgentSchedule | Unreadable

    def of_job(self, job: Job) -> JobContext:
        """The same run, with this Job."""
        return JobContext(run=self.run, schedule=self.schedule, observed=self.observed, now=self.now, job=job)

    @cached_property
    def validation(self) -> Validation:
        return validation_in_force(self.schedule)

    @cached_property
    def named_job(self) -> Job | None:
        """The Job that bears the run's name, whosever it is."""
        return self.observed.by_name.get(self.run.metadata.name)

    @cached_property
    def made_job(self) -> Job | None:
        """The suspended Job that was made for this run, and is not remembered yet."""
        return self.named_job if self.named_job and self.run.metadata.uid in self.named_job.owner_uids else None

    @cached_property
    def join_gate(self) -> Gate | None:
        """May the Job be listed in the CronJob now? None if there is no CronJob that can be read."""
        live = live_cron(self.observed.cronjob)
        if live is None:
            return None
        end = self.validation.timing.end if self.validation.timing else None
        return gate(self.observed, live, self.now, end, JOINING_GRACE)

    @cached_property
    def rejection(self) -> Rejection | None:
        """Why it may not run now, by all that is active but itself."""
        others = _without(self.observed, self.made_job)
        return rejection(self.schedule, self.validation, others, overrides_of(self.run.spec))

    @cached_property
    def will_not_start(self) -> bool:
        """True if the Job that was made for it is not wanted any more."""
        return self.cancel_requested or self.rejection is not None or self.newer is not None

    @cached_property
    def replaces(self) -> bool:
        schedule = self.schedule
        return isinstance(schedule, AgentSchedule) and replaces_active_runs(schedule.spec.concurrency_policy)

    @cached_property
    def jobs_to_replace(self) -> tuple[Job, ...]:
        """What is active beside it, where the policy has it take their place."""
        return tuple(job for job in self.observed.unfinished if self.replaces and job != self.made_job)

    @cached_property
    def runs_to_replace(self) -> tuple[ScheduleRun | None, ...]:
        """The records of these Jobs, as far as they exist yet."""
        return tuple(run_of(job, self.schedule.metadata.uid, self.observed) for job in self.jobs_to_replace)

    @cached_property
    def newer(self) -> str | None:
        """The name of a run that came later than this one, and takes its place: active, or waiting to start."""
        waiting = (run.metadata.name for run in self.observed.runs if self.replaces and self._waits_behind(run))
        return next((job.name for job in self.jobs_to_replace if self._came_later(job)), None) or next(waiting, None)

    def _came_later(self, job: Job) -> bool:
        """Of the same second, what has come due did, for it does not come again; and what somebody started did not."""
        record = run_of(job, self.schedule.metadata.uid, self.observed)
        asked_for = record is not None and names.ANNOTATION_JOB_UID not in record.metadata.annotations
        since = record.metadata.creation_timestamp if record and asked_for else job.created
        created = self.run.metadata.creation_timestamp
        if since is None or created is None:
            return False
        return since >= created if job.due else since > created

    def _waits_behind(self, run: ScheduleRun) -> bool:
        """True for a newer manual run that will take this one's place, rather than be rejected itself."""
        if run.final or run.spec.cancel or run.spec.trigger is not Trigger.MANUAL or claimed_job_uid(run):
            return False
        claimed = run.metadata.controller_uid() == self.schedule.metadata.uid
        alone = replace(self.observed, runs=())
        rejected = rejection(self.schedule, self.validation, alone, overrides_of(run.spec))
        return claimed and rejected is None and _age_order(run) > _age_order(self.run)


@dataclass(frozen=True, kw_only=True)
class JobContext(OwnedContext):
    """A run that has its one Job. Its pods are the attempts."""

    job: Job

    @cached_property
    def pods(self) -> tuple[Pod, ...]:
        """Oldest attempt first."""
        return self.observed.pods_of(self.job)

    @cached_property
    def last(self) -> Pod | None:
        """The newest pod."""
        return self.pods[-1] if self.pods else None

    @cached_property
    def attempts(self) -> tuple[Attempt, ...]:
        return attempts_of(self.old.attempts or (), self.job, self.pods)

    @cached_property
    def failures(self) -> int:
        return failures(self.attempts)

    @property
    def retries_exhausted(self) -> bool:
        return self.failures > self.job.retry_limit

    @cached_property
    def failed_attempt(self) -> Pod | None:
        """The newest pod, if the agent has failed in it; one that Kubernetes took away is no failure."""
        last = self.last
        return last if last and last.failed and not last.disrupted else None

    @cached_property
    def result(self) -> AgentResult:
        """What the last attempt left."""
        log = self.observed.answer(LogTail, self.last.uid) if self.last else None
        return pod_result(self.last, log.message if log else None)

    @cached_property
    def unread_pods(self) -> tuple[Pod, ...]:
        """The newest pod, if it left no result, and its log may say what it did: none or one."""
        last = self.last
        if last is None or not last.ended or last.never_ran or self.observed.answer(LogTail, last.uid):
            return ()
        return (last,) if needs_log(last.termination_message) else ()

    @cached_property
    def starts_by(self) -> datetime | None:
        """When the agent has to run, or never starts. Of a pod on a node the kubelet sees to that."""
        job, last = self.job, self.last
        if job.timeout_seconds is None or job.suspended or job.started_at is None:
            return None
        limit, since = timedelta(seconds=job.timeout_seconds), job.started_at
        if last and last.ended_at:
            since = max(since, last.ended_at + native_delay(last.pods_before + 1))
        elif last and last.ended:  # it never ran, and does not say when it ended
            since = max(since, last.created + limit + A_MINUTE)
        elif last:
            return None if last.on_node else max(since, last.created) + limit
        return since + limit


def _age_order(run: ScheduleRun) -> tuple[str, str]:
    """Which of two runs that wait is the newer one: the moment, then the name."""
    created = run.metadata.creation_timestamp
    return rfc3339(created) if created else "", run.metadata.name


def _without(observed: Observed, job: Job | None) -> Observed:
    """The world without this run: what else is active."""
    cronjob = observed.cronjob
    if cronjob and job:
        rest = tuple(reference for reference in cronjob.active if reference.uid != job.uid)
        observed = replace(observed, cronjob=replace(cronjob, active=rest))
    return replace(observed, runs=())
