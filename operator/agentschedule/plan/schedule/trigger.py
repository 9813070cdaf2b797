"""Run now: who may start a run by hand, and one answer for each token of the trigger annotation. Called by
``plan.schedule``; ``plan.run`` asks ``refusal`` too.

The same token never starts a second run: handled tokens are remembered in the status, and the run's name is made from
the token, so that a crash between the run and the status write is harmless.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from agentschedule import names
from agentschedule.api.policies import ManualRuns
from agentschedule.api.run import ScheduleRun
from agentschedule.api.schedule import AgentSchedule, LastTrigger
from agentschedule.names import ConcurrencyPolicy, Reason, SchedulePhase, Trigger, TriggerOutcome, WhenInactive
from agentschedule.plan.actions import CreateRun, Event
from agentschedule.plan.cronjob_gate import active_entries
from agentschedule.plan.objects import build
from agentschedule.plan.observed import Observed, Unreadable
from agentschedule.plan.spec.overrides import Said, annotated, forbidden, invalid, said_by
from agentschedule.plan.spec.validate import Verdict

# Hashes of tokens that are remembered: a token that comes back after that many others is a new one.
REMEMBERED = 32


@dataclass(frozen=True)
class Refusal:
    """Why no run by hand may start now. Final: never kept for later."""

    reason: Reason
    message: str


@dataclass(frozen=True)
class TriggerStep:
    """Create the run that a token asks for, or say what became of the token."""

    action: CreateRun | None = None
    answer: LastTrigger | None = None
    handled: tuple[str, ...] = ()

    @property
    def event(self) -> Event | None:
        if self.answer is None:
            return None
        accepted = self.answer.outcome is TriggerOutcome.ACCEPTED
        reason = Reason.TRIGGER_ACCEPTED if accepted else Reason.TRIGGER_REJECTED
        return Event(not accepted, reason, f"{self.answer.reason}: {self.answer.message}")


def trigger_step(
    schedule: AgentSchedule | Unreadable, verdict: Verdict, observed: Observed, now: datetime
) -> TriggerStep | None:
    """What the trigger annotation asks for, or None if its token has had its answer."""
    token = schedule.metadata.annotations.get(names.ANNOTATION_TRIGGER)
    handled = (schedule.status.handled_triggers if schedule.status else None) or ()
    if token is None or names.short_hash(token) in handled:
        return None
    meta = schedule.metadata
    name = names.triggered_run_name(meta.name, meta.uid, token)
    run = observed.run_named(name)
    said = annotated(meta.annotations)
    no = _taken(schedule, run) if run else _present_at_creation(schedule) or _no(schedule, verdict, observed, said)
    if observed.answered(Reason.NAME_TAKEN, name):  # by a run of another schedule
        no = _name_taken(name)
    if not run and not no and isinstance(schedule, AgentSchedule):
        return TriggerStep(action=CreateRun(build.requested_run(schedule, token, said)))
    # A token that was overwritten before its answer was written has left its run: remember it too.
    started = (run.metadata.annotations.get(names.ANNOTATION_TOKEN) for run in _own(schedule, observed))
    remembered = dict.fromkeys((*handled, *filter(None, started), names.short_hash(token)))
    return TriggerStep(answer=_answer(token, now, name, no), handled=tuple(remembered)[-REMEMBERED:])


def _own(schedule: AgentSchedule | Unreadable, observed: Observed) -> list[ScheduleRun]:
    return [run for run in observed.runs if run.metadata.controller_uid() == schedule.metadata.uid]


def _answer(token: str, now: datetime, name: str, no: Refusal | None) -> LastTrigger:
    return LastTrigger(
        token=token[:253],
        time=now,
        outcome=TriggerOutcome.REJECTED if no else TriggerOutcome.ACCEPTED,
        reason=no.reason if no else Reason.ACCEPTED,
        message=no.message if no else f"Run {name} was created.",
        run=None if no else name,
    )


def _taken(schedule: AgentSchedule | Unreadable, run: ScheduleRun) -> Refusal | None:
    if run.metadata.controller_uid() == schedule.metadata.uid:
        return None
    return _name_taken(run.metadata.name)


def _name_taken(name: str) -> Refusal:
    return Refusal(Reason.NAME_TAKEN, f"A ScheduleRun {name} exists and is not this schedule's.")


def _present_at_creation(schedule: AgentSchedule | Unreadable) -> Refusal | None:
    if schedule.status and schedule.status.observed_generation is not None:
        return None
    return Refusal(
        Reason.PRESENT_AT_CREATION,
        "The annotation was there when the schedule was first seen, as after a restore, and starts nothing; "
        "write another value to run now.",
    )


def refusal(
    schedule: AgentSchedule | Unreadable, verdict: Verdict, observed: Observed, run: ScheduleRun | None = None
) -> Refusal | None:
    """Why a run by hand may not start now, or None if it may. ``observed`` is without the run in question."""
    return _no(schedule, verdict, observed, said_by(run.spec) if run else {})


def _no(schedule: AgentSchedule | Unreadable, verdict: Verdict, observed: Observed, said: Said) -> Refusal | None:
    if isinstance(schedule, Unreadable) or not verdict.accepted:
        return Refusal(Reason.SCHEDULE_INVALID, f"The schedule is not valid: {verdict.message}")
    # What is wrong with the request itself comes first: it is wrong at any other time, too.
    if wrong := _overrides(schedule, said):
        return wrong
    spec = schedule.spec
    if answer := observed.answered(Reason.RUN_REFUSED):
        return Refusal(Reason.RUN_REFUSED, f"The API refused the run: {answer.message}")
    if inactive := _inactive(schedule):
        return inactive
    if observed.cronjob is None or observed.cronjob.controller_uid != schedule.metadata.uid:
        return Refusal(Reason.SCHEDULE_NOT_READY, "The schedule has no CronJob of its own; see its Ready condition.")
    active = _active(observed)
    if spec.concurrency_policy is ConcurrencyPolicy.FORBID and active:
        return Refusal(
            Reason.ALREADY_RUNNING,
            f"{active} is still running, and concurrencyPolicy is Forbid; wait for its end, or set it to Allow.",
        )
    return None


def _overrides(schedule: AgentSchedule, said: Said) -> Refusal | None:
    if sentence := forbidden(schedule, said):
        return Refusal(Reason.OVERRIDE_NOT_ALLOWED, sentence)
    sentence = invalid(schedule, said)
    return Refusal(Reason.INVALID_OVERRIDE, sentence) if sentence else None


def _inactive(schedule: AgentSchedule) -> Refusal | None:
    spec = schedule.spec
    if (spec.manual_runs or ManualRuns()).when_inactive is WhenInactive.ALLOW:
        return None
    if schedule.status and schedule.status.phase is SchedulePhase.COMPLETED:
        return Refusal(
            Reason.SCHEDULE_COMPLETED,
            "The schedule is completed; give it a later endAt or runAt, or set manualRuns.whenInactive to Allow.",
        )
    if spec.suspend:
        because = f" ({spec.suspend_reason})" if spec.suspend_reason else ""
        return Refusal(
            Reason.SCHEDULE_SUSPENDED,
            f"The schedule is suspended{because}; resume it, or set manualRuns.whenInactive to Allow.",
        )
    return None


def _active(observed: Observed) -> str | None:
    """The name of something that is running, or about to."""
    if observed.unfinished:
        return f"Run {observed.unfinished[0].name}"
    if active_entries(observed):
        return "A run"
    return next((f"Run {run.metadata.name}" for run in observed.runs if _waits(run)), None)


def _waits(run: ScheduleRun) -> bool:
    """True for a manual run that this schedule has claimed and that has not ended."""
    return not run.final and run.spec.trigger is Trigger.MANUAL and bool(run.metadata.owner_references)
