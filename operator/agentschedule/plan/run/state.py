"""The states of a run that has not ended: one word for all that the cluster shows of it. What follows from each, and in
which order they are judged, says the table.
"""

from __future__ import annotations

from enum import StrEnum

from agentschedule import names
from agentschedule.api.schedule import is_schedule_name
from agentschedule.names import Reason, RunPhase
from agentschedule.plan.actions import AT_ONCE
from agentschedule.plan.answers import JobNameTaken, JobRefused, NamespaceState, PodsListed
from agentschedule.plan.ownership import recorded_job_uid
from agentschedule.plan.run.context import JobContext, OwnedContext, RunContext
from agentschedule.plan.run.end import STATUS_LAG
from agentschedule.plan.run.progress import LOST_AFTER


class RunState(StrEnum):
    """What is seen of a run; the value is said in the docs."""

    # Whose is it?
    SCHEDULE_NOT_FOUND = "its AgentSchedule does not exist"
    SCHEDULE_GONE = "it goes with its AgentSchedule"
    UNCLAIMED = "made by a person, and not claimed yet"
    FOREIGN_OWNER = "it belongs to an AgentSchedule of another time"
    FOREIGN_RECORD = "a record that belongs to something else"
    RECORD_ONLY = "it says that it is a record, and is none of the operator's"
    # It has no Job yet.
    JOB_NOT_WANTED = "it will not start, and its suspended Job is there"
    CANCELLED_BEFORE_START = "cancelled before it has started"
    NAME_TAKEN = "a Job of its name is somebody else's"
    START_REJECTED = "it may not run now"
    JOB_REFUSED = "the API has refused its Job"
    SUPERSEDED = "policy Replace, and a newer run is active"
    OLDER_ACTIVE = "policy Replace, and an older run is active"
    REPLACING = "policy Replace, and the older run is being cancelled"
    JOB_LISTED = "its suspended Job is listed as active"
    JOB_NOT_CREATED = "it may run now"
    CRONJOB_UNREADABLE = "its suspended Job is there, and the CronJob cannot be read"
    GATE_CLOSED = "its suspended Job is there, and something else comes first: repair, or what is due"
    JOB_NOT_LISTED = "its suspended Job is there"
    # Its Job is gone.
    GONE_AFTER_CANCEL = "its Job is gone, and it was to be cancelled"
    REPLACED = "its Job is gone, and policy Replace has put another in its place"
    BEING_REPLACED = "its Job is gone, and policy Replace may be about to put another in its place"
    JOB_DELETED = "its Job is gone"
    # It has its Job.
    RELEASE_CANCELLED = "its Job waits to be let go, and it was cancelled or its CronJob is gone"
    JOB_NOT_RELEASED = "its Job waits to be let go"
    END_HALF_SEEN = "its Job or its pod has ended, and the other's end is to come"
    # Its Job has ended.
    PODS_NOT_LISTED = "its Job has ended, and the end of its pod is not seen"
    LOG_NOT_READ = "its Job has ended, and the result says nothing: the log may"
    AGENT_FAILED = "its Job has succeeded, and the agent says that it failed"
    SUCCEEDED = "its Job has succeeded"
    CANCELLED = "its Job has ended, as it was told to by a cancel"
    NEVER_STARTED = "its Job has ended without the agent having run"
    TIMED_OUT = "its last attempt took too long"
    JOB_FAILED = "its Job has failed"
    # Its Job goes on.
    POD_DELETED = "a failed pod of it is being deleted"
    NAMESPACE_DELETED = "a failed pod of it is being deleted, with its namespace"
    JOB_FAILING_SUSPENDED = "its Job is about to fail, and is suspended: it would never end"
    JOB_FAILING = "its Job is about to fail"
    STOPPING = "its agent was told to stop, and has its grace period"
    STOPPED = "its agent was stopped, and Kubernetes is to end the Job for that"
    RUNNING_CANCELLED = "it is to be cancelled, and its agent runs"
    CANCEL_REQUESTED = "it is to be cancelled, and no agent runs"
    EXTRA_ATTEMPT_RUNNING = "an attempt too many runs"
    EXTRA_ATTEMPT = "an attempt too many is to start"
    JOB_SUSPENDED = "somebody has suspended its Job"
    RETRIES_EXHAUSTED = "the last attempt has failed, and the Job goes on"
    ATTEMPT_LOG_NOT_READ = "an attempt has failed, and its result says nothing: the log may"
    NOT_RETRYABLE = "an attempt has failed, and says that another is of no use"
    START_OVERDUE = "nothing has started within the time limit"
    RETRY_DUE = "the wait for the next attempt is over"
    RETRY_HELD = "an attempt has failed, and the Job is held until the next one"
    ATTEMPT_NOT_JUDGED = "an attempt has just failed: Kubernetes may see that it was the last"
    RETRY_TOO_SOON = "an attempt has failed, and Kubernetes would make the next one too soon"
    RETRY_IMMINENT = "an attempt has failed, and the next one comes in a moment"
    RETRY_PENDING = "an attempt has failed, and another follows"
    NODE_LOST = "the node of the agent's pod does not answer"
    RUNNING = "the agent runs"
    EVENTS_NOT_READ = "nothing has started for long, and the pod does not say why: events may"
    NEW = "its Job has only just been made"
    RETRY_NOT_STARTED = "an attempt has failed, and the next one has not started yet"
    NOT_STARTED = "the agent has not started yet"


def is_manual_orphan(context: RunContext) -> bool:
    if not is_schedule_name(context.run.spec.schedule_name):
        return True
    return context.schedule is None and context.manual and not context.run.metadata.owner_references


def is_unclaimed(context: RunContext) -> bool:
    return context.owner_uid is None and context.manual


def is_foreign(context: RunContext) -> bool:
    return context.owner_uid is not None and not context.is_own


def is_foreign_manual(context: RunContext) -> bool:
    return is_foreign(context) and context.manual


def is_foreign_record(context: RunContext) -> bool:
    return is_foreign(context) or (context.owner_uid is None and recorded_job_uid(context.run) is not None)


def goes_with_schedule(context: RunContext) -> bool:
    """True for what the garbage collector takes away."""
    if context.schedule is None:
        return True
    return context.is_own and context.job_uid is None and context.schedule.metadata.deletion_timestamp is not None


def is_no_record(context: RunContext) -> bool:
    """True for a run that claims to be a record, and has no Job that it could be the record of."""
    claims = not context.manual or names.ANNOTATION_JOB_UID in context.run.metadata.annotations
    return context.owner_uid is None or (context.job_uid is None and claims)


def is_name_taken(context: OwnedContext) -> bool:
    foreign = context.named_job is not None and context.made_job is None
    return foreign or context.observed.answer(JobNameTaken, context.run.metadata.name) is not None


def is_job_refused(context: OwnedContext) -> bool:
    return context.made_job is None and context.observed.answer(JobRefused, context.run.metadata.name) is not None


def has_older_to_cancel(context: OwnedContext) -> bool:
    return any(run and not run.spec.cancel for run in context.runs_to_replace)


def is_listed(context: OwnedContext) -> bool:
    cronjob, job = context.observed.cronjob, context.made_job
    return cronjob is not None and job is not None and cronjob.lists(job.uid)


def is_job_to_create(context: OwnedContext) -> bool:
    return context.made_job is None


def is_cronjob_unreadable(context: OwnedContext) -> bool:
    return context.join_gate is None


def is_gate_closed(context: OwnedContext) -> bool:
    return context.join_gate is not None and not context.join_gate.open


def is_unreleased(context: JobContext) -> bool:
    job = context.job
    return context.manual and job.suspended and not job.finished and not job.controller_uid


def is_release_cancelled(context: JobContext) -> bool:
    cronjob = context.observed.cronjob
    own = cronjob is not None and cronjob.controller_uid == context.schedule.metadata.uid
    return is_unreleased(context) and (context.cancel_requested or not own)


def is_end_half_seen(context: JobContext) -> bool:
    """True while only the Job, or only its last pod, is known to have ended. A success that the Job controller has not
    counted yet is waited for as long as it takes: ending the Job now would make it a failure."""
    job, last, now = context.job, context.last, context.now
    if job.finished:
        listed = context.observed.answer(PodsListed, job.uid) is not None
        return listed and bool(last and not last.ended and job.finished_at and now < job.finished_at + STATUS_LAG)
    if last is None or not last.ended:
        return False
    if not last.failed:
        return True
    return context.retries_exhausted and now < (last.ended_at or last.created) + STATUS_LAG


def is_end_seen(context: JobContext) -> bool:
    return context.last is not None and context.last.ended


def needs_pods(context: JobContext) -> bool:
    return not is_end_seen(context) and context.observed.answer(PodsListed, context.job.uid) is None


def says_failed(context: JobContext) -> bool:
    return context.job.succeeded is True and context.result.status == "failed"


def was_cancelled(context: JobContext) -> bool:
    told = bool(_told(context) & {Reason.CANCELLED, Reason.REPLACED})
    return told or (context.cancel_requested and not is_end_seen(context))


def has_never_started(context: JobContext) -> bool:
    last = context.last
    return Reason.NEVER_STARTED in _told(context) or (_took_too_long(context) and (last is None or last.never_ran))


def has_timed_out(context: JobContext) -> bool:
    return _took_too_long(context) and not (context.last and context.last.no_retry)


def _told(context: JobContext) -> set[str]:
    """Why the Job or its last pod was ended, in our words or the Job controller's."""
    return {context.job.reason, context.last.no_retry if context.last else ""}


def _took_too_long(context: JobContext) -> bool:
    return names.DEADLINE_EXCEEDED in (context.job.reason, context.last.reason if context.last else "")


def is_pod_deleted(context: JobContext) -> bool:
    """True if somebody deletes what an attempt left, and it is not known to be one pod alone."""
    state = context.observed.answer(NamespaceState, context.job.namespace)
    being_deleted = context.last is not None and context.last.ended and context.last.deletion_time is not None
    return being_deleted and not context.job.deleting and (state is None or state.terminating)


def is_namespace_deleted(context: JobContext) -> bool:
    return is_pod_deleted(context) and context.observed.answer(NamespaceState, context.job.namespace) is not None


def is_failing_suspended(context: JobContext) -> bool:
    return context.job.ending and context.job.suspended and context.job.started_at is None


def is_stopping(context: JobContext) -> bool:
    last = context.last
    return bool(last and not last.ended and last.started_at and last.no_retry and last.deadline_seconds == AT_ONCE)


def is_stopped(context: JobContext) -> bool:
    """True while Kubernetes has its time to end the Job of an attempt that no other one is to follow."""
    last = context.last
    if last is None or not (last.ended and last.started_at and last.no_retry and last.ended_at):
        return False
    return context.now < last.ended_at + STATUS_LAG


def is_running_cancelled(context: JobContext) -> bool:
    return context.cancel_requested and is_running(context)


def is_extra_attempt_running(context: JobContext) -> bool:
    return is_extra_attempt(context) and is_running(context)


def is_extra_attempt(context: JobContext) -> bool:
    return bool(context.last and not context.last.ended and context.retries_exhausted)


def is_suspended_by_others(context: JobContext) -> bool:
    return context.job.suspended and not context.job.held


def is_last_attempt_failed(context: JobContext) -> bool:
    return context.failed_attempt is not None and context.retries_exhausted


def needs_attempt_log(context: JobContext) -> bool:
    failed = context.failed_attempt is not None and context.old.phase is not RunPhase.RETRYING
    return failed and bool(context.unread_pods)


def is_not_retryable(context: JobContext) -> bool:
    return context.failed_attempt is not None and context.result.retryable is False


def is_start_overdue(context: JobContext) -> bool:
    return bool(context.starts_by and context.now >= context.starts_by and not is_running(context))


def is_between_attempts(context: JobContext) -> bool:
    return context.job.held or context.failed_attempt is not None


def is_held_long_enough(context: JobContext) -> bool:
    job = context.job
    return job.held and job.held_until is not None and context.now >= job.held_until


def is_running(context: JobContext) -> bool:
    last = context.last
    return last is not None and last.started_at is not None and not last.ended


def is_node_lost(context: JobContext) -> bool:
    gone_by = context.last.deletion_time if context.last else None
    return is_running(context) and gone_by is not None and context.now >= gone_by + LOST_AFTER
