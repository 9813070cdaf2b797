"""The CronJob dialect. Parse a schedule, and say when kube-controller-manager runs it.

The oracle of all of it is github.com/robfig/cron/v3 (`ParseStandard`, `SpecSchedule.Next`), against which tests/oracle
compares it. Zone data come from `zoneinfo`: the system's tz database where there is one, else the package `tzdata`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from agentschedule.plan.cron.count import Chain, count_due
from agentschedule.plan.cron.dialect import never, resolve
from agentschedule.plan.cron.every import PREFIX, every_seconds
from agentschedule.plan.cron.robfig_parser import MAX_SCHEDULE, Bits, ScheduleError, parse_standard
from agentschedule.plan.cron.search import next_due
from agentschedule.plan.cron.zone_check import check_zone
from agentschedule.plan.cron.zones import EARLIEST, LATEST, Zone, zone

# CronJobs made before Kubernetes 1.29 may name their zone in the schedule; the controller still heeds it.
_LEGACY_ZONE = re.compile(r"(?:CRON_)?TZ=([^ ]+) ")


# `last` looks back this far first: most schedules are due within an hour.
_FIRST_STRIDE = timedelta(hours=1)
# How far a change of the clock reaches into a chain of due times.
_NEAR = timedelta(days=2)


@dataclass(frozen=True)
class Cron:
    """A schedule as the controller keeps it. Make one with `parse` or `parse_live`.

    Instants go in as aware datetimes of any zone (ValueError for naive ones) and come out in UTC, on whole seconds.
    The due times depend on where a chain of `next` starts; seed it as the controller does (time.md).
    """

    text: str  # what the CronJob gets in spec.schedule
    time_zone: str  # what it gets in spec.timeZone
    _every: int | None = field(default=None, repr=False, compare=False)
    _bits: Bits | None = field(default=None, repr=False, compare=False)
    _zone: Zone | None = field(default=None, repr=False, compare=False)

    def next(self, after: datetime) -> datetime | None:
        """The first due time strictly after `after`; None when it does not fire up to the end of the fifth year."""
        due = self._next(_seconds(after))
        return None if due is None else datetime.fromtimestamp(due, UTC)

    def between(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """The due times in (after, until], each found from the one before."""
        end, due = _seconds(until), self._next(_seconds(after))
        while due is not None and due <= end:
            yield datetime.fromtimestamp(due, UTC)
            due = self._next(due)

    def last(self, after: datetime, until: datetime) -> datetime | None:
        """The latest due time in (after, until]; for @every, of the chain that starts at `after`."""
        if self._every is not None:
            number = self.count(after, until)
            return after + timedelta(seconds=number * self._every) if number else None
        stride = _FIRST_STRIDE
        while after < until:
            start = max(after, until - stride)
            chain = self._chain(_seconds(start), _seconds(until))
            if chain.total:
                return datetime.fromtimestamp(chain.last, UTC)
            if start == after:
                return None
            stride *= 4
        return None

    def following(self, seed: datetime, now: datetime) -> datetime | None:
        """The first due time after `now` in the chain that starts at `seed`, the controller's mark."""
        if now <= seed:
            return self.next(seed)
        if self._every is None and not any(self.changes(now - _NEAR, now + _NEAR)):
            return self.next(now)
        # Near a change of the clock the chain matters, and so does its start.
        start = seed if self._every is not None else max(seed, now - _NEAR)
        return self.next(self.last(start, now) or start)

    def coming(self, seed: datetime, now: datetime, end: datetime | None = None) -> Iterator[datetime]:
        """The due times after `now`, through `end`, in the chain that starts at `seed`, the controller's mark."""
        due = self.following(seed, now)
        while due and (end is None or due <= end):
            yield due
            due = self.next(due)

    def count(self, after: datetime, until: datetime) -> int:
        """len(list(between(after, until))), without stepping through the days on which the clock does not change."""
        start, end = _seconds(after), _seconds(until)
        if self._every is not None:
            return max(0, (end - start) // self._every)
        return self._chain(start, end).total

    def counts(self, after: datetime, moments: Iterable[datetime]) -> Iterator[int]:
        """`count(after, moment)` for each of these moments, which are in order, in one go."""
        chain = Chain(0, _seconds(after))
        for moment in moments:
            if self._every is not None:
                yield self.count(after, moment)
            else:
                chain = count_due(*self._plan(), chain, _seconds(moment))
                yield chain.total

    def _chain(self, after: int, until: int) -> Chain:
        return count_due(*self._plan(), Chain(0, after), until)

    def changes(self, after: datetime, until: datetime) -> Iterator[tuple[datetime, timedelta, timedelta]]:
        """The changes of the zone's clock in (after, until]: (instant in UTC, offset before, offset from then on).

        Due times may be skipped or come twice on these days; `next` knows, this says when to look.
        """
        start, end = max(_seconds(after), EARLIEST), min(_seconds(until), LATEST)
        for instant, before, then in zone(self.time_zone).changes(start, end):
            yield datetime.fromtimestamp(instant, UTC), timedelta(0, before), timedelta(0, then)

    def _next(self, after: int) -> int | None:
        if self._every is not None:
            due = after + self._every
            return due if due < LATEST else None
        return next_due(*self._plan(), after)

    def _plan(self) -> tuple[Bits, Zone]:
        if self._bits is None or self._zone is None:
            raise TypeError("make a Cron with cron.parse or cron.parse_live")
        return self._bits, self._zone


def parse(schedule: str, time_zone: str = "Etc/UTC", *, seed: str = "") -> Cron:
    """A schedule as users write it: five fields, `H` and 7 for Sunday included, or a macro.

    `seed` is "namespace/name", from which `H` is drawn. Raises ScheduleError with a sentence for the author.
    """
    check_zone(time_zone)
    text = resolve(schedule, seed)
    bits = parse_standard(text)
    if bits.empty:
        raise ScheduleError(f"schedule never fires within 5 years ({never(text)}); write a date that comes")
    return Cron(text, time_zone, None, bits, zone(time_zone))


def parse_live(schedule: str, time_zone: str) -> Cron:
    """A schedule that a CronJob on the cluster holds already, `@every D` and the API's oddities included.

    Raises ScheduleError where the controller could not parse it either, and for one that is longer than anybody means.
    """
    if len(schedule) > MAX_SCHEDULE:
        raise ScheduleError(f"schedule has {len(schedule)} characters; more than {MAX_SCHEDULE} are not read")
    if found := _LEGACY_ZONE.match(schedule):
        schedule, time_zone = schedule[found.end() :].strip(), found[1]
    check_zone(time_zone)
    if schedule.startswith(PREFIX):
        return Cron(schedule, time_zone, every_seconds(schedule))
    return Cron(schedule, time_zone, None, parse_standard(schedule), zone(time_zone))


def _seconds(moment: datetime) -> int:
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return int(moment.timestamp() // 1)
