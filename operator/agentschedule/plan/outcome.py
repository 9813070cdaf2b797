"""From a Job and its pods to the status of a run. Called by ``plan.run``; the words here are what users read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from agentschedule import names
from agentschedule.api.base import Condition
from agentschedule.api.run import Attempt, RunError, ScheduleRun, ScheduleRunStatus
from agentschedule.names import Reason, RunPhase
from agentschedule.plan.conditions import Finding, merge
from agentschedule.plan.observed import Job, Pod
from agentschedule.plan.result import AgentResult, read_result

MAX_MESSAGE = 1024
# Reasons of a container that ended without the agent having run.
NEVER_RAN = frozenset({"StartError", "ContainerCannotRun", "ContainerStatusUnknown"})


@dataclass(frozen=True)
class End:
    """How a run stands: its phase, with a reason in one word and in a sentence."""

    phase: RunPhase
    reason: str | None = None
    message: str | None = None


def follow(run: ScheduleRun, job: Job, pods: tuple[Pod, ...], now: datetime) -> ScheduleRunStatus:
    """The status of a run whose Job exists; final as soon as the Job has finished."""
    old = run.status or ScheduleRunStatus()
    last = pods[-1] if pods else None
    result = _result(last)
    end = _end(job, last, result) if job.finished else _progress(last, old)
    fields = _identity(run, job, last) | _times(old, job, pods) | _agent_fields(result)
    fields |= {"phase": end.phase, "reason": end.reason, "message": end.message and end.message[:MAX_MESSAGE]}
    if pods:
        fields |= {"attempt": last.attempt if last else None, "attempts": tuple(map(_attempt, pods))}
        fields |= {"exit_code": last.exit_code if last else None}
    if end.phase in (RunPhase.FAILED, RunPhase.TIMED_OUT):
        fields["error"] = result.error or RunError(code=end.reason, message=(end.message or "")[:MAX_MESSAGE])
    if end.phase.final:
        fields["conditions"] = final_conditions(old.conditions, end, now)
    return old.model_copy(update=fields)


def _result(pod: Pod | None) -> AgentResult:
    """What the agent left; the runtime's own words, for a container that never ran, are not the agent's."""
    spoke = pod and pod.ended and pod.container_reason not in NEVER_RAN
    return read_result(pod.termination_message) if pod and spoke else AgentResult()


def ended(run: ScheduleRun, end: End, now: datetime) -> ScheduleRunStatus:
    """The status of a run that ends without a Job to ask: skipped, cancelled, its name taken."""
    old = run.status or ScheduleRunStatus()
    return old.model_copy(
        update={
            "phase": end.phase,
            "reason": end.reason,
            "message": end.message,
            "triggered_at": old.triggered_at or run.metadata.creation_timestamp,
            "completion_time": now,
            "conditions": final_conditions(old.conditions, end, now),
        }
    )


def final_conditions(old: Iterable[Condition] | None, end: End, now: datetime) -> tuple[Condition, ...]:
    """For ``kubectl wait``: Finished is True in every final phase, Complete only on success."""
    reason, message = end.reason or end.phase.value, end.message or ""
    failed = end.phase in (RunPhase.FAILED, RunPhase.TIMED_OUT)
    findings = (
        Finding(names.Condition.COMPLETE, end.phase is RunPhase.SUCCEEDED, reason, message),
        Finding(names.Condition.FAILED, failed, reason, message),
        Finding(names.Condition.FINISHED, True, reason, message),
    )
    return merge(old, findings, None, now)


def _identity(run: ScheduleRun, job: Job, last: Pod | None) -> dict[str, object]:
    by_hand = run.spec.trigger is names.Trigger.MANUAL
    return {
        "job": job.name,
        "job_uid": job.uid,
        "input": job.input,
        "triggered_at": run.metadata.creation_timestamp if by_hand else job.created,
    } | ({"pod": last.name} if last else {})


def _times(old: ScheduleRunStatus, job: Job, pods: tuple[Pod, ...]) -> dict[str, object]:
    """From the pods: the Job's own startTime is reset whenever it is resumed."""
    started = min((pod.started_at for pod in pods if pod.started_at), default=old.start_time)
    if not job.finished:
        return {"start_time": started}
    ends = [pod.ended_at for pod in pods if pod.ended_at]
    done = max(ends) if ends else job.finished_at
    if not (started and done):
        return {"start_time": started, "completion_time": done}
    length = done - started
    return {
        "start_time": started,
        "completion_time": done,
        "duration_seconds": int(length.total_seconds()),
        "duration": duration(length),
    }


def duration(length: timedelta) -> str:
    """A length of time for people: 4s, 4m12s, 1h4m."""
    seconds = int(length.total_seconds())
    hours, minutes = seconds // 3600, seconds // 60 % 60
    if hours:
        return f"{hours}h{minutes}m" if minutes else f"{hours}h"
    return f"{minutes}m{seconds % 60}s" if minutes else f"{seconds}s"


def _agent_fields(result: AgentResult) -> dict[str, object]:
    """What the agent said of itself; nothing is overwritten by what it did not say."""
    said: dict[str, object] = {
        "status_code": result.status_code,
        "agent_run_id": result.run_id,
        "session_id": result.session_id,
        "model": result.model,
        "usage": result.usage,
        "output": result.output,
        "requirements": result.requirements,
    }
    return {field: value for field, value in said.items() if value is not None}


def _attempt(pod: Pod) -> Attempt:
    result = _result(pod)
    return Attempt(
        attempt=pod.attempt,
        pod=pod.name,
        phase=_pod_phase(pod),
        start_time=pod.started_at,
        completion_time=pod.ended_at,
        exit_code=pod.exit_code,
        status_code=result.status_code,
        error=result.error.message if result.error else None,
    )


def _pod_phase(pod: Pod) -> RunPhase:
    if pod.phase == "Succeeded":
        return RunPhase.SUCCEEDED
    if pod.phase == "Failed":
        return RunPhase.TIMED_OUT if pod.reason == names.DEADLINE_EXCEEDED else RunPhase.FAILED
    return RunPhase.RUNNING if pod.started_at else RunPhase.PENDING


def _progress(last: Pod | None, old: ScheduleRunStatus) -> End:
    if last is None:
        return End(RunPhase.PENDING)
    if last.started_at:
        return End(RunPhase.RUNNING)
    message = f"{last.waiting_reason}: {last.waiting_message}".removesuffix(": ") if last.waiting_reason else None
    if message and old.reason == last.waiting_reason:
        message = old.message  # the words change with each try: what is said once stays
    return End(RunPhase.PENDING, last.waiting_reason or None, message)


def _end(job: Job, last: Pod | None, result: AgentResult) -> End:
    if job.succeeded:
        if result.status != "failed":
            return End(RunPhase.SUCCEEDED)
        said = result.error.message if result.error else "no reason given"
        return End(RunPhase.FAILED, Reason.AGENT_FAILED, f"The agent reports that it failed: {said}")
    if last and last.reason == names.DEADLINE_EXCEEDED:
        return End(RunPhase.TIMED_OUT, Reason.DEADLINE_EXCEEDED, "The run took longer than timeoutSeconds allows.")
    if job.reason == names.DEADLINE_EXCEEDED:
        return _never_ended(last)
    if last is None or not last.ended:
        return End(RunPhase.FAILED, Reason.JOB_FAILED, f"The Job failed ({job.reason}): {job.message}")
    return End(RunPhase.FAILED, Reason.AGENT_FAILED, _failure(last, result))


def _never_ended(last: Pod | None) -> End:
    """The Job's backstop ended it: its pod never came to run, or outlived its own time limit."""
    if last and last.started_at:
        return End(RunPhase.TIMED_OUT, Reason.DEADLINE_EXCEEDED, "The run took longer than timeoutSeconds allows.")
    why = f" ({last.waiting_reason}: {last.waiting_message})" if last and last.waiting_reason else ""
    return End(RunPhase.FAILED, Reason.NEVER_STARTED, f"The agent did not start within its time limit{why}.")


def _failure(pod: Pod, result: AgentResult) -> str:
    said = result.error.message if result.error else _last_line(result)
    if pod.exit_code is None:
        how = f"The pod failed ({pod.reason or 'no reason given'}): {pod.message}".removesuffix(": ")
    else:
        because = f" ({pod.container_reason})" if pod.container_reason not in ("", "Error") else ""
        how = f"The agent exited with code {pod.exit_code}{because}"
    return f"{how}: {said}" if said else f"{how}."


def _last_line(result: AgentResult) -> str:
    text = result.output.content if result.output and result.output.content else ""
    return text.strip().rpartition("\n")[2]
