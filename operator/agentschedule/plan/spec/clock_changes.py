"""What the changes of a zone's clock do to a schedule, compared with what its fields promise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from agentschedule.plan.cron import Cron, parse_live

HORIZON = timedelta(days=400)
# A schedule that is due so often in a day keeps its pace through a change of the clock: nothing to warn of.
OFTEN = 24
AROUND = timedelta(days=2)


@dataclass(frozen=True)
class Surprise:
    """A due time that a change of the clock takes away or adds."""

    at: datetime  # when the one that is skipped would have been, or when the one that is added is
    skipped: bool
    message: str


@dataclass(frozen=True)
class _Change:
    """A change of the clock. Wall times are what the clock on the wall shows, as if it were UTC."""

    instant: datetime
    before: timedelta
    after: timedelta

    def wall(self, moment: datetime) -> datetime:
        return moment.astimezone(UTC) + (self.after if moment >= self.instant else self.before)

    def moment(self, wall: datetime) -> datetime:
        """When a clock shows that; of a time that does not exist, when the clock of before would have shown it."""
        late = wall - self.after
        return late if late >= self.instant else wall - self.before

    def missing(self, wall: datetime) -> bool:
        return self.instant + self.before <= wall < self.instant + self.after

    def twice(self, wall: datetime) -> bool:
        return self.instant + self.after <= wall < self.instant + self.before


@lru_cache(maxsize=4096)
def clock_changes(cron: Cron, since: datetime) -> tuple[str, ...]:
    """What the changes of the zone's clock within 400 days do to a schedule, a sentence each."""
    return tuple(surprise.message for surprise in surprises(cron, since, since + HORIZON))


def surprises(cron: Cron, after: datetime, until: datetime) -> Iterator[Surprise]:
    """The due times in (after, until] that changes of the clock take away or add. `cron` is no @every."""
    local = parse_live(cron.text, "Etc/UTC")  # the same fields, read on a clock that never changes
    for found in cron.changes(after - AROUND, until + AROUND):
        near = _compare(cron, local, _Change(*found))
        yield from (surprise for surprise in near if after < surprise.at <= until)


def _compare(cron: Cron, local: Cron, change: _Change) -> Iterator[Surprise]:
    """Compare what the wall clock promises around a change with what is due: exact, whatever the zone does."""
    start, end = change.instant - AROUND, change.instant + AROUND
    promised = _walls(local.between(start + change.before, end + change.after))
    if promised is None:
        return
    kept = _walls(change.wall(due) for due in cron.between(start, end))
    if kept is None or max(Counter(wall.date() for wall in promised | kept).values(), default=0) >= OFTEN:
        return
    for wall in sorted((promised - kept).elements()):
        same_day = any(other.date() == wall.date() for other in kept)
        yield Surprise(change.moment(wall), True, _skipped(wall, cron.time_zone, change, same_day))
    added = sorted((kept - promised).elements())
    latest = {change.wall(due): due for due in cron.between(start, end)} if added else {}
    for wall in added:
        yield Surprise(latest[wall], False, _added(wall, cron.time_zone, change))


def _walls(walls: Iterable[datetime]) -> Counter[datetime] | None:
    """How often each wall time comes; None as soon as one day has so many that there is nothing to warn of: the rest of
    a schedule that is due each minute is not walked through."""
    found: Counter[datetime] = Counter()
    days: Counter[date] = Counter()
    for wall in walls:
        days[wall.date()] += wall not in found
        found[wall] += 1
        if days[wall.date()] >= OFTEN:
            return None
    return found


def _skipped(wall: datetime, zone: str, change: _Change, same_day: bool) -> str:
    what = "that run is skipped" if same_day else "this schedule skips that day"
    if change.missing(wall):
        return f"{wall:%H:%M} does not exist on {wall:%Y-%m-%d} in {zone}: {what}."
    return f"{wall:%H:%M} is passed over on {wall:%Y-%m-%d} in {zone}, as the clock changes: {what}."


def _added(wall: datetime, zone: str, change: _Change) -> str:
    if change.twice(wall):
        return f"{wall:%H:%M} comes twice on {wall:%Y-%m-%d} in {zone}: it runs at both."
    return f"{wall:%H:%M} is due too on {wall:%Y-%m-%d} in {zone}, as the clock changes: one run more."
