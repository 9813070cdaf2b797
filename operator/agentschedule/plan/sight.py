"""What is seen of a run that has not ended: one word for all that the cluster shows of it. Called by ``plan.run``,
whose table says what follows from each.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property

from agentschedule import names
from agentschedule.api.run import Attempt, ScheduleRun, ScheduleRunStatus
from agentschedule.api.schedule import AgentSchedule
from agentschedule.names import ConcurrencyPolicy, Reason, Trigger
from agentschedule.plan.attempts import attempts_of, failures, pod_result
from agentschedule.plan.history import job_uid, said_job
from agentschedule.plan.observed import Job, Observed, Pod, Question, Unreadable
from agentschedule.plan.result import AgentResult, needs_log
from agentschedule.plan.retry import native_delay
from agentschedule.plan.trigger import Refusal, refusal
from agentschedule.plan.verdict import Verdict, as_written

# How long a finished Job waits for the last news of its pods, and an ended pod for its Job: both are one write.
LAST_NEWS = timedelta(seconds=5)
# How long after its time a pod on a node that does not answer is called lost.
LOST_AFTER = timedelta(seconds=30)


class Sight(StrEnum):
    """What is seen; the value is said in the docs."""

    NO_SCHEDULE = "its AgentSchedule does not exist"
    UNCLAIMED = "made by a person, and not claimed yet"
    NO_RUN = "it says that it is a record, and is none of the operator's"
    STRANGER = "it belongs to an AgentSchedule of another time"
    OTHERS_RECORD = "a record that belongs to something else"
    # It has no Job yet.
    CANCELLED_EARLY = "cancelled before it has started"
    NAME_TAKEN = "a Job of its name is somebody else's"
    REFUSED = "it may not run now"
    JOB_REFUSED = "the API has refused its Job"
    OUTRUN = "policy Replace, and a newer run is active"
    RIVALS = "policy Replace, and an older run is active"
    MAY_START = "it may run now"
    LISTED = "its suspended Job is listed as active"
    # It has its Job.
    JOB_GONE = "its Job is gone"
    NOT_RELEASED = "its Job waits to be let go"
    HALF_THE_NEWS = "its Job or its pod has ended, and the other's end is to come"
    UNREAD = "its Job has ended, and the result says nothing: the log may"
    SUCCEEDED = "its Job has succeeded"
    SAYS_FAILED = "its Job has succeeded, and the agent says that it failed"
    STOPPED = "its Job has ended, as it was told to by a cancel"
    NEVER_STARTED = "its Job has ended without the agent having run"
    TIMED_OUT = "its last attempt took too long"
    FAILED = "its Job has failed"
    LEAVING = "a failed pod of it is being deleted"
    CANCEL = "it is to be cancelled"
    ENDING = "its Job is about to fail"
    TOO_MANY = "an attempt too many is at work"
    PAUSED = "somebody has suspended its Job"
    FAILED_FOR_GOOD = "an attempt has failed, and says that another is of no use"
    SPENT = "the last attempt has failed, and the Job goes on"
    BETWEEN = "an attempt has failed, and another follows"
    RUNNING = "the agent runs"
    LOST = "the node of the agent's pod does not answer"
    OVERDUE = "nothing has started within the time limit"
    WAITING = "the agent has not started yet"
    WAITING_AGAIN = "an attempt has failed, and the next one has not started yet"


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
    def rivals(self) -> tuple[Job, ...]:
        """Under Replace, what is active beside it."""
        schedule = self.schedule
        if not isinstance(schedule, AgentSchedule) or schedule.spec.concurrency_policy is not ConcurrencyPolicy.REPLACE:
            return ()
        return tuple(job for job in self.observed.unfinished if job != self.job)

    def came_later(self, job: Job) -> bool:
        """True if a rival is the newer one. What came due in the same second is: a refusal is final, a due time too."""
        record, mine = self.record_of(job), self.run.metadata
        by_hand = record and record.spec.trigger is Trigger.MANUAL
        since = record.metadata.creation_timestamp if record and by_hand else job.created
        if mine.creation_timestamp is None or since is None:
            return False
        return (since, bool(job.due), job.name) > (mine.creation_timestamp, False, mine.name)

    def record_of(self, job: Job) -> ScheduleRun | None:
        owner = self.schedule.metadata.uid if self.schedule else ""
        return next((run for run in self.observed.runs if job_uid(run, owner, self.observed) == job.uid), None)

    @cached_property
    def starts_by(self) -> datetime | None:
        """When the agent has to run, or never starts. Of a pod on a node the kubelet sees to that."""
        job, last = self.job, self.last
        if job is None or job.timeout_seconds is None or job.suspended or (last and not last.ended and last.on_node):
            return None
        # It may have been made long before it was let go: then Kubernetes has not yet said that it began.
        since = [job.started_at] if job.started_at else []
        if last:
            since += [last.ended_at + native_delay(last.pods_before + 1) if last.ended_at else last.created]
        return max(since) + timedelta(seconds=job.timeout_seconds) if since else None


def look(case: Case) -> Sight:
    """What is seen of the run: the first that is true."""
    owner, schedule = case.run.metadata.controller_uid(), case.schedule
    if schedule is None:
        return Sight.NO_SCHEDULE if case.by_hand and not case.run.metadata.owner_references else Sight.OTHERS_RECORD
    if owner is None:
        recorded = case.run.status and case.run.status.job_uid
        return Sight.UNCLAIMED if case.by_hand else Sight.OTHERS_RECORD if recorded else Sight.NO_RUN
    if owner != schedule.metadata.uid:
        return Sight.STRANGER if case.by_hand else Sight.OTHERS_RECORD
    if case.uid:
        return _with_job(case, case.job) if case.job else Sight.JOB_GONE
    return _before_job(case) if case.by_hand and not said_job(case.run) else Sight.NO_RUN


def _before_job(case: Case) -> Sight:
    if case.run.spec.cancel:
        return Sight.CANCELLED_EARLY
    if (case.named and not case.job) or case.observed.answered(Reason.NAME_TAKEN):
        return Sight.NAME_TAKEN
    if case.no:
        return Sight.REFUSED
    # With its Job there, the refusal was of another one: that of a due time, which goes first.
    if not case.job and case.observed.answered(Reason.JOB_REFUSED):
        return Sight.JOB_REFUSED
    if case.rivals:
        return Sight.OUTRUN if any(case.came_later(job) for job in case.rivals) else Sight.RIVALS
    cronjob = case.observed.cronjob
    return Sight.LISTED if cronjob and case.job and cronjob.lists(case.job.uid) else Sight.MAY_START


def _with_job(case: Case, job: Job) -> Sight:
    if case.by_hand and job.suspended and not job.finished and not job.controller_uid:
        return Sight.NOT_RELEASED
    if _half_the_news(case, job):
        return Sight.HALF_THE_NEWS
    if job.finished:
        return _ended(case, job)
    if _may_be_leaving(case, job):
        return Sight.LEAVING
    if job.ending:
        return Sight.ENDING
    if case.run.spec.cancel:
        return Sight.CANCEL
    return _at_work(case, job)


def _may_be_leaving(case: Case, job: Job) -> bool:
    """True if somebody deletes what an attempt left, and it is not known to be one pod alone."""
    told = case.observed.answered(Question.LEAVING)
    being_deleted = case.last and case.last.ended and case.last.deletion_time
    return bool(being_deleted) and not job.deleting and (told is None or bool(told.message))


def _half_the_news(case: Case, job: Job) -> bool:
    """True while only the Job, or only its last pod, is known to have ended. A success is never given up: its Job
    completes as soon as its controller works, and until then could still be failed."""
    last = case.last
    if last and last.phase == "Succeeded" and not job.finished:
        return True
    done = bool(last and last.failed and case.failures > job.retry_limit)
    if job.finished:
        if last is None or last.ended:
            return False
    elif not done:
        return False
    since = job.finished_at if job.finished else last.ended_at if last else None
    return since is not None and case.now < since + LAST_NEWS


def _ended(case: Case, job: Job) -> Sight:
    last = case.last
    if last and last.ended and not last.never_ran and _log_may_say(case, last):
        return Sight.UNREAD
    if job.succeeded:
        return Sight.SAYS_FAILED if case.result.status == "failed" else Sight.SUCCEEDED
    told = {job.reason, last.no_retry if last else ""}
    if told & {Reason.CANCELLED, Reason.REPLACED}:
        return Sight.STOPPED
    too_long = names.DEADLINE_EXCEEDED in (job.reason, last.reason if last else "")
    if Reason.NEVER_STARTED in told or (too_long and (last is None or last.never_ran)):
        return Sight.NEVER_STARTED
    return Sight.TIMED_OUT if too_long and Reason.RETRIES_EXHAUSTED not in told else Sight.FAILED


def _log_may_say(case: Case, last: Pod) -> bool:
    return needs_log(last.termination_message) and case.observed.answered(Question.LOG, last.uid) is None


def _at_work(case: Case, job: Job) -> Sight:
    last, spent = case.last, case.failures > job.retry_limit
    if last and not last.ended and spent:
        return Sight.TOO_MANY
    if job.suspended and not job.held:
        return Sight.PAUSED
    if last and last.failed and not last.disrupted:
        if spent:
            return Sight.SPENT
        if case.result.retryable is False:
            return Sight.FAILED_FOR_GOOD
    if case.starts_by and case.now >= case.starts_by and (last is None or last.ended or not last.started_at):
        return Sight.OVERDUE
    if job.held or (last and last.failed and not last.disrupted):
        return Sight.BETWEEN
    if last and last.started_at and not last.ended:
        lost = last.deletion_time and case.now >= last.deletion_time + LOST_AFTER
        return Sight.LOST if lost else Sight.RUNNING
    return Sight.WAITING_AGAIN if case.failures else Sight.WAITING


def _without(observed: Observed, job: Job | None) -> Observed:
    """The world without this run: what else is active."""
    cronjob = observed.cronjob
    if cronjob and job:
        rest = tuple(ref for ref in cronjob.active if ref.uid != job.uid)
        observed = replace(observed, cronjob=replace(cronjob, active=rest))
    return replace(observed, runs=())
