"""What to do about one AgentSchedule, step by step, until there is nothing left to do.

One step's actions are carried out, the world is observed anew, and the next step is planned: no step depends on what
an earlier one remembered, so that the operator may die between any two calls.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from agentschedule import child_names, names
from agentschedule.api.schedule import AgentSchedule, AgentScheduleStatus
from agentschedule.names import Reason
from agentschedule.plan.actions import Action, AskWhyMissed, Event, Plan
from agentschedule.plan.answers import CronJobRefused, JobRefused, MissReason, RunRefused
from agentschedule.plan.cronjob_gate import CONTROLLER_GRACE
from agentschedule.plan.observed import CronJob, Observed, Unreadable
from agentschedule.plan.schedule.context import ScheduleContext
from agentschedule.plan.schedule.cronjob import CronJobDecision, decide_cronjob
from agentschedule.plan.schedule.ledger import Closed
from agentschedule.plan.schedule.records import expired, missing_records
from agentschedule.plan.schedule.status import Findings, schedule_status, session_moved
from agentschedule.plan.schedule.trigger import TriggerDecision, decide_trigger
from agentschedule.plan.spec.validate import validate, with_refusal

SchedulePlan = Plan[AgentScheduleStatus]
# How often to look whether what the user must mend outside of the schedule is mended: a taken name, a refusing policy.
LOOK_AGAIN = timedelta(seconds=60)
REFUSALS = (CronJobRefused, JobRefused, RunRefused)


def plan_schedule(
    schedule: AgentSchedule | Unreadable, observed: Observed, now: datetime, failing: bool = False
) -> SchedulePlan:
    """The next step for a schedule: actions; or, when none are left, its status. With ``failing``, an internal error
    that the status tells of stays told: not all has gone well since."""
    if schedule.metadata.deletion_timestamp:
        return SchedulePlan()
    context = ScheduleContext(schedule, validate(schedule), observed, now, failing)
    step = decide_cronjob(context)
    if step.actions:
        return SchedulePlan(step.actions, events=step.events)
    refused = observed.answer(CronJobRefused, schedule.metadata.name)
    validation = with_refusal(context.validation, refused.message if refused else None)
    trigger = decide_trigger(schedule, validation, observed, now)
    closed = context.close(final=step.close_ledger)
    if question := _question(closed, context.own, observed):
        return SchedulePlan((question,))
    closed = _explained(closed, context.own, observed)
    if actions := _bookkeeping(schedule, observed, trigger, closed):
        return SchedulePlan(actions)
    found = Findings(context, closed, trigger, step.behind)
    status = schedule_status(schedule, found)
    return SchedulePlan(
        status=status,
        events=(*_events(schedule, status, closed), *([trigger.event] if trigger and trigger.event else [])),
        requeue_at=_requeue_at(found, step, status),
        # The session of the last run is part of the CronJob, where the next one is to continue it.
        replan=step.close_ledger or _has_expired(schedule, status, observed, closed) or session_moved(schedule, status),
    )


def _question(closed: Closed, cronjob: CronJob | None, observed: Observed) -> AskWhyMissed | None:
    """What to ask before a due time is called missed, if it was not asked yet."""
    missed = closed.last_missed
    if missed is None or cronjob is None or _why_missed(cronjob, missed.scheduled_time, observed):
        return None
    return AskWhyMissed(cronjob, missed.scheduled_time)


def _why_missed(cronjob: CronJob, due: datetime, observed: Observed) -> JobRefused | MissReason | None:
    """What is known of it: from our own try, or from the controller's events."""
    own_try = observed.answer(JobRefused, child_names.scheduled_job_name(cronjob.name, due))
    return own_try or observed.answer(MissReason, cronjob.uid)


def _explained(closed: Closed, cronjob: CronJob | None, observed: Observed) -> Closed:
    """The closing, with why the last one was missed, as far as the CronJob's events tell."""
    if closed.last_missed is None or cronjob is None:
        return closed
    answer = _why_missed(cronjob, closed.last_missed.scheduled_time, observed)
    if answer is None or not answer.message:
        return closed
    told = {"reason": Reason.JOB_CREATION_FAILED, "message": f"Kubernetes could not create its Job: {answer.message}"}
    return replace(closed, last_missed=closed.last_missed.model_copy(update=told))


def _bookkeeping(
    schedule: AgentSchedule | Unreadable, observed: Observed, trigger: TriggerDecision | None, closed: Closed
) -> tuple[Action, ...]:
    """Records to make and to remove. Nothing goes before all due times are decided, and counted in the status: an ended
    run may be why one was skipped."""
    actions: list[Action] = [trigger.action] if trigger and trigger.action else []
    if isinstance(schedule, AgentSchedule):
        # What goes first makes room for what comes, where there is a quota.
        actions += expired(schedule, observed) if closed.again_at is None and not closed.fates else []
        actions += [] if observed.answers_of(RunRefused) else missing_records(schedule, observed)
    return tuple(actions)


def _has_expired(
    schedule: AgentSchedule | Unreadable, status: AgentScheduleStatus, observed: Observed, closed: Closed
) -> bool:
    """True if what this status is the first to count is beyond ``history``: no event would bring us back for it."""
    if isinstance(schedule, Unreadable) or closed.again_at is not None:
        return False
    return bool(expired(schedule.model_copy(update={"status": status}), observed))


def _requeue_at(found: Findings, step: CronJobDecision, status: AgentScheduleStatus) -> datetime | None:
    """The heap's moment: the next due time has passed, the window opens, the ledger can go on, or a wait is over."""
    context = found.context
    due = datetime.fromisoformat(status.next_run_time) + CONTROLLER_GRACE if status.next_run_time else None
    opens = context.validation.timing.start if context.validation.timing else None
    opens = opens if opens and opens > context.now else None
    refused = any(isinstance(answer, REFUSALS) for answer in context.observed.answers)
    stuck = refused or (context.observed.cronjob and not context.own)
    closes = context.last_call if context.last_call and context.last_call > context.now else None
    moments = [due, opens, closes, found.closed.again_at, step.wait_until, context.now + LOOK_AGAIN if stuck else None]
    return min((moment for moment in moments if moment), default=None)


def _events(schedule: AgentSchedule | Unreadable, status: AgentScheduleStatus, closed: Closed) -> tuple[Event, ...]:
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
