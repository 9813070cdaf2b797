"""Who may start a run by hand: the same answer for a trigger annotation and for a ScheduleRun that a person made."""

from __future__ import annotations

from dataclasses import dataclass

from agentschedule.api.policies import ManualRuns
from agentschedule.api.run import ScheduleRun
from agentschedule.api.schedule import AgentSchedule
from agentschedule.names import Reason, SchedulePhase, Trigger, WhenInactive
from agentschedule.plan.concurrency import active_entries, rejects_manual_runs
from agentschedule.plan.observed import Observed, Unreadable
from agentschedule.plan.spec.overrides import Overrides, forbidden, invalid
from agentschedule.plan.spec.validate import Validation


@dataclass(frozen=True)
class Rejection:
    """Why no manual run may start now. Final: a request is never kept for later."""

    reason: Reason
    message: str


def rejection(
    schedule: AgentSchedule | Unreadable, validation: Validation, observed: Observed, overrides: Overrides
) -> Rejection | None:
    """Why a manual run with these overrides may not start now, or None if it may. ``observed`` is without the run in
    question, if that exists."""
    if isinstance(schedule, Unreadable) or not validation.accepted:
        return Rejection(Reason.SCHEDULE_INVALID, f"The schedule is not valid: {validation.message}")
    # What is wrong with the request itself comes first: it is wrong at any other time, too.
    return (
        _overrides(schedule, overrides)
        or _inactive(schedule)
        or _no_cronjob(schedule, observed)
        or _active(schedule, observed)
    )


def _overrides(schedule: AgentSchedule, overrides: Overrides) -> Rejection | None:
    if sentence := forbidden(schedule, overrides):
        return Rejection(Reason.OVERRIDE_NOT_ALLOWED, sentence)
    sentence = invalid(schedule, overrides)
    return Rejection(Reason.INVALID_OVERRIDE, sentence) if sentence else None


def _inactive(schedule: AgentSchedule) -> Rejection | None:
    spec = schedule.spec
    if (spec.manual_runs or ManualRuns()).when_inactive is WhenInactive.ALLOW:
        return None
    if schedule.status and schedule.status.phase is SchedulePhase.COMPLETED:
        return Rejection(
            Reason.SCHEDULE_COMPLETED,
            "The schedule is completed; give it a later endAt or runAt, or set manualRuns.whenInactive to Allow.",
        )
    if spec.suspend:
        because = f" ({spec.suspend_reason})" if spec.suspend_reason else ""
        return Rejection(
            Reason.SCHEDULE_SUSPENDED,
            f"The schedule is suspended{because}; resume it, or set manualRuns.whenInactive to Allow.",
        )
    return None


def _no_cronjob(schedule: AgentSchedule, observed: Observed) -> Rejection | None:
    if observed.cronjob and observed.cronjob.controller_uid == schedule.metadata.uid:
        return None
    return Rejection(Reason.SCHEDULE_NOT_READY, "The schedule has no CronJob of its own; see its Ready condition.")


def _active(schedule: AgentSchedule, observed: Observed) -> Rejection | None:
    active = _active_run(observed) if rejects_manual_runs(schedule.spec.concurrency_policy) else None
    if active is None:
        return None
    return Rejection(
        Reason.ALREADY_RUNNING,
        f"{active} is still running, and concurrencyPolicy is Forbid; wait for its end, or set it to Allow.",
    )


def _active_run(observed: Observed) -> str | None:
    """The name of something that is running, or about to."""
    if observed.unfinished:
        return f"Run {observed.unfinished[0].name}"
    if active_entries(observed):
        return "A run"
    return next((f"Run {run.metadata.name}" for run in observed.runs if _is_about_to_start(run)), None)


def _is_about_to_start(run: ScheduleRun) -> bool:
    """True for a manual run that the schedule has claimed and that has not ended."""
    return not run.final and run.spec.trigger is Trigger.MANUAL and bool(run.metadata.owner_references)
