"""What to do about one AgentSchedule. Called by ``handlers``, step by step, until there is nothing left to do.

One step's actions are carried out, the world is observed anew, and the next step is planned: no step depends on what
an earlier one remembered, so that the operator may die between any two calls.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from agentschedule import names
from agentschedule.api.schedule import AgentSchedule, AgentScheduleStatus
from agentschedule.names import Reason
from agentschedule.plan.actions import Action, AskWhyMissed, Event, Plan
from agentschedule.plan.cronjob_gate import PATIENCE
from agentschedule.plan.observed import Answer, Observed, Unreadable
from agentschedule.plan.schedule.cronjob import CronJobStep, Situation, cronjob_step
from agentschedule.plan.schedule.ledger import Closed
from agentschedule.plan.schedule.records import expired, missing_records
from agentschedule.plan.schedule.status import Findings, schedule_status, session_moved
from agentschedule.plan.schedule.trigger import TriggerStep, trigger_step
from agentschedule.plan.spec.validate import examine, with_refusal

SchedulePlan = Plan[AgentScheduleStatus]
# How often to look whether what the user must mend outside of the schedule is mended: a taken name, a refusing policy.
LOOK_AGAIN = timedelta(seconds=60)
REFUSALS = (Reason.CRONJOB_REFUSED, Reason.JOB_REFUSED, Reason.RUN_REFUSED)


def plan_schedule(schedule: AgentSchedule | Unreadable, observed: Observed, now: datetime) -> SchedulePlan:
    """The next step for a schedule: actions; or, when none are left, its status."""
    if schedule.metadata.deletion_timestamp:
        return SchedulePlan()
    case = Situation(schedule, examine(schedule), observed, now)
    step = cronjob_step(case)
    if step.actions:
        return SchedulePlan(step.actions, events=step.events)
    no = observed.answered(Reason.CRONJOB_REFUSED)
    trigger = trigger_step(schedule, with_refusal(case.verdict, no.message if no else None), observed, now)
    closed = case.close(final=step.close_ledger)
    if closed.last_missed and case.own and _why_missed(observed) is None:
        return SchedulePlan((AskWhyMissed(case.own, closed.last_missed.scheduled_time),))
    closed = _explained(closed, observed)
    if actions := _bookkeeping(schedule, observed, trigger, closed):
        return SchedulePlan(actions)
    found = Findings(case, closed, trigger, step.behind)
    status = schedule_status(schedule, found)
    return SchedulePlan(
        status=status,
        events=(*_news(schedule, status, closed), *([trigger.event] if trigger and trigger.event else [])),
        requeue_at=_requeue_at(found, step, status),
        # The session of the last run is part of the CronJob, where the next one is to continue it.
        again=step.close_ledger or _has_expired(schedule, status, observed, closed) or session_moved(schedule, status),
    )


def _why_missed(observed: Observed) -> Answer | None:
    """What is known of it: from our own try, or from the controller's events."""
    return observed.answered(Reason.JOB_REFUSED) or observed.answered(Reason.JOB_CREATION_FAILED)


def _explained(closed: Closed, observed: Observed) -> Closed:
    """The closing, with why the last one was missed, as far as the CronJob's events tell."""
    answer = _why_missed(observed)
    if closed.last_missed is None or answer is None or not answer.message:
        return closed
    told = {"reason": Reason.JOB_CREATION_FAILED, "message": f"Kubernetes could not create its Job: {answer.message}"}
    return replace(closed, last_missed=closed.last_missed.model_copy(update=told))


def _bookkeeping(
    schedule: AgentSchedule | Unreadable, observed: Observed, trigger: TriggerStep | None, closed: Closed
) -> tuple[Action, ...]:
    """Records to make and to remove. Nothing goes before all due times are decided, and counted in the status: an ended
    run may be why one was skipped."""
    actions: list[Action] = [trigger.action] if trigger and trigger.action else []
    if isinstance(schedule, AgentSchedule):
        # What goes first makes room for what comes, where there is a quota.
        actions += expired(schedule, observed) if closed.again_at is None and not closed.fates else []
        actions += [] if observed.answered(Reason.RUN_REFUSED) else missing_records(schedule, observed)
    return tuple(actions)


def _has_expired(
    schedule: AgentSchedule | Unreadable, status: AgentScheduleStatus, observed: Observed, closed: Closed
) -> bool:
    """True if what this status is the first to count is beyond ``history``: no news would bring us back for it."""
    if isinstance(schedule, Unreadable) or closed.again_at is not None:
        return False
    return bool(expired(schedule.model_copy(update={"status": status}), observed))


def _requeue_at(found: Findings, step: CronJobStep, status: AgentScheduleStatus) -> datetime | None:
    """The heap's moment: the next due time has passed, the window opens, the ledger can go on, or a wait is over."""
    case = found.case
    due = datetime.fromisoformat(status.next_run_time) + PATIENCE if status.next_run_time else None
    opens = case.verdict.timing.start if case.verdict.timing else None
    opens = opens if opens and opens > case.now else None
    refused = any(case.observed.answered(reason) for reason in REFUSALS)
    stuck = refused or (case.observed.cronjob and not case.own)
    closes = case.last_call if case.last_call and case.last_call > case.now else None
    moments = [due, opens, closes, found.closed.again_at, step.wait_until, case.now + LOOK_AGAIN if stuck else None]
    return min((moment for moment in moments if moment), default=None)


def _news(schedule: AgentSchedule | Unreadable, status: AgentScheduleStatus, closed: Closed) -> tuple[Event, ...]:
    """An event for each thing that a person should hear of, once."""
    before = {c.type: (c.status, c.reason, c.message) for c in (schedule.status and schedule.status.conditions) or ()}
    turned = [c for c in status.conditions or () if before.get(c.type) != (c.status, c.reason, c.message)]
    events = [
        Event(True, condition.reason, condition.message)
        for condition in turned
        if condition.status == "False" and condition.type in (names.Condition.ACCEPTED, names.Condition.READY)
    ]
    if closed.missed and closed.last_missed:
        last = closed.last_missed
        more = f" and {closed.missed - 1} before it" if closed.missed > 1 else ""
        at = last.wire()["scheduledTime"]
        events.append(Event(True, Reason.RUN_MISSED, f"The run due at {at}{more} was missed: {last.message}"))
    return tuple(events)
