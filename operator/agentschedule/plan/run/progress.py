"""While a run has its Job: waiting, running, between two attempts. Rows of ``plan.run``."""

from __future__ import annotations

from datetime import datetime, timedelta

from agentschedule.api.base import rfc3339
from agentschedule.names import FINAL_EXIT_CODES, Reason, RunPhase
from agentschedule.plan.actions import AskWhyWaiting, HoldJob, ResumeJob
from agentschedule.plan.objects.backoff import native_delay, retry_delay
from agentschedule.plan.observed import Job, Pod, Question
from agentschedule.plan.run.attempts import waiting
from agentschedule.plan.run.context import Case
from agentschedule.plan.run.decision import Step, do, wait_until
from agentschedule.plan.run.state import LAST_NEWS, LOST_AFTER
from agentschedule.plan.run.status import how_it_failed

# A run that has only just been made is not written as Pending: most are running a moment later.
FIRST_WORD = timedelta(seconds=3)
# How long a pod's start may take before its events are asked.
PATIENCE = timedelta(seconds=8)
# How long Kubernetes gets to see that a failed attempt was the last one.
VERDICT = timedelta(seconds=2)
# A Job is suspended only this long before Kubernetes makes its next pod: too late, that pod would be killed.
MARGIN = timedelta(seconds=3)


def other_half(case: Case) -> Step:
    """A Job's end and its pod's are one write; the Job's own is news."""
    job, last = case.job, case.last
    since = job.finished_at if job and job.finished else last.ended_at if last and last.failed else None
    return wait_until(since + LAST_NEWS if since else None)


def wait(case: Case) -> Step:
    """Why nothing runs yet: from the pod; where that is silent, from the events of the pod, or of the Job."""
    job, last = case.job, case.last
    assert job is not None  # noqa: S101 - what is seen says so
    if last and last.waiting_reason:
        return Step(reason=last.waiting_reason, message=_told(case, last), look_again=case.starts_by)
    since = last.created if last else job.created
    about = last or job
    told = case.observed.answered(Question.WHY_WAITING, about.uid)
    if told is None and case.now >= since + PATIENCE:
        return do(AskWhyWaiting(about.name, about.uid))
    if told is None:
        fresh = not case.failures and not case.old.phase and case.now < job.created + FIRST_WORD
        return wait_until(job.created + FIRST_WORD) if fresh else Step(look_again=since + PATIENCE)
    soon = case.now + max(PATIENCE, (case.now - since) / 2)
    return _explained(last, told.message, min(filter(None, (soon, case.starts_by))))


def _told(case: Case, last: Pod) -> str | None:
    """The words change with each try of the kubelet: what is said once stays."""
    return case.attempts[-1].error if case.attempts else waiting(last)


def _explained(last: Pod | None, said: str, look_again: datetime) -> Step:
    reason, _, message = said.partition(": ")
    if message:
        return Step(reason=reason, message=said, look_again=look_again)
    missing = None if last else "Kubernetes has not created a pod for this run yet."
    return Step(message=missing, look_again=look_again)


def run(case: Case) -> Step:
    last = case.last
    # Being taken away: look whether its node still answers.
    return Step(look_again=last.deletion_time + LOST_AFTER if last and last.deletion_time else None)


def lost(case: Case) -> Step:
    name = case.last.name if case.last else ""
    message = (
        f"The node of pod {name} does not answer. Kubernetes makes no other pod until this one is gone: when the node "
        "is lost for good, delete the Node."
    )
    return Step(reason=Reason.NODE_LOST, message=message)


def paused(case: Case) -> Step:
    name = case.job.name if case.job else ""
    message = (
        f"Job {name} is suspended, and not by the operator; go on with: kubectl patch job {name} --type merge "
        """-p '{"spec":{"suspend":false}}'"""
    )
    return Step(reason=Reason.JOB_SUSPENDED, message=message)


def between(case: Case) -> Step:
    """The delay before the next attempt; a longer one than Kubernetes' own is held by suspending the Job in time."""
    job, last = case.job, case.last
    assert job is not None  # noqa: S101 - what is seen says so
    if job.held_until and job.held:
        if case.now >= job.held_until:
            return do(ResumeJob(job))
        return _retrying(case, last, job.held_until, job.held_until)
    if last is None or last.ended_at is None:
        return _retrying(case, last, None, case.starts_by)
    verdict = last.ended_at + VERDICT
    if case.now < verdict:
        return wait_until(verdict)
    native, wanted = _next(job, last, case)
    let_go = job.held_until == wanted  # by somebody who does not want to wait
    if wanted > native and case.now + MARGIN <= native and not (let_go or _is_final(last)):
        return do(HoldJob(job, wanted))
    if native <= case.now and case.old.phase is RunPhase.RETRYING:
        return wait_until(case.starts_by)  # what was said is true: it comes in a moment
    return _retrying(case, last, native if native > case.now else None, case.starts_by)


def _is_final(last: Pod) -> bool:
    """True if the Job ends by this attempt: a Job that is suspended then never would."""
    return last.exit_code in FINAL_EXIT_CODES or bool(last.no_retry)


def _next(job: Job, last: Pod, case: Case) -> tuple[datetime, datetime]:
    """When Kubernetes makes the next pod, and when it should come."""
    ended = last.ended_at or case.now
    wanted = retry_delay(job.retry_delay_seconds, case.failures)
    return ended + native_delay(last.pods_before + 1), ended + wanted


def _retrying(case: Case, last: Pod | None, at: datetime | None, look_again: datetime | None) -> Step:
    why = how_it_failed(last, case.result).rstrip(".") if last else "Its pod is gone"
    when = f"the next attempt starts at {rfc3339(at)}" if at else "another attempt follows"
    message = f"Attempt {case.failures} failed: {why}; {when}."
    return Step(reason=Reason.RETRY_PENDING, message=message, look_again=look_again)
