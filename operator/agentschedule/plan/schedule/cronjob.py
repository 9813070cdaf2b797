"""What a schedule's CronJob needs now: made, put right, or left alone. Called by ``plan.schedule``; by the rules of
``plan.settle``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from agentschedule import names
from agentschedule.api.schedule import AgentSchedule
from agentschedule.names import ConcurrencyPolicy, Reason
from agentschedule.plan.actions import Action, CreateCronJob, Event, UpdateCronJob
from agentschedule.plan.cron import Cron, ScheduleError, parse_live
from agentschedule.plan.cronjob_gate import in_flight, repair, turn, write_before
from agentschedule.plan.objects import build
from agentschedule.plan.observed import CronJob, Observed, Unreadable
from agentschedule.plan.schedule.ledger import Closed, Terms, close, evidence_of, terms_of
from agentschedule.plan.spec.timing import Timing
from agentschedule.plan.spec.validate import Verdict

# Ahead of a due time that lies beyond the window: enough for settling, quiet and the write.
LAST_CALL = timedelta(seconds=5)
A_MOMENT = timedelta(seconds=1)
# A mark this far ahead is no matter of two clocks.
CLOCK_SKEW = timedelta(minutes=5)
# Before any due time.
EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Situation:
    """One schedule at one moment, judged."""

    schedule: AgentSchedule | Unreadable
    verdict: Verdict
    observed: Observed
    now: datetime

    @cached_property
    def live(self) -> Cron | None:
        """The schedule in force on the cluster; None if there is none, or somebody wrote one that cannot be read."""
        return live_cron(self.observed.cronjob)

    @cached_property
    def own(self) -> CronJob | None:
        """The CronJob, unless it is somebody else's."""
        return None if name_taken(self.schedule, self.observed) else self.observed.cronjob

    @cached_property
    def edited(self) -> bool:
        """True if somebody else has written the CronJob's spec since we did: what it says is nobody's schedule."""
        return self.own is not None and self.own.spec_generation != self.own.generation

    @cached_property
    def terms(self) -> Terms | None:
        """What we last put in force; after an edit by others only if it can still be told."""
        timing, live = self.verdict.timing, self.live
        if self.own is None:
            return None
        if not self.edited:
            return terms_of(self.observed, live, timing.end if timing else None) if live else None
        if timing is None or not isinstance(self.schedule, AgentSchedule):
            return None
        spec = self.schedule.spec
        for suspend in (False, True):
            ours = build.cronjob(self.schedule, timing, suspend)
            if self.own.spec_hash == ours["metadata"]["annotations"][names.ANNOTATION_SPEC_HASH]:
                deadline = timedelta(seconds=timing.deadline_seconds)
                forbid = spec.concurrency_policy is ConcurrencyPolicy.FORBID
                return Terms(timing.cron, self.own.effective_from, deadline, forbid, suspend, timing.end)
        return None

    def close(self, final: bool) -> Closed:
        """The ledger, as far as it can be closed now; with ``final``, all of it."""
        if self.terms is None:
            return Closed()
        status = self.schedule.status
        evidence = evidence_of(self.observed, self.schedule.metadata.uid)
        return close(self.terms, evidence, status.accounted_through if status else None, self.now, final)

    @cached_property
    def _out_of_window(self) -> bool:
        """True once nothing more comes due in the window; where the timing is in force, by the CronJob's own mark: an
        interval is counted from there."""
        timing, own, live = self.verdict.timing, self.own, self.live
        if timing is None or timing.end is None or not timing.over(self.now):
            return False
        if own is None or live is None or own.suspend or own.not_before != timing.not_before:
            return True
        if live.text != timing.cron.text:
            return True
        due = live.following(own.last_schedule_time or own.created, self.now)
        return due is None or due > timing.end

    @cached_property
    def last_call(self) -> datetime | None:
        """When a CronJob whose window is over must be suspended at the latest: before it comes due once more."""
        timing, own, live = self.verdict.timing, self.own, self.live
        if timing is None or own is None or live is None or own.suspend or not self._out_of_window:
            return None
        due = live.following(own.last_schedule_time or own.created, self.now)
        return due - LAST_CALL if due else None

    @cached_property
    def over(self) -> bool:
        """True once nothing is due any more, and what was due is decided, or has no more time."""
        if not self._out_of_window:
            return False
        last_call = self.last_call
        return self.close(final=False).again_at is None or (last_call is not None and last_call <= self.now)


@dataclass(frozen=True)
class CronJobStep:
    """What the CronJob needs now: actions, or the ledger closed before it changes, or to wait."""

    actions: tuple[Action, ...] = ()
    events: tuple[Event, ...] = ()
    close_ledger: bool = False
    wait_until: datetime | None = None
    behind: bool = False  # the CronJob is not yet as the spec says


def live_cron(cronjob: CronJob | None) -> Cron | None:
    """The schedule in force on the cluster, if there is one that can be read."""
    if cronjob is None:
        return None
    try:
        return parse_live(cronjob.schedule, cronjob.time_zone)
    except ScheduleError:
        return None


def name_taken(schedule: AgentSchedule | Unreadable, observed: Observed) -> bool:
    """True if a CronJob of the schedule's name is somebody else's: it is never touched."""
    cronjob = observed.cronjob
    if cronjob is None or cronjob.controller_uid == schedule.metadata.uid:
        return False
    return cronjob.controller_uid is not None or not cronjob.ours


def cronjob_step(case: Situation) -> CronJobStep:
    """Create the CronJob, or put it right."""
    cronjob, live = case.observed.cronjob, case.live
    if cronjob is not None and case.own is None:
        return CronJobStep()
    if cronjob is not None and cronjob.deleting:  # a write would take its finalizers; it is made anew when it is gone
        return CronJobStep(wait_until=case.now + A_MOMENT, behind=True)
    wanted = _wanted(case)
    if cronjob is None:
        return CronJobStep((CreateCronJob(_new(case, wanted)),)) if wanted else CronJobStep()
    drifted = wanted is not None and (differs(cronjob, wanted, case.schedule.metadata.uid) or stray_mark(case))
    if not drifted and (wait := in_flight(case.observed, case.now)):
        return CronJobStep(wait_until=wait)
    if live is None:  # somebody wrote a schedule that is none: nothing is due, so nothing needs settling
        return _update(case, cronjob, wanted) if drifted else CronJobStep()
    if not drifted and repair(case.observed) is None:
        return CronJobStep()
    may = turn(case.observed, live, case.now, _settle_until(case))
    if may.first:
        return CronJobStep((may.first,))
    if not may.ours or wanted is None:
        return CronJobStep(wait_until=may.wait_until, behind=drifted)
    if _settles(case, cronjob, wanted["spec"], live) and case.close(final=True).fates:
        return CronJobStep(close_ledger=True, behind=True)
    return _update(case, cronjob, wanted)


def _settle_until(case: Situation) -> datetime | None:
    """After which moment nothing is due: the end of the window, or always when the CronJob says somebody else's."""
    if case.edited:
        return EVER
    return case.verdict.timing.end if case.verdict.timing else None


def stray_mark(case: Situation) -> bool:
    """True if the CronJob's mark lies ahead and the spec does not want it there: its own write never came."""
    own, timing = case.own, case.verdict.timing
    if own is None or timing is None or own.last_schedule_time is None:
        return False
    return own.last_schedule_time > max(case.now, timing.not_before or case.now) + CLOCK_SKEW


def _settles(case: Situation, cronjob: CronJob, spec: build.Body, live: Cron) -> bool:
    """True if nothing that is open now can start after the change: then it is judged by the terms that it had."""
    if ends_terms(cronjob, spec, case.verdict.timing):
        return True
    deadline = spec["startingDeadlineSeconds"]
    if (cronjob.forbid, cronjob.deadline_seconds) == (spec["concurrencyPolicy"] == ConcurrencyPolicy.FORBID, deadline):
        return False
    seed = cronjob.last_schedule_time or cronjob.created
    return live.last(max(seed, case.now - timedelta(seconds=deadline)), case.now) is None


def _wanted(case: Situation) -> build.Body | None:
    """The CronJob as it should be, if the spec is one that can run and the API has not just refused it."""
    schedule, timing = case.schedule, case.verdict.timing
    refused = case.observed.answered(Reason.CRONJOB_REFUSED)
    if not isinstance(schedule, AgentSchedule) or timing is None or refused:
        return None
    return build.cronjob(schedule, timing, suspend=schedule.spec.suspend or case.over)


def _new(case: Situation, wanted: build.Body) -> build.Body:
    """A new CronJob that is not to start before some moment begins suspended, so that its mark can come first."""
    timing = case.verdict.timing
    ahead = timing and timing.not_before and timing.not_before > case.now
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


def _update(case: Situation, cronjob: CronJob, wanted: build.Body | None) -> CronJobStep:
    timing = case.verdict.timing
    if wanted is None or timing is None:
        return CronJobStep()
    as_wanted = cronjob.spec_hash == wanted["metadata"]["annotations"][names.ANNOTATION_SPEC_HASH]
    edited = as_wanted or cronjob.spec_generation != cronjob.generation
    said = f"Put CronJob {cronjob.name} back: someone had edited it." if edited else f"Updated CronJob {cronjob.name}."
    mark = needs_mark(cronjob, wanted["spec"], timing) or stray_mark(case)
    before = write_before(cronjob, case.live, case.now) if case.live else None
    action = UpdateCronJob(cronjob, wanted, mark, timing.not_before, before)
    events = (Event(edited, Reason.CRONJOB_UPDATED, said),) if edited or _asked_for(case) else ()
    return CronJobStep((action,), events)


def _asked_for(case: Situation) -> bool:
    """True if the author's own edit is what changes the CronJob; a session that moved on is no news."""
    status = case.schedule.status
    return status is None or status.observed_generation != case.schedule.metadata.generation


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
