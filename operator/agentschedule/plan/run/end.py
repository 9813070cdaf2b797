"""How a run comes to its end: stopped, given up, or by itself.

With an agent at work, its pod is stopped as by its time limit: pod, log and result stay. Without one, the Job is failed
with our words.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from agentschedule import names
from agentschedule.names import Reason
from agentschedule.plan.actions import AskNamespace, DeleteJob, EndJob, LookAtPods, ReadLog, ResumeJob, StopPod
from agentschedule.plan.concurrency import controller_deletes_active_jobs
from agentschedule.plan.cronjob_gate import live_cron, unstarted_due_time
from agentschedule.plan.observed import Job, Pod
from agentschedule.plan.run.context import JobContext, OwnedContext, RunContext
from agentschedule.plan.run.decision import Decision, act, wait
from agentschedule.plan.run.status import how_it_failed

# How long a finished Job waits for the end of its pods, and an ended pod for its Job's: both are one status write.
STATUS_LAG = timedelta(seconds=5)
# How late the controller may be with what is due, before a Job that is gone was not replaced.
CONTROLLER_LAG = timedelta(seconds=30)
A_MOMENT = timedelta(seconds=1)
_TOO_MANY = "More attempts than retry.limit allows."


def cancel_running(context: JobContext) -> Decision:
    return _stop(context, *_why_cancelled(context))


def cancel(context: JobContext) -> Decision:
    return _fail(context, *_why_cancelled(context))


def stop_extra_attempt(context: JobContext) -> Decision:
    return _stop(context, Reason.RETRIES_EXHAUSTED, _TOO_MANY)


def prevent_extra_attempt(context: JobContext) -> Decision:
    return _fail(context, Reason.RETRIES_EXHAUSTED, _TOO_MANY)


def start_overdue(context: JobContext) -> Decision:
    return _fail(context, Reason.NEVER_STARTED, "The agent did not start within its time limit.")


def not_retryable(context: JobContext) -> Decision:
    return _fail(context, Reason.NOT_RETRYABLE, "The agent says that another attempt is of no use.")


def retries_exhausted(context: JobContext) -> Decision:
    """Kubernetes has counted fewer failures than there were: somebody suspended the Job in the middle of an attempt."""
    return _fail(context, Reason.RETRIES_EXHAUSTED, "The last attempt has failed.")


def _stop(context: JobContext, reason: str, message: str) -> Decision:
    """Of an agent at work."""
    return act(StopPod(context.last, reason, message, context.now)) if context.last else wait(None)


def _fail(context: JobContext, reason: str, message: str) -> Decision:
    """Of a Job without an agent at work."""
    return act(EndJob(context.job, reason, message, context.now))


def may_end(pods: Iterable[Pod]) -> bool:
    """False if a Job with these pods must not be failed: an agent at work would be killed, a success called a
    failure. Asked of a fresh list, for the watch may have been behind when the end was decided."""
    return not any(pod.started_at and not pod.failed for pod in pods)


def stopping(_context: JobContext) -> Decision:
    message = "Is being stopped: the agent has its grace period. If its node is lost for good, delete the Node."
    return Decision(reason=Reason.STOPPING, message=message)


def resume_to_fail(context: JobContext) -> Decision:
    """The Job controller refuses to end a suspended Job that does not say when it began: no pod comes any more."""
    return act(ResumeJob(context.job))


def ask_namespace(context: JobContext) -> Decision:
    return act(AskNamespace(context.job.namespace))


def leave(context: JobContext) -> Decision:
    """A namespace that is being deleted waits for failed pods, these for their Job, and the Job for another attempt."""
    return act(DeleteJob(context.job))


def await_status(context: JobContext) -> Decision:
    """A Job's end and its pod's are one status write; the Job's own end brings an event."""
    job, last = context.job, context.last
    since = job.finished_at
    if not job.finished and last and last.failed:
        since = last.ended_at or last.created
    return wait(since + STATUS_LAG if since else None)


def await_end(context: JobContext) -> Decision:
    """A stopped attempt ends its Job by itself."""
    ended = context.last.ended_at if context.last else None
    return wait(ended + STATUS_LAG if ended else None)


def list_pods(context: JobContext) -> Decision:
    return act(LookAtPods(context.job))


def read_log(context: JobContext) -> Decision:
    return act(*map(ReadLog, context.unread_pods))


def agent_failed(context: JobContext) -> Decision:
    error = context.result.error.message if context.result.error else "no reason given"
    return Decision(reason=Reason.AGENT_FAILED, message=f"The agent reports that it failed: {error}")


def job_failed(context: JobContext) -> Decision:
    job, last = context.job, context.last
    if last is None or not last.ended:
        return Decision(reason=Reason.JOB_FAILED, message=f"The Job failed ({job.reason}): {job.message}")
    message = _of_attempts(context, how_it_failed(last, context.result))
    return Decision(reason=_why_failed(job, last), message=message)


def _why_failed(job: Job, last: Pod) -> Reason:
    """Of retries that are exhausted the agent's failure is the reason, whether Kubernetes or we have counted them."""
    if Reason.NOT_RETRYABLE in (job.reason, last.no_retry):
        return Reason.NOT_RETRYABLE
    return Reason.RETRIES_EXHAUSTED if last.no_retry == Reason.RETRIES_EXHAUSTED else Reason.AGENT_FAILED


def timed_out(context: JobContext) -> Decision:
    message = _of_attempts(context, "The run took longer than timeoutSeconds allows.")
    return Decision(reason=Reason.DEADLINE_EXCEEDED, message=message)


def never_started(context: JobContext) -> Decision:
    why = next((attempt.error for attempt in reversed(context.attempts) if attempt.error), None)
    because = why or (context.old.message if context.old.reason else None)
    message = f"The agent did not start within its time limit{f' ({because})' if because else ''}."
    return Decision(reason=Reason.NEVER_STARTED, message=_of_attempts(context, message))


def _of_attempts(context: JobContext, message: str) -> str:
    """The end of the last attempt, with its number where there were several."""
    failures = context.failures
    if failures < 2:
        return message
    return f"Attempt {failures} of {max(context.job.retry_limit + 1, failures)}: {message}"


def cancelled(context: RunContext) -> Decision:
    reason, message = _why_cancelled(context)
    return Decision(reason=reason, message=message)


def _why_cancelled(context: RunContext) -> tuple[Reason, str]:
    by = context.run.metadata.annotations.get(names.ANNOTATION_REPLACED_BY)
    return (Reason.REPLACED, _replaced_by(by)) if by else (Reason.CANCELLED, "The run was cancelled.")


def _replaced_by(name: str) -> str:
    return f"Run {name} took its place: concurrencyPolicy is Replace."


def replaced(context: OwnedContext) -> Decision:
    return Decision(reason=Reason.REPLACED, message=_replaced_by(successor(context) or ""))


def await_successor(context: OwnedContext) -> Decision:
    return wait(context.now + A_MOMENT)


def job_deleted(_context: OwnedContext) -> Decision:
    message = "The run's Job was deleted before its end was seen."
    return Decision(reason=Reason.JOB_DELETED, message=message, warning=True)


def successor(context: OwnedContext) -> str | None:
    """The newest Job that came due since, where the controller deletes the active Job for one that comes due."""
    created = context.run.metadata.creation_timestamp
    if not _controller_deletes(context) or created is None:
        return None
    later = [job for job in context.observed.controlled if job.due and job.created >= created]
    return max(later, key=lambda job: job.created).name if later else None


def successor_is_due(context: OwnedContext) -> bool:
    """True while the Job that the controller may have deleted this one for is still to come: it deletes the active Job
    a moment before it makes the next one."""
    live = live_cron(context.observed.cronjob)
    if live is None or not _controller_deletes(context):
        return False
    due = unstarted_due_time(context.observed, live, context.now)
    return due is not None and context.now < due + CONTROLLER_LAG


def _controller_deletes(context: OwnedContext) -> bool:
    cronjob = context.observed.cronjob
    return cronjob is not None and controller_deletes_active_jobs(cronjob.concurrency_policy)
