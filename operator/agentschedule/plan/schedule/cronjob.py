"""What a schedule's CronJob needs now: made, put right, or left alone; written by the rules of the gate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from agentschedule import names
from agentschedule.api.schedule import AgentSchedule
from agentschedule.names import Reason
from agentschedule.plan.actions import Action, CreateCronJob, Event, UpdateCronJob
from agentschedule.plan.answers import CronJobRefused
from agentschedule.plan.concurrency import blocks_due_times
from agentschedule.plan.cron import Cron
from agentschedule.plan.cronjob_gate import QUIET, assist, gate, in_flight, next_due, quiet_until, repair
from agentschedule.plan.objects import build
from agentschedule.plan.observed import CronJob
from agentschedule.plan.schedule.context import ScheduleContext
from agentschedule.plan.spec.timing import Timing

A_MOMENT = timedelta(seconds=1)
# A mark this far ahead is no matter of two clocks.
CLOCK_SKEW = timedelta(minutes=5)
# Before any due time.
EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class CronJobDecision:
    """What the CronJob needs now: actions, or the ledger closed before it changes, or to wait."""

    actions: tuple[Action, ...] = ()
    events: tuple[Event, ...] = ()
    close_ledger: bool = False
    wait_until: datetime | None = None
    behind: bool = False  # the CronJob is not yet as the spec says


def decide_cronjob(context: ScheduleContext) -> CronJobDecision:
    """Create the CronJob, or put it right."""
    cronjob, live = context.observed.cronjob, context.live
    if cronjob is not None and context.own is None:
        return CronJobDecision()
    if cronjob is not None and cronjob.deleting:  # a write would take its finalizers; it is made anew when it is gone
        return CronJobDecision(wait_until=context.now + A_MOMENT, behind=True)
    wanted = _wanted(context)
    if cronjob is None:
        return CronJobDecision((CreateCronJob(_new(context, wanted)),)) if wanted else CronJobDecision()
    drifted = wanted is not None and (differs(cronjob, wanted, context.schedule.metadata.uid) or stray_mark(context))
    if not drifted and (wait := in_flight(context.observed, context.now)):
        return CronJobDecision(wait_until=wait)
    if live is None:  # somebody wrote a schedule that is none: nothing is due, so nothing needs the gate
        return _update(context, cronjob, wanted) if drifted else CronJobDecision()
    if not drifted and repair(context.observed) is None:
        owed = assist(context.observed, live, context.now, _nothing_due_after(context))
        return CronJobDecision((owed.first,) if owed.first else (), wait_until=owed.wait_until)
    may_write = gate(context.observed, live, context.now, _nothing_due_after(context))
    if may_write.first:
        return CronJobDecision((may_write.first,))
    if not may_write.open or wanted is None:
        return CronJobDecision(wait_until=may_write.wait_until, behind=drifted)
    return _put_right(context, cronjob, live, wanted)


def _put_right(context: ScheduleContext, cronjob: CronJob, live: Cron, wanted: build.Body) -> CronJobDecision:
    """Write the CronJob: the gate is open for the schedule in force; the new one has its quiet second too."""
    if wait := quiet_until(_coming_of_new_schedule(context, cronjob), context.now):
        return CronJobDecision(wait_until=wait, behind=True)
    if _closes_ledger(context, cronjob, wanted["spec"], live) and context.close(final=True).fates:
        return CronJobDecision(close_ledger=True, behind=True)
    return _update(context, cronjob, wanted)


def _coming_of_new_schedule(context: ScheduleContext, cronjob: CronJob) -> datetime | None:
    """The next due time of a schedule that is not in force yet. The controller passes over the one that comes before it
    has seen the change: it counts from then on, and looks only at the one after."""
    timing = context.validation.timing
    if timing is None or (cronjob.schedule, cronjob.time_zone) == (timing.cron.text, timing.cron.time_zone):
        return None
    return timing.next(context.now)


def _write_before(context: ScheduleContext, cronjob: CronJob) -> datetime | None:
    """Until when a write that begins now may reach the API server, for its dry run can take its time: neither the old
    nor the new schedule may be about to come due."""
    old = next_due(cronjob, context.live, context.now) if context.live else None
    coming = [moment for moment in (old, _coming_of_new_schedule(context, cronjob)) if moment]
    return min(coming) - QUIET if coming else None


def _nothing_due_after(context: ScheduleContext) -> datetime | None:
    """After which moment nothing is due: the end of the window, or always when the CronJob says somebody else's."""
    if context.edited:
        return EVER
    return context.validation.timing.end if context.validation.timing else None


def stray_mark(context: ScheduleContext) -> bool:
    """True if the CronJob's mark lies ahead and the spec does not want it there: its own write never came."""
    own, timing = context.own, context.validation.timing
    if own is None or timing is None or own.last_schedule_time is None:
        return False
    return own.last_schedule_time > max(context.now, timing.not_before or context.now) + CLOCK_SKEW


def _closes_ledger(context: ScheduleContext, cronjob: CronJob, spec: build.Body, live: Cron) -> bool:
    """True if nothing that is open now can start after the change: then it is judged by the terms that it had."""
    if ends_terms(cronjob, spec, context.validation.timing):
        return True
    deadline = spec["startingDeadlineSeconds"]
    if (blocks_due_times(cronjob.concurrency_policy), cronjob.deadline_seconds) == (context.blocks, deadline):
        return False
    return live.last(max(cronjob.counted_from, context.now - timedelta(seconds=deadline)), context.now) is None


def _wanted(context: ScheduleContext) -> build.Body | None:
    """The CronJob as it should be, if the spec is one that can run and the API has not just refused it."""
    schedule, timing = context.schedule, context.validation.timing
    refused = context.observed.answer(CronJobRefused, schedule.metadata.name)
    if not isinstance(schedule, AgentSchedule) or timing is None or refused:
        return None
    return build.cronjob(schedule, timing, suspend=schedule.spec.suspend or context.over)


def _new(context: ScheduleContext, wanted: build.Body) -> build.Body:
    """A new CronJob that is not to start before some moment begins suspended, so that its mark can come first."""
    timing = context.validation.timing
    ahead = timing and timing.not_before and timing.not_before > context.now
    return build.held(wanted) if ahead and not wanted["spec"]["suspend"] else wanted


def differs(cronjob: CronJob, wanted: build.Body, schedule_uid: str) -> bool:
    """True if the CronJob is not as we wrote it, or not what we would write now. Specs are never compared: the API
    server rewrites them. Labels of others may stay: who adds them, adds them again."""
    return (
        not cronjob.labels >= wanted["metadata"]["labels"].items()
        or cronjob.spec_hash != wanted["metadata"]["annotations"][names.ANNOTATION_SPEC_HASH]
        or cronjob.spec_generation != cronjob.generation
        or cronjob.controller_uid != schedule_uid
    )


def _update(context: ScheduleContext, cronjob: CronJob, wanted: build.Body | None) -> CronJobDecision:
    timing = context.validation.timing
    if wanted is None or timing is None:
        return CronJobDecision()
    as_wanted = cronjob.spec_hash == wanted["metadata"]["annotations"][names.ANNOTATION_SPEC_HASH]
    edited = as_wanted or cronjob.spec_generation != cronjob.generation
    message = (
        f"Put CronJob {cronjob.name} back: someone had edited it." if edited else f"Updated CronJob {cronjob.name}."
    )
    mark = needs_mark(cronjob, wanted["spec"], timing) or stray_mark(context)
    action = UpdateCronJob(cronjob, wanted, mark, timing.not_before, _write_before(context, cronjob))
    events = (Event(edited, Reason.CRONJOB_UPDATED, message),) if edited or _asked_for(context) else ()
    return CronJobDecision((action,), events)


def _asked_for(context: ScheduleContext) -> bool:
    """True if the author's own edit is what changes the CronJob; a session that moved on is not worth an event."""
    status = context.schedule.status
    return status is None or status.observed_generation != context.schedule.metadata.generation


def needs_mark(cronjob: CronJob, spec: build.Body, timing: Timing | None) -> bool:
    """True if the change would make due times of the past due again: another schedule, a resume, a longer deadline,
    another window."""
    deadline = cronjob.deadline_seconds
    return (
        (cronjob.schedule, cronjob.time_zone) != (spec["schedule"], spec["timeZone"])
        or (cronjob.suspend and not spec["suspend"])
        or (deadline is not None and deadline < spec["startingDeadlineSeconds"])
        or (timing is not None and cronjob.not_before != timing.not_before)
    )


def ends_terms(cronjob: CronJob, spec: build.Body, timing: Timing | None) -> bool:
    """True if what is still open will never start after the change; else a run that Forbid holds back may."""
    return needs_mark(cronjob, spec, timing) or (spec["suspend"] and not cronjob.suspend)


def mark_at(cronjob: CronJob, since: datetime, now: datetime) -> datetime:
    """Where lastScheduleTime goes for terms that begin at ``since``: never back behind a run, but a mark that lies
    ahead of ``now`` makes way for the new one."""
    last = cronjob.last_schedule_time
    return max(since, last) if last and last <= now else since
