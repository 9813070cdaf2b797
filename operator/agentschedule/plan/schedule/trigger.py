"""Run now: one answer for each token of the trigger annotation.

The same token never starts a second run: handled tokens are remembered in the status, and the run's name is made from
the token, so that a crash between the run and the status write is harmless.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from agentschedule import child_names, names
from agentschedule.api.schedule import AgentSchedule, LastTrigger
from agentschedule.names import Reason, TriggerOutcome
from agentschedule.plan.actions import CreateRun, Event
from agentschedule.plan.answers import RunNameTaken, RunRefused
from agentschedule.plan.manual_runs import Rejection, rejection, too_many_open
from agentschedule.plan.objects import build
from agentschedule.plan.observed import Observed, Unreadable
from agentschedule.plan.ownership import own_runs
from agentschedule.plan.spec.overrides import annotated_overrides
from agentschedule.plan.spec.validate import Validation

# Hashes of tokens that are remembered: a token that comes back after that many others is a new one.
REMEMBERED = 32
# How much of a token its answer repeats, in characters.
MAX_TOKEN = 253


@dataclass(frozen=True)
class TriggerDecision:
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


def decide_trigger(
    schedule: AgentSchedule | Unreadable, validation: Validation, observed: Observed, now: datetime
) -> TriggerDecision | None:
    """What the trigger annotation asks for, or None if its token has had its answer."""
    meta = schedule.metadata
    token = meta.annotations.get(names.ANNOTATION_TRIGGER)
    handled = (schedule.status.handled_triggers if schedule.status else None) or ()
    if token is None or child_names.short_hash(token) in handled:
        return None
    name, overrides = child_names.triggered_run_name(meta.name, meta.uid, token), annotated_overrides(meta.annotations)
    run = observed.run_named(name)
    if run:
        rejected = None if run.metadata.controller_uid() == meta.uid else _name_taken(name)
    else:
        rejected = (
            _refused(name, observed)
            or _present_at_creation(schedule)
            or rejection(schedule, validation, observed, overrides)
            or too_many_open(observed, meta.uid)
        )
        if not rejected and isinstance(schedule, AgentSchedule):
            return TriggerDecision(action=CreateRun(build.requested_run(schedule, token, overrides)))
    return TriggerDecision(answer=_answer(token, now, name, rejected), handled=_handled(schedule, observed, token))


def _handled(schedule: AgentSchedule | Unreadable, observed: Observed, token: str) -> tuple[str, ...]:
    """The tokens that are handled now. One that was overwritten before its answer was written has left its run."""
    handled = (schedule.status.handled_triggers if schedule.status else None) or ()
    started = (run.metadata.annotations.get(names.ANNOTATION_TOKEN) for run in own_runs(schedule, observed))
    return tuple(dict.fromkeys((*handled, *filter(None, started), child_names.short_hash(token))))[-REMEMBERED:]


def _answer(token: str, now: datetime, name: str, rejected: Rejection | None) -> LastTrigger:
    return LastTrigger(
        token=token[:MAX_TOKEN],
        time=now,
        outcome=TriggerOutcome.REJECTED if rejected else TriggerOutcome.ACCEPTED,
        reason=rejected.reason if rejected else Reason.ACCEPTED,
        message=rejected.message if rejected else f"Run {name} was created.",
        run=None if rejected else name,
    )


def _refused(name: str, observed: Observed) -> Rejection | None:
    """What the API has just said against the run."""
    if observed.answer(RunNameTaken, name):
        return _name_taken(name)
    refused = observed.answer(RunRefused, name)
    return Rejection(Reason.RUN_REFUSED, f"The API refused the run: {refused.message}") if refused else None


def _name_taken(name: str) -> Rejection:
    return Rejection(Reason.NAME_TAKEN, f"A ScheduleRun {name} exists and is not this schedule's.")


def _present_at_creation(schedule: AgentSchedule | Unreadable) -> Rejection | None:
    if schedule.status and schedule.status.observed_generation is not None:
        return None
    return Rejection(
        Reason.PRESENT_AT_CREATION,
        "The annotation was there when the schedule was first seen, as after a restore, and starts nothing; "
        "write another value to run now.",
    )
