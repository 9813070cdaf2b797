"""The record of a run: from what is seen, and the phase that follows from it, to its status. Called by ``plan.run``;
the words here are what users read.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from agentschedule import names
from agentschedule.api.base import Condition
from agentschedule.api.run import Attempt, RunError, ScheduleRunStatus
from agentschedule.names import Reason, RunPhase
from agentschedule.plan.conditions import Finding, merge
from agentschedule.plan.observed import Job, Pod
from agentschedule.plan.run.context import Case
from agentschedule.plan.run.decision import Step
from agentschedule.plan.run.result import AgentResult

MAX_MESSAGE = 1024
# Fields of the status that the agent says, and of its result.
SAID = {
    "status_code": "status_code",
    "agent_run_id": "run_id",
    "session_id": "session_id",
    "model": "model",
    "usage": "usage",
    "output": "output",
    "requirements": "requirements",
}
ENDED_BY_US = (Reason.CANCELLED, Reason.REPLACED, Reason.NEVER_STARTED)


def run_status(case: Case, phase: RunPhase, step: Step) -> ScheduleRunStatus:
    """The whole status; what is not known now stays as it was."""
    message = step.message and step.message[:MAX_MESSAGE]
    fields: dict[str, object] = {"phase": phase, "reason": step.reason, "message": message}
    fields |= {"triggered_at": case.old.triggered_at or case.run.metadata.creation_timestamp}
    if case.job:
        fields |= _of_job(case, case.job)
    if phase.final:
        fields |= _final(case, phase, step.reason or phase.value, message or "")
    return case.old.model_copy(update=fields)


def _of_job(case: Case, job: Job) -> dict[str, object]:
    last, by_hand = case.last, case.by_hand
    fields: dict[str, object] = {"job": job.name, "job_uid": job.uid, "input": job.input}
    fields |= {"triggered_at": case.run.metadata.creation_timestamp if by_hand else job.created}
    fields |= {"start_time": _started(case)}
    if case.attempts:
        fields |= {"attempts": case.attempts, "attempt": case.attempts[-1].attempt}
    if last:
        fields |= {"pod": last.name, "exit_code": last.exit_code}
    # What an earlier attempt said is not what this one says.
    forgotten = {} if last is None or last.name == case.old.pod else dict.fromkeys(SAID)
    return fields | forgotten | _agent_fields(case.result)


def _final(case: Case, phase: RunPhase, reason: str, message: str) -> dict[str, object]:
    job, done = case.job, case.now
    if job and job.finished:
        ends = [known.completion_time for known in case.attempts if known.completion_time]
        # A Job that we ended between two attempts ended later than the last of them.
        done = max(ends) if ends and job.reason not in ENDED_BY_US else job.finished_at or case.now
    fields = _length(_started(case), done)
    fields |= {"conditions": final_conditions(case.old.conditions, phase, reason, message, case.now)}
    if case.attempts:
        fields |= {"attempts": _closed(case.attempts, phase)}
    if phase.failed and job:
        fields |= {"error": case.result.error or RunError(code=reason, message=message)}
    return fields


def _closed(attempts: tuple[Attempt, ...], phase: RunPhase) -> tuple[Attempt, ...]:
    """An attempt whose end was never seen ends as its run did."""
    return tuple(a if a.phase.final else a.model_copy(update={"phase": phase}) for a in attempts)


def _started(case: Case) -> datetime | None:
    """From the pods: the Job's own startTime is reset whenever it is resumed."""
    known = [attempt.start_time for attempt in case.attempts if attempt.start_time]
    return min([*known, *([case.old.start_time] if case.old.start_time else [])], default=None)


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
    said = {field: getattr(result, of_result) for field, of_result in SAID.items()}
    return {field: value for field, value in said.items() if value is not None}


def how_it_failed(pod: Pod, result: AgentResult) -> str:
    """The end of a failed pod, in words."""
    if pod.reason == names.DEADLINE_EXCEEDED:
        return "it took longer than timeoutSeconds allows"
    said = result.error.message if result.error else _last_line(result)
    if pod.reason or not pod.exit_code:
        how = f"The pod failed ({pod.reason or 'no reason given'}): {pod.message}".removesuffix(": ")
    else:
        because = f" ({pod.container_reason})" if pod.container_reason not in ("", "Error") else ""
        how = f"The agent exited with code {pod.exit_code}{because}"
    return f"{how}: {said}" if said else f"{how}."


def _last_line(result: AgentResult) -> str:
    text = result.output.content if result.output and result.output.content else ""
    return text.strip().rpartition("\n")[2]
