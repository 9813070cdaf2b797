"""One schedule at one moment, and what is known about it: the terms in which its decisions are made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from agentschedule import names
from agentschedule.api.schedule import AgentSchedule
from agentschedule.plan.concurrency import blocks_due_times
from agentschedule.plan.cron import Cron
from agentschedule.plan.cronjob_gate import live_cron
from agentschedule.plan.objects import build
from agentschedule.plan.observed import CronJob, Observed, Unreadable
from agentschedule.plan.ownership import own_cronjob
from agentschedule.plan.schedule.ledger import Closed, Terms, close, evidence_of, terms_of
from agentschedule.plan.spec.validate import Validation

# Ahead of a due time that lies beyond the window: enough for the gate to settle and keep quiet, and for the write.
LAST_CALL = timedelta(seconds=5)


@dataclass(frozen=True)
class ScheduleContext:
    """One schedule at one moment, judged."""

    schedule: AgentSchedule | Unreadable
    validation: Validation
    observed: Observed
    now: datetime
    failing: bool = False  # an internal error that was said before is not known to be over

    @cached_property
    def live(self) -> Cron | None:
        """The schedule in force on the cluster; None if there is none, or somebody wrote one that cannot be read."""
        return live_cron(self.observed.cronjob)

    @cached_property
    def own(self) -> CronJob | None:
        """The CronJob, unless it is somebody else's."""
        return own_cronjob(self.schedule, self.observed)

    @cached_property
    def edited(self) -> bool:
        """True if somebody else has written the CronJob's spec since we did: what it says is nobody's schedule."""
        return self.own is not None and self.own.spec_generation != self.own.generation

    @cached_property
    def blocks(self) -> bool:
        """True if an active run keeps a due time from starting, as the spec has it."""
        schedule = self.schedule
        return isinstance(schedule, AgentSchedule) and blocks_due_times(schedule.spec.concurrency_policy)

    @cached_property
    def terms(self) -> Terms | None:
        """What we last put in force; after an edit by others only if it can still be told."""
        timing, live = self.validation.timing, self.live
        if self.own is None:
            return None
        if not self.edited:
            return terms_of(self.observed, live, timing.end if timing else None) if live else None
        if timing is None or not isinstance(self.schedule, AgentSchedule):
            return None
        for suspend in (False, True):
            ours = build.cronjob(self.schedule, timing, suspend)
            if self.own.spec_hash == ours["metadata"]["annotations"][names.ANNOTATION_SPEC_HASH]:
                deadline = timedelta(seconds=timing.deadline_seconds)
                return Terms(timing.cron, self.own.effective_from, deadline, self.blocks, suspend, timing.end)
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
        timing, own, live = self.validation.timing, self.own, self.live
        if timing is None or timing.end is None or not timing.over(self.now):
            return False
        if own is None or live is None or own.suspend or own.not_before != timing.not_before:
            return True
        if live.text != timing.cron.text:
            return True
        due = live.following(own.counted_from, self.now)
        return due is None or due > timing.end

    @cached_property
    def last_call(self) -> datetime | None:
        """When a CronJob whose window is over must be suspended at the latest: before it comes due once more."""
        timing, own, live = self.validation.timing, self.own, self.live
        if timing is None or own is None or live is None or own.suspend or not self._out_of_window:
            return None
        due = live.following(own.counted_from, self.now)
        return due - LAST_CALL if due else None

    @cached_property
    def over(self) -> bool:
        """True once nothing is due any more, and what was due is decided, or has no more time."""
        if not self._out_of_window:
            return False
        last_call = self.last_call
        return self.close(final=False).again_at is None or (last_call is not None and last_call <= self.now)
