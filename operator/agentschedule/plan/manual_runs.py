"""Who may start a run by hand: the same answer for a trigger annotation and for a ScheduleRun that a person made."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime

from agentschedule.api.policies import ManualRuns
from agentschedule.api.run import ScheduleRun
from agentschedule.api.schedule import AgentSchedule
from agentschedule.names import Reason, SchedulePhase, Trigger, WhenInactive
from agentschedule.plan.concurrency import active_entries, rejects_manual_runs
from agentschedule.plan.indexed import Indexed
from agentschedule.plan.observed import FaultyRun, Observed, Unreadable
from agentschedule.plan.ownership import claimed_job_uid
from agentschedule.plan.spec.overrides import Overrides, forbidden, invalid
from agentschedule.plan.spec.validate import Validation

EVER = datetime(1970, 1, 1, tzinfo=UTC)


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
    sentence = invalid(overrides)
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
    return next((f"Run {run.metadata.name}" for run in observed.runs if is_open(run)), None)


def is_open(run: ScheduleRun) -> bool:
    """True for a manual run that the schedule has claimed and that has not ended."""
    return not run.final and run.spec.trigger is Trigger.MANUAL and bool(run.metadata.owner_references)


def waits(run: ScheduleRun) -> bool:
    """True for a manual run that has no Job yet, and may come to have one."""
    ready = not isinstance(run, FaultyRun) and not run.spec.cancel
    return ready and is_open(run) and claimed_job_uid(run) is None


def may_be_open(observed: Observed, schedule_uid: str) -> tuple[ScheduleRun, ...]:
    """The open manual runs of a schedule, as many as may be, the oldest first; what has been told to wait stays."""
    return observed.found_runs.once(_queues).get(schedule_uid, ())[: observed.open_runs]


def too_many_open(observed: Observed, schedule_uid: str | None, run: ScheduleRun | None = None) -> Rejection | None:
    """Why no more manual runs of the schedule may be open; of one that is: why it is none of those that may."""
    before = len(observed.found_runs.once(_queues).get(schedule_uid, ()))
    if run is not None:
        before = observed.found_runs.once(_places).get(run.metadata.uid, before)
    if before < observed.open_runs:
        return None
    return Rejection(
        Reason.TOO_MANY_OPEN_RUNS,
        f"The schedule has as many manual runs that have not ended as it may have ({observed.open_runs}); wait until "
        "one ends, or cancel some: kubectl agentschedule cancel RUN.",
    )


def _queues(runs: Indexed[ScheduleRun]) -> dict[str | None, tuple[ScheduleRun, ...]]:
    """The open manual runs of each schedule, the oldest first."""
    found: dict[str | None, list[ScheduleRun]] = defaultdict(list)
    for run in sorted(filter(is_open, runs), key=_order):
        found[run.metadata.controller_uid()].append(run)
    return {uid: tuple(queue) for uid, queue in found.items()}


def _places(runs: Indexed[ScheduleRun]) -> dict[str, int]:
    """How many come before each of them."""
    return {run.metadata.uid: place for queue in runs.once(_queues).values() for place, run in enumerate(queue)}


def _order(run: ScheduleRun) -> tuple[bool, datetime, str]:
    begun = run.status is not None and run.status.phase is not None
    return not begun, run.metadata.creation_timestamp or EVER, run.metadata.name
