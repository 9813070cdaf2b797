"""The record of a run: from what is seen, and the phase that follows from it, to its status. The words here are what
users read.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from agentschedule import names
from agentschedule.api.base import Condition
from agentschedule.api.run import Attempt, RunError, ScheduleRunStatus
from agentschedule.names import Reason, RunPhase
from agentschedule.plan.conditions import Finding, merge
from agentschedule.plan.observed import Pod
from agentschedule.plan.run.context import JobContext, RunContext
from agentschedule.plan.run.decision import Decision
from agentschedule.plan.run.result import AgentResult

MAX_MESSAGE = 1024
# Fields of the status that the agent reports, and those of its result.
REPORTED = {
    "status_code": "status_code",
    "agent_run_id": "run_id",
    "session_id": "session_id",
    "model": "model",
    "usage": "usage",
    "output": "output",
    "requirements": "requirements",
}
ENDED_BY_US = (Reason.CANCELLED, Reason.REPLACED, Reason.NEVER_STARTED)


def run_status(context: RunContext, phase: RunPhase, decision: Decision) -> ScheduleRunStatus:
    """The whole status; what is not known now stays as it was."""
    message = decision.message and decision.message[:MAX_MESSAGE]
    fields: dict[str, object] = {"phase": phase, "reason": decision.reason, "message": message}
    fields |= {"triggered_at": context.old.triggered_at or context.run.metadata.creation_timestamp}
    if isinstance(context, JobContext):
        fields |= _of_job(context)
    if phase.final:
        fields |= _final(context, phase, decision.reason or phase.value, message or "")
    return context.old.model_copy(update=fields)


def _of_job(context: JobContext) -> dict[str, object]:
    job, last = context.job, context.last
    fields: dict[str, object] = {"job": job.name, "job_uid": job.uid, "input": job.input}
    fields |= {"triggered_at": context.run.metadata.creation_timestamp if context.manual else job.created}
    fields |= {"start_time": _started(context, context.attempts)}
    if context.attempts:
        fields |= {"attempts": context.attempts, "attempt": context.attempts[-1].attempt}
    if last:
        fields |= {"pod": last.name, "exit_code": last.exit_code}
    # What an earlier attempt reported is not what this one does.
    forgotten = {} if last is None or last.name == context.old.pod else dict.fromkeys(REPORTED)
    return fields | forgotten | _agent_fields(context.result)


def _final(context: RunContext, phase: RunPhase, reason: str, message: str) -> dict[str, object]:
    job_context = context if isinstance(context, JobContext) else None
    attempts = job_context.attempts if job_context else context.old.attempts or ()
    done = _completed(job_context, attempts) if job_context else context.now
    fields = _length(_started(context, attempts), done)
    fields |= {"conditions": final_conditions(context.old.conditions, phase, reason, message, context.now)}
    if attempts:
        fields |= {"attempts": _closed(attempts, phase)}
    if phase.failed and job_context:
        fields |= {"error": job_context.result.error or RunError(code=reason, message=message)}
    return fields


def _completed(context: JobContext, attempts: tuple[Attempt, ...]) -> datetime:
    """When the run ended. A Job that we ended between two attempts ended later than the last of them."""
    job = context.job
    if not job.finished:
        return context.now
    ends = [attempt.completion_time for attempt in attempts if attempt.completion_time]
    return max(ends) if ends and job.reason not in ENDED_BY_US else job.finished_at or context.now


def _closed(attempts: tuple[Attempt, ...], phase: RunPhase) -> tuple[Attempt, ...]:
    """An attempt whose end was never seen ends as its run did."""
    return tuple(a if a.phase.final else a.model_copy(update={"phase": phase}) for a in attempts)


def _started(context: RunContext, attempts: tuple[Attempt, ...]) -> datetime | None:
    """From the pods: the Job's own startTime is reset whenever it is resumed."""
    known = [attempt.start_time for attempt in attempts if attempt.start_time]
    return min([*known, *([context.old.start_time] if context.old.start_time else [])], default=None)


def _length(started: datetime | None, done: datetime) -> dict[str, object]:
    if started is None:
        return {"completion_time": done}
    length = done - started
    return {
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


def final_conditions(
    old: Iterable[Condition] | None, phase: RunPhase, reason: str, message: str, now: datetime
) -> tuple[Condition, ...]:
    """For ``kubectl wait``: Finished is True in every final phase, Complete only on success."""
    findings = (
        Finding(names.Condition.COMPLETE, phase is RunPhase.SUCCEEDED, reason, message),
        Finding(names.Condition.FAILED, phase.failed, reason, message),
        Finding(names.Condition.FINISHED, True, reason, message),
    )
    return merge(old, findings, None, now)


def _agent_fields(result: AgentResult) -> dict[str, object]:
    """What the agent said of itself; nothing is overwritten by what it did not say."""
    reported = {field: getattr(result, of_result) for field, of_result in REPORTED.items()}
    return {field: value for field, value in reported.items() if value is not None}


def how_it_failed(pod: Pod, result: AgentResult) -> str:
    """The end of a failed pod, in words."""
    if pod.reason == names.DEADLINE_EXCEEDED:
        return "it took longer than timeoutSeconds allows"
    words = result.error.message if result.error else _last_line(result)
    if pod.reason or not pod.exit_code:
        how = f"The pod failed ({pod.reason or 'no reason given'}): {pod.message}".removesuffix(": ")
    else:
        because = f" ({pod.container_reason})" if pod.container_reason not in ("", "Error") else ""
        how = f"The agent exited with code {pod.exit_code}{because}"
    return f"{how}: {words}" if words else f"{how}."


def _last_line(result: AgentResult) -> str:
    text = result.output.content if result.output and result.output.content else ""
    return text.strip().rpartition("\n")[2]
