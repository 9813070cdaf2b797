"""While a run has its Job: waiting, running, between two attempts."""

from __future__ import annotations

from datetime import datetime, timedelta

from agentschedule.api.base import rfc3339
from agentschedule.names import FINAL_EXIT_CODES, Reason, RunPhase
from agentschedule.plan.actions import AskWhyWaiting, HoldJob, ResumeJob
from agentschedule.plan.answers import WaitingReason
from agentschedule.plan.objects.backoff import native_delay, retry_delay
from agentschedule.plan.observed import Job, Pod
from agentschedule.plan.run.attempts import waiting
from agentschedule.plan.run.context import JobContext
from agentschedule.plan.run.decision import Decision, act, wait
from agentschedule.plan.run.status import MAX_MESSAGE, how_it_failed

# A run that has only just been made is not written as Pending: most are running a moment later.
NEW = timedelta(seconds=3)
# How long a pod's start may take before its events are asked.
ASK_EVENTS_AFTER = timedelta(seconds=8)
# How long Kubernetes gets to see that a failed attempt was the last one.
ATTEMPT_JUDGED_AFTER = timedelta(seconds=2)
# A Job is suspended only this long before Kubernetes makes its next pod: too late, that pod would be killed.
HOLD_MARGIN = timedelta(seconds=3)
# How long after its time a pod on a node that does not answer is called lost.
LOST_AFTER = timedelta(seconds=30)


def waits_for(context: JobContext) -> Pod | Job:
    """What has to start, or to make a pod."""
    return context.last or context.job


def waiting_since(context: JobContext) -> datetime:
    return waits_for(context).created


def waiting_reason(context: JobContext) -> WaitingReason | None:
    """What its events say, if they were asked."""
    return context.observed.answer(WaitingReason, waits_for(context).uid)


def pod_says_why(context: JobContext) -> bool:
    return bool(context.last and context.last.waiting_reason)


def is_new(context: JobContext) -> bool:
    """True for a run of which nothing was said yet, nor can be, and for which it is too early."""
    silent = not pod_says_why(context) and waiting_reason(context) is None
    return silent and not context.failures and not context.old.phase and context.now < context.job.created + NEW


def events_are_due(context: JobContext) -> bool:
    """True if the pod does not say why it waits, and has waited long."""
    unknown = not pod_says_why(context) and waiting_reason(context) is None
    return unknown and context.now >= waiting_since(context) + ASK_EVENTS_AFTER


def ask_events(context: JobContext) -> Decision:
    about = waits_for(context)
    return act(AskWhyWaiting(about.name, about.uid))


def await_first_word(context: JobContext) -> Decision:
    return wait(context.job.created + NEW)


def not_started(context: JobContext) -> Decision:
    """Why nothing runs yet: from the pod; where that is silent, from the events of the pod, or of the Job."""
    last, told, since = context.last, waiting_reason(context), waiting_since(context)
    if last and pod_says_why(context):
        # The words change with each try of the kubelet: what was said once stays.
        message = context.attempts[-1].error if context.attempts else waiting(last)
        return Decision(reason=last.waiting_reason, message=message, requeue_at=context.starts_by)
    if told is None:
        return Decision(requeue_at=since + ASK_EVENTS_AFTER)
    soon = context.now + max(ASK_EVENTS_AFTER, (context.now - since) / 2)
    return _explained(last, told.message, min(filter(None, (soon, context.starts_by))))


def _explained(last: Pod | None, events: str, requeue_at: datetime) -> Decision:
    reason, _, message = events.partition(": ")
    if message:
        return Decision(reason=reason, message=events, requeue_at=requeue_at)
    missing = None if last else "Kubernetes has not created a pod for this run yet."
    return Decision(message=missing, requeue_at=requeue_at)


def running(context: JobContext) -> Decision:
    last = context.last
    # Being taken away: look whether its node still answers.
    return Decision(requeue_at=last.deletion_time + LOST_AFTER if last and last.deletion_time else None)


def node_lost(context: JobContext) -> Decision:
    name = context.last.name if context.last else ""
    message = (
        f"The node of pod {name} does not answer. Kubernetes makes no other pod until this one is gone: when the node "
        "is lost for good, delete the Node."
    )
    return Decision(reason=Reason.NODE_LOST, message=message)


def job_suspended(context: JobContext) -> Decision:
    name = context.job.name
    message = (
        f"Job {name} is suspended, and not by the operator; go on with: kubectl patch job {name} --type merge "
        """-p '{"spec":{"suspend":false}}'"""
    )
    return Decision(reason=Reason.JOB_SUSPENDED, message=message)


def resume(context: JobContext) -> Decision:
    return act(ResumeJob(context.job))


def retry_held(context: JobContext) -> Decision:
    until = context.job.held_until
    return _retrying(context, until, until)


def is_unjudged(context: JobContext) -> bool:
    """True while Kubernetes may still see that the attempt was the last one."""
    ended = context.last.ended_at if context.last else None
    return ended is not None and context.now < ended + ATTEMPT_JUDGED_AFTER


def await_judgement(context: JobContext) -> Decision:
    ended = context.last.ended_at if context.last else None
    return wait(ended + ATTEMPT_JUDGED_AFTER if ended else None)


def next_attempt_at(context: JobContext) -> datetime | None:
    """When Kubernetes makes the next pod; None if it does not say when the last one ended."""
    last = context.last
    return last.ended_at + native_delay(last.pods_before + 1) if last and last.ended_at else None


def wanted_at(context: JobContext) -> datetime | None:
    """When the next attempt should come, by the schedule's own delay."""
    ended = context.last.ended_at if context.last else None
    return ended + retry_delay(context.job.retry_delay_seconds, context.failures) if ended else None


def hold_until(context: JobContext) -> datetime | None:
    """Until when the Job is to be held now: where the delay is longer than Kubernetes' own, and there is time to."""
    native, wanted, last = next_attempt_at(context), wanted_at(context), context.last
    if native is None or wanted is None or last is None or wanted <= native or context.now + HOLD_MARGIN > native:
        return None
    let_go = context.job.held_until == wanted  # by somebody who does not want to wait
    ends_job = last.exit_code in FINAL_EXIT_CODES or bool(last.no_retry)  # a Job that is suspended then never would
    return None if let_go or ends_job else wanted


def hold(context: JobContext) -> Decision:
    """A longer delay than Kubernetes' own is held by suspending the Job in time."""
    until = hold_until(context)
    return act(HoldJob(context.job, until)) if until else wait(None)


def is_imminent(context: JobContext) -> bool:
    native = next_attempt_at(context)
    return native is not None and native <= context.now


def await_attempt(context: JobContext) -> Decision:
    """What was said is true: it comes in a moment."""
    return wait(context.starts_by)


def retry_pending(context: JobContext) -> Decision:
    native = next_attempt_at(context)
    return _retrying(context, native if native and native > context.now else None, context.starts_by)


def _retrying(context: JobContext, at: datetime | None, requeue_at: datetime | None) -> Decision:
    then = f"; the next attempt starts at {rfc3339(at)}." if at else "; another attempt follows."
    if _was_told(context, then):
        return wait(requeue_at)
    why = how_it_failed(context.last, context.result).rstrip(".") if context.last else "Its pod is gone"
    failure = f"Attempt {context.failures} failed: {why}"
    message = failure[: MAX_MESSAGE - len(then)] + then  # however long a failure's own words are
    return Decision(reason=Reason.RETRY_PENDING, message=message, requeue_at=requeue_at)


def _was_told(context: JobContext, then: str) -> bool:
    """True if the record says it of this attempt. Its words stay: they may quote a log, which is read once."""
    old, last = context.old, context.last
    same = last is not None and old.pod == last.name and old.phase is RunPhase.RETRYING
    return same and (old.message or "").endswith(then)
