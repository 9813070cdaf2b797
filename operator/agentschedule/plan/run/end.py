"""How a run comes to its end: stopped, given up, or by itself. Rows of ``plan.run``.

With an agent at work, its pod is stopped as by its time limit: pod, log and result stay. Without one, the Job is failed
with our words.
"""

from __future__ import annotations

from datetime import timedelta

from agentschedule import names
from agentschedule.names import Reason
from agentschedule.plan.actions import AskNamespace, DeleteJob, EndJob, LookAtPods, ReadLog, ResumeJob, StopPod
from agentschedule.plan.cronjob_gate import owed
from agentschedule.plan.observed import Job, Question
from agentschedule.plan.run.context import Case
from agentschedule.plan.run.decision import Step, do, wait_until
from agentschedule.plan.run.state import LAST_NEWS
from agentschedule.plan.run.status import how_it_failed
from agentschedule.plan.schedule.cronjob import live_cron

# How late the controller may be with what is due, before a Job that is gone was not replaced.
LATE = timedelta(seconds=30)
A_MOMENT = timedelta(seconds=1)


def cancel(case: Case) -> Step:
    return _end(case, *_why_cancelled(case))


def too_many(case: Case) -> Step:
    return _end(case, Reason.RETRIES_EXHAUSTED, "More attempts than retry.limit allows.")


def overdue(case: Case) -> Step:
    return _end(case, Reason.NEVER_STARTED, "The agent did not start within its time limit.")


def not_retryable(case: Case) -> Step:
    return _end(case, Reason.NOT_RETRYABLE, "The agent says that another attempt is of no use.")


def spent(case: Case) -> Step:
    """Kubernetes has counted fewer failures than there were: somebody suspended the Job in the middle of an attempt."""
    since = (case.last.ended_at or case.last.created) if case.last else case.now
    if case.now < since + LAST_NEWS:
        return wait_until(since + LAST_NEWS)
    return _end(case, Reason.RETRIES_EXHAUSTED, "The last attempt has failed.")


def _end(case: Case, reason: str, message: str) -> Step:
    job, last = case.job, case.last
    assert job is not None  # noqa: S101 - what is seen says so
    if last is None or not last.started_at:
        return do(EndJob(job, reason, message, case.now))
    if last.ended:
        # A stopped attempt ends its Job by itself.
        judged = last.ended_at + LAST_NEWS if last.no_retry and last.ended_at else case.now
        return wait_until(judged) if case.now < judged else do(EndJob(job, reason, message, case.now))
    return do(StopPod(last, reason, message, case.now))


def stopping(_case: Case) -> Step:
    message = "Is being stopped: the agent has its grace period. If its node is lost for good, delete the Node."
    return Step(reason=Reason.STOPPING, message=message)


def let_end(case: Case) -> Step:
    """The Job controller refuses to end a suspended Job that does not say when it began: no pod comes any more."""
    job = case.job
    assert job is not None  # noqa: S101 - what is seen says so
    return do(ResumeJob(job)) if job.suspended and job.started_at is None else Step()


def leave(case: Case) -> Step:
    """A namespace that is being deleted waits for failed pods, these for their Job, and the Job for another attempt."""
    job = case.job
    assert job is not None  # noqa: S101 - what is seen says so
    return do(DeleteJob(job) if case.observed.answered(Question.LEAVING) else AskNamespace(job.namespace))


def look_at_pods(case: Case) -> Step:
    assert case.job is not None  # noqa: S101 - what is seen says so
    return do(LookAtPods(case.job))


def read_log(case: Case) -> Step:
    assert case.last is not None  # noqa: S101 - what is seen says so
    return do(ReadLog(case.last))


def says_failed(case: Case) -> Step:
    said = case.result.error.message if case.result.error else "no reason given"
    return Step(reason=Reason.AGENT_FAILED, message=f"The agent reports that it failed: {said}")


def failed(case: Case) -> Step:
    job, last = case.job, case.last
    assert job is not None  # noqa: S101 - what is seen says so
    if last is None or not last.ended:
        return Step(reason=Reason.JOB_FAILED, message=f"The Job failed ({job.reason}): {job.message}")
    ours = next((word for word in (job.reason, last.no_retry) if word in _OURS), None)
    return Step(reason=ours or Reason.AGENT_FAILED, message=_after(case, job, how_it_failed(last, case.result)))


_OURS = (Reason.NOT_RETRYABLE, Reason.RETRIES_EXHAUSTED)


def timed_out(case: Case) -> Step:
    message = "The run took longer than timeoutSeconds allows."
    return Step(reason=Reason.DEADLINE_EXCEEDED, message=_after(case, case.job, message))


def never_started(case: Case) -> Step:
    why = next((known.error for known in reversed(case.attempts) if known.error), None)
    because = why or (case.old.message if case.old.reason else None)
    message = f"The agent did not start within its time limit{f' ({because})' if because else ''}."
    return Step(reason=Reason.NEVER_STARTED, message=_after(case, case.job, message))


def _after(case: Case, job: Job | None, message: str) -> str:
    """The end of the last of several attempts."""
    if job is None or case.failures < 2:
        return message
    return f"Attempt {case.failures} of {max(job.retry_limit + 1, case.failures)}: {message}"


def stopped(case: Case) -> Step:
    reason, message = _why_cancelled(case)
    return Step(reason=reason, message=message)


def _why_cancelled(case: Case) -> tuple[Reason, str]:
    by = case.run.metadata.annotations.get(names.ANNOTATION_REPLACED_BY)
    if by:
        return Reason.REPLACED, f"Run {by} took its place: concurrencyPolicy is Replace."
    return Reason.CANCELLED, "The run was cancelled."


def job_gone(case: Case) -> Step:
    if case.run.spec.cancel:
        return stopped(case)
    if by := _successor(case):
        message = f"Run {by} took its place: concurrencyPolicy is Replace."
        return Step(reason=Reason.REPLACED, message=message)
    if _is_being_replaced(case):
        return wait_until(case.now + A_MOMENT)
    message = "The run's Job was deleted before its end was seen."
    return Step(reason=Reason.JOB_DELETED, message=message, warning=True)


def _is_being_replaced(case: Case) -> bool:
    """Under Replace, Kubernetes deletes the active Job a moment before it makes the one that has come due."""
    cronjob, live = case.observed.cronjob, live_cron(case.observed.cronjob)
    if cronjob is None or live is None or not cronjob.replace:
        return False
    due = owed(case.observed, live, case.now)
    return due is not None and case.now < due + LATE


def _successor(case: Case) -> str | None:
    """Under Replace, Kubernetes itself deletes the active Job for one that comes due: the newest scheduled one."""
    cronjob, mine = case.observed.cronjob, case.run.metadata.creation_timestamp
    if cronjob is None or not cronjob.replace or mine is None:
        return None
    later = [job for job in case.observed.controlled if job.due and job.created >= mine]
    return max(later, key=lambda job: job.created).name if later else None
