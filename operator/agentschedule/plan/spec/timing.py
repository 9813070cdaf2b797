"""When a schedule runs: schedule, interval or runAt, within its window, in the terms of a CronJob."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from agentschedule.api.base import out_of_calendar
from agentschedule.api.bounds import EARLIEST, LATEST
from agentschedule.api.schedule import AgentScheduleSpec
from agentschedule.plan.cron import Cron, ScheduleError, every_seconds, parse, parse_live

# A due time of the mark itself is not started: the mark lies just before the moment it allows.
JUST_BEFORE = timedelta(seconds=1)


@dataclass(frozen=True)
class Timing:
    """A schedule's due times, as its CronJob is to keep them."""

    cron: Cron
    display: str
    deadline_seconds: int
    not_before: datetime | None = None  # where the CronJob's mark lies at least
    start: datetime | None = None
    end: datetime | None = None  # the last moment at which a run may be due

    def next(self, now: datetime) -> datetime | None:
        """The first due time after ``now`` that lies in the window."""
        due = self.cron.next(max(now, self.not_before) if self.not_before else now)
        return due if due and (self.end is None or due <= self.end) else None

    def over(self, now: datetime) -> bool:
        """True once nothing is due any more."""
        return self.end is not None and self.next(now) is None


def timing(spec: AgentScheduleSpec, seed: str) -> Timing:
    """The timing of a spec; ``seed`` is namespace/name. Raises ScheduleError with a sentence for the author."""
    for field, moment in {"startAt": spec.start_at, "endAt": spec.end_at, "runAt": spec.run_at}.items():
        if moment and not EARLIEST <= moment < LATEST:
            raise ScheduleError(out_of_calendar(field))
    if spec.schedule is not None:
        cron, start = parse(spec.schedule, spec.time_zone, seed=seed), _start(spec)
        begin = start - JUST_BEFORE if start else None
        return Timing(cron, spec.schedule, spec.starting_deadline_seconds, begin, start, spec.end_at)
    if spec.interval is not None:
        return _interval(spec, spec.interval)
    if spec.run_at is not None:
        return _once(spec, spec.run_at)
    raise ScheduleError("write exactly one of schedule, interval and runAt")


def _start(spec: AgentScheduleSpec) -> datetime | None:
    """startAt as a whole second: a mark has no fractions, and none may let a run start too early."""
    start = spec.start_at
    return start + timedelta(microseconds=-start.microsecond % 1_000_000) if start else None


def _interval(spec: AgentScheduleSpec, interval: str) -> Timing:
    """@every: counted from the mark. The controller finds a due time only within the deadline, so that one that is
    shorter than the interval would never fire."""
    seconds = every_seconds(f"@every {interval}")
    if seconds < 60:
        raise ScheduleError("interval must be at least 60s: Kubernetes starts a run a minute at the most")
    deadline = max(spec.starting_deadline_seconds, 2 * seconds)
    cron = parse_live(f"@every {interval}", spec.time_zone)
    start = _start(spec)
    return Timing(cron, f"every {interval}", deadline, start, start, spec.end_at)


def _once(spec: AgentScheduleSpec, moment: datetime) -> Timing:
    """A yearly schedule whose mark keeps it from running before, and that is suspended once it has run."""
    at = moment.astimezone(UTC).replace(microsecond=0)
    cron = parse(f"{at.minute} {at.hour} {at.day} {at.month} *", "Etc/UTC")
    return Timing(cron, "once", spec.starting_deadline_seconds, at - JUST_BEFORE, None, at)
