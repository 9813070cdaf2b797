"""The status of an AgentSchedule, whole, from one pure function."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from agentschedule import names
from agentschedule.api.base import rfc3339
from agentschedule.api.run import ScheduleRun
from agentschedule.api.schedule import AgentSchedule, AgentScheduleStatus, Counts, RunSummary
from agentschedule.names import Reason, RunPhase, SchedulePhase, Trigger
from agentschedule.plan.answers import CronJobRefused, RunRefused
from agentschedule.plan.conditions import Finding, internal_error_of, merge
from agentschedule.plan.objects.pod import session_id
from agentschedule.plan.observed import Observed, Unreadable
from agentschedule.plan.ownership import count_key, is_name_taken, own_runs
from agentschedule.plan.schedule.advisories import warnings
from agentschedule.plan.schedule.context import ScheduleContext
from agentschedule.plan.schedule.ledger import Closed
from agentschedule.plan.schedule.records import ended_at
from agentschedule.plan.schedule.trigger import TriggerDecision
from agentschedule.plan.spec.validate import Validation

UPCOMING = 5
# Of active runs: with Allow there may be any number.
MOST_NAMES = 100


@dataclass(frozen=True)
class Findings:
    """All that one reconcile found out about a schedule."""

    context: ScheduleContext
    closed: Closed
    trigger: TriggerDecision | None
    behind: bool = False  # the CronJob still waits for the terms of this spec

    @property
    def validation(self) -> Validation:
        return self.context.validation

    @property
    def observed(self) -> Observed:
        return self.context.observed

    @property
    def now(self) -> datetime:
        return self.context.now


def schedule_status(schedule: AgentSchedule | Unreadable, found: Findings) -> AgentScheduleStatus:
    """The whole status that ``found`` makes; equal to the old one when nothing has changed."""
    old = schedule.status or AgentScheduleStatus()
    fields = _timing(found, old) | _runs(schedule, found, old) | _trigger(found)
    generation = old.observed_generation if found.behind else schedule.metadata.generation
    fields |= {"observed_generation": generation, "phase": _phase(schedule, found)}
    status = old.model_copy(update=fields)
    findings = [*_health(schedule, found), *_last_run(status.last_run), *_warnings(schedule, found)]
    return status.model_copy(update={"conditions": merge(old.conditions, findings, generation, found.now)})


def _phase(schedule: AgentSchedule | Unreadable, found: Findings) -> SchedulePhase:
    timing = found.validation.timing
    if (
        isinstance(schedule, Unreadable)
        or timing is None
        or found.observed.answer(CronJobRefused, schedule.metadata.name)
    ):
        return SchedulePhase.INVALID
    if found.context.over:
        return SchedulePhase.COMPLETED
    if schedule.spec.suspend:
        return SchedulePhase.SUSPENDED
    return SchedulePhase.PENDING if timing.start and found.now < timing.start else SchedulePhase.ACTIVE


def _health(schedule: AgentSchedule | Unreadable, found: Findings) -> Iterator[Finding]:
    accepted, reason, message = _acceptance(schedule, found)
    yield Finding(names.Condition.ACCEPTED, accepted, reason, message)
    ready, why, sentence = _readiness(schedule, found, accepted)
    yield Finding(names.Condition.READY, ready, reason if not accepted else why, sentence)
    stuck = not accepted or why is Reason.CRONJOB_NAME_TAKEN
    stalled = Finding(names.Condition.STALLED, stuck, (why if accepted else reason) if stuck else Reason.AS_EXPECTED)
    before = schedule.status.conditions if schedule.status else None
    yield (internal_error_of(before) if found.context.failing else None) or stalled


def _acceptance(schedule: AgentSchedule | Unreadable, found: Findings) -> tuple[bool, str, str]:
    if not found.validation.accepted:
        return False, found.validation.reason, found.validation.message
    if answer := found.observed.answer(CronJobRefused, schedule.metadata.name):
        return False, Reason.CRONJOB_REFUSED, answer.message
    return True, Reason.ACCEPTED, found.validation.message


def _readiness(schedule: AgentSchedule | Unreadable, found: Findings, accepted: bool) -> tuple[bool, Reason, str]:
    cronjob = found.observed.cronjob
    if is_name_taken(schedule, found.observed):
        return (
            False,
            Reason.CRONJOB_NAME_TAKEN,
            (
                f"A CronJob {schedule.metadata.name} exists that is not this schedule's, and is left alone; "
                "rename one of the two."
            ),
        )
    if not accepted:
        goes_on = "the former CronJob goes on as it was" if cronjob else "nothing runs"
        return False, Reason.INVALID_SPEC, f"The spec is not accepted; {goes_on}."
    if cronjob is None:
        return False, Reason.PROGRESSING, "The CronJob is being made."
    if found.context.over:
        return True, Reason.COMPLETED, "Completed: nothing is due any more."
    if isinstance(schedule, AgentSchedule) and schedule.spec.suspend:
        return True, Reason.SUSPENDED, schedule.spec.suspend_reason or "Suspended: no scheduled runs."
    return True, Reason.SCHEDULED, f"CronJob {cronjob.name} starts the scheduled runs."


def _warnings(schedule: AgentSchedule | Unreadable, found: Findings) -> Iterator[Finding]:
    if refused := found.observed.answers_of(RunRefused):
        message = f"Runs cannot be recorded: {refused[0].message}"
        yield Finding(names.Condition.WARNING, True, Reason.RUN_REFUSED, message)
        return
    timing = found.validation.timing
    if timing is None or isinstance(schedule, Unreadable):
        return
    if advisories := warnings(schedule.spec, timing, found.now):
        yield Finding(
            names.Condition.WARNING, True, advisories[0].reason, " ".join(item.message for item in advisories)
        )


def _last_run(last: RunSummary | None) -> Iterator[Finding]:
    if last is not None:
        good = last.phase is RunPhase.SUCCEEDED
        reason = last.phase.value
        yield Finding(names.Condition.LAST_RUN_SUCCEEDED, good, reason, f"Run {last.name}: {reason}.")


def _timing(found: Findings, old: AgentScheduleStatus) -> dict[str, object]:
    """When it runs, and what the ledger says."""
    own, closed, timing = found.context.own, found.closed, found.validation.timing
    coming = upcoming(found) if own and not own.suspend else ()
    return {
        "cron_job": own.name if own else None,
        "resolved_schedule": own.schedule if own else None,
        "display_schedule": timing.display if timing else old.display_schedule,
        "effective_from": own.effective_from if own else None,
        "next_run_times": coming or None,
        "next_run_time": coming[0] if coming else None,
        "last_run_time": latest(old.last_run_time, closed.last_started),
        "last_missed": closed.last_missed or old.last_missed,
        "accounted_through": latest(old.accounted_through, closed.through),
    }


def latest(*moments: datetime | None) -> datetime | None:
    """The latest of the moments that are known."""
    return max((moment for moment in moments if moment), default=None)


def upcoming(found: Findings) -> tuple[str, ...]:
    """The next due times on the cluster, RFC 3339: counted as the controller does, within the window."""
    live, own, timing = found.context.live, found.context.own, found.validation.timing
    if live is None or own is None:
        return ()
    coming = live.coming(own.counted_from, found.now, timing.end if timing else None)
    return tuple(rfc3339(due) for due in islice(coming, UPCOMING))


def _runs(schedule: AgentSchedule | Unreadable, found: Findings, old: AgentScheduleStatus) -> dict[str, object]:
    """What ran. Each run that has ended is counted once: in the write that also remembers it."""
    own = list(own_runs(schedule, found.observed))
    counted = dict.fromkeys(old.counted_runs or ())
    new = sorted((run for run in own if run.final and count_key(run) not in counted), key=ended_at)
    still = {count_key(run) for run in own} | {job.uid for job in found.observed.controlled}
    active = tuple(sorted(_active_names(own, found.observed, set(counted))))
    fields: dict[str, object] = {
        "active_runs": active[:MOST_NAMES] or None,
        "active": len(active),
        "counts": _counted(found.closed.added_to(old.counts or Counts()), new),
        "counted_runs": (*(key for key in counted if key in still), *map(count_key, new)) or None,
    }
    failures = old.consecutive_failures
    for run in new:
        failures = _failures(run, failures)
        fields |= _outcome(run) | {"consecutive_failures": failures}
    return fields


def _active_names(own: list[ScheduleRun], observed: Observed, counted: set[str]) -> set[str]:
    """Runs that have not ended, and Jobs whose record says nothing yet: a Job is active from the start."""
    recorded = {count_key(run) for run in own if run.status} | counted
    waiting = {run.metadata.name for run in own if not run.final and (run.spec.trigger is Trigger.MANUAL or run.status)}
    return waiting | {job.name for job in observed.unfinished if job.uid not in recorded}


def _counted(counts: Counts, new: list[ScheduleRun]) -> Counts:
    phases = [run.status.phase for run in new if run.status and run.status.phase]
    manual = [run for run in new if run.spec.trigger is Trigger.MANUAL and run.status and run.status.job_uid]
    return counts.model_copy(
        update={
            "succeeded": counts.succeeded + phases.count(RunPhase.SUCCEEDED),
            "failed": counts.failed + sum(phase.failed for phase in phases),
            "manual": counts.manual + len(manual),
        }
    )


def _failures(run: ScheduleRun, before: int) -> int:
    """Failures since the last success, with this run."""
    phase = run.status.phase if run.status else None
    if phase is RunPhase.SUCCEEDED:
        return 0
    return before + 1 if phase and phase.failed else before


def _outcome(run: ScheduleRun) -> dict[str, object]:
    """The fields that one more ended run changes."""
    status = run.status
    if status is None or status.phase in (None, RunPhase.SKIPPED):
        return {}
    summary = RunSummary(
        name=run.metadata.name,
        phase=status.phase,
        trigger=run.spec.trigger,
        scheduled_time=run.spec.scheduled_time,
        start_time=status.start_time,
        completion_time=status.completion_time,
        duration_seconds=status.duration_seconds,
    )
    fields: dict[str, object] = {"last_run": summary}
    if status.session_id:  # in all modes: a schedule that turns to Continue goes on from here
        fields["last_session_id"] = status.session_id
    if status.phase is RunPhase.SUCCEEDED:
        return fields | {"last_successful_time": status.completion_time}
    return fields | ({"last_failure_time": status.completion_time} if status.phase.failed else {})


def session_moved(schedule: AgentSchedule | Unreadable, status: AgentScheduleStatus) -> bool:
    """True if, with this status, the CronJob is to hand on another session: no event would bring us back for it."""
    if isinstance(schedule, Unreadable):
        return False
    return session_id(schedule) != session_id(schedule.model_copy(update={"status": status}))


def _trigger(found: Findings) -> dict[str, object]:
    step = found.trigger
    return {"last_trigger": step.answer, "handled_triggers": step.handled} if step and step.answer else {}
