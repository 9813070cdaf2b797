"""What is seen of a run that has not ended: one word for all that the cluster shows of it. Called by ``plan.run``,
whose table says what follows from each.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from agentschedule import names
from agentschedule.names import Reason, RunPhase
from agentschedule.plan.actions import AT_ONCE
from agentschedule.plan.observed import Job, Pod, Question
from agentschedule.plan.run.context import Case
from agentschedule.plan.run.result import needs_log
from agentschedule.plan.schedule.records import said_job

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
    OTHERS_RECORD = "a record that belongs to something else, or goes with its AgentSchedule"
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
    UNSEEN = "its Job has ended, and the end of its pod is not seen"
    UNREAD = "its Job has ended, or an attempt has failed, and the result says nothing: the log may"
    SUCCEEDED = "its Job has succeeded"
    SAYS_FAILED = "its Job has succeeded, and the agent says that it failed"
    STOPPED = "its Job has ended, as it was told to by a cancel"
    NEVER_STARTED = "its Job has ended without the agent having run"
    TIMED_OUT = "its last attempt took too long"
    FAILED = "its Job has failed"
    LEAVING = "a failed pod of it is being deleted"
    CANCEL = "it is to be cancelled"
    STOPPING = "its agent was told to stop, and has its grace period"
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
    if schedule.metadata.deletion_timestamp:
        return Sight.OTHERS_RECORD
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
    if case.newer:
        return Sight.OUTRUN
    if case.rivals:
        return Sight.RIVALS
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
    if _is_stopping(case):
        return Sight.STOPPING
    return Sight.CANCEL if case.run.spec.cancel else _at_work(case, job)


def _is_stopping(case: Case) -> bool:
    last = case.last
    return bool(last and not last.ended and last.started_at and last.no_retry and last.deadline_seconds == AT_ONCE)


def _may_be_leaving(case: Case, job: Job) -> bool:
    """True if somebody deletes what an attempt left, and it is not known to be one pod alone."""
    told = case.observed.answered(Question.LEAVING)
    being_deleted = case.last and case.last.ended and case.last.deletion_time
    return bool(being_deleted) and not job.deleting and (told is None or bool(told.message))


def _half_the_news(case: Case, job: Job) -> bool:
    """True while only the Job, or only its last pod, is known to have ended. A success that the Job controller has not
    counted yet is waited for as long as it takes: ending the Job now would make it a failure."""
    last = case.last
    if job.finished:
        asked = case.observed.answered(Question.PODS, job.uid)
        pod_is_late = bool(last and not last.ended and job.finished_at and case.now < job.finished_at + LAST_NEWS)
        return bool(asked) and pod_is_late
    if last is None or not last.ended:
        return False
    if not last.failed:
        return True
    spent = case.failures > job.retry_limit
    return spent and last.ended_at is not None and case.now < last.ended_at + LAST_NEWS


def _ended(case: Case, job: Job) -> Sight:
    last, seen = case.last, case.last is not None and case.last.ended
    if not seen and case.observed.answered(Question.PODS, job.uid) is None:
        return Sight.UNSEEN
    if last and _log_may_say(case, last):
        return Sight.UNREAD
    if job.succeeded:
        return Sight.SAYS_FAILED if case.result.status == "failed" else Sight.SUCCEEDED
    told = {job.reason, last.no_retry if last else ""}
    if told & {Reason.CANCELLED, Reason.REPLACED} or (case.run.spec.cancel and not seen):
        return Sight.STOPPED
    too_long = names.DEADLINE_EXCEEDED in (job.reason, last.reason if last else "")
    if Reason.NEVER_STARTED in told or (too_long and (last is None or last.never_ran)):
        return Sight.NEVER_STARTED
    return Sight.TIMED_OUT if too_long and not (last and last.no_retry) else Sight.FAILED


def _log_may_say(case: Case, last: Pod) -> bool:
    unread = case.observed.answered(Question.LOG, last.uid) is None
    return last.ended and not last.never_ran and unread and needs_log(last.termination_message)


def _at_work(case: Case, job: Job) -> Sight:
    last, spent = case.last, case.failures > job.retry_limit
    if last and not last.ended and spent:
        return Sight.TOO_MANY
    if job.suspended and not job.held:
        return Sight.PAUSED
    if last and last.failed and not last.disrupted:
        if spent:
            return Sight.SPENT
        if case.old.phase is not RunPhase.RETRYING and _log_may_say(case, last):
            return Sight.UNREAD
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
