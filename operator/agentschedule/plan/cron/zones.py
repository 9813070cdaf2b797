"""What a time zone does to the clock, in integers.

Zone data come from `zoneinfo`, which prefers the system's tz database (PYTHONTZPATH, /usr/share/zoneinfo, ...) and
falls back to the package `tzdata`. The controller reads its own copy: the releases may differ (time.md).
All instants are seconds since 1970 UTC; offsets are seconds east of Greenwich; "local" is instant + offset.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

DAY = 86_400
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
# Two changes of one zone are never less than 3.9 days apart (Freetown 1939), so that probes two days apart see each.
_PROBE = 2 * DAY
# Tables are read this far before and after the instant asked for: a search goes on for five years.
_BEHIND, _AHEAD = 366 * DAY, 8 * 366 * DAY
# An edge of the table is no change of the clock: nobody may come nearer to it than this.
_MARGIN = 40 * DAY
# Python's calendar ends here; the margins keep every date computed below inside it.
EARLIEST = int(datetime(3, 1, 1, tzinfo=UTC).timestamp())
LATEST = int(datetime(9985, 1, 1, tzinfo=UTC).timestamp())


class Segment(NamedTuple):
    """A stretch of time [start, end) with one offset."""

    start: int
    end: int
    offset: int


class _Table(NamedTuple):
    start: int
    end: int
    starts: tuple[int, ...]
    segments: tuple[Segment, ...]
    gap_days: tuple[int, ...]  # ordinals of the days that have no midnight


class Zone:
    """The clock of one zone. The table grows as it is asked for and is replaced in one piece: safe for threads."""

    def __init__(self, info: ZoneInfo) -> None:
        self._info = info
        fixed = info.utcoffset(None)
        self._table = _table(((_EVER_START, int(fixed.total_seconds())),), _EVER_END) if fixed is not None else _NONE

    def segment(self, instant: int) -> Segment:
        """The stretch of constant offset around the instant."""
        table = self._table
        if not table.start + _MARGIN <= instant < table.end - _MARGIN:
            table = self._grow(instant)
        return table.segments[bisect_right(table.starts, instant) - 1]

    def offset(self, instant: int) -> int:
        return self.segment(instant).offset

    def instant(self, local: int) -> int:
        """Go's time.Date: for a local time that does not exist, or exists twice, its guess and no other."""
        return local - self.offset(local - self.offset(local))

    def changes(self, after: int, until: int) -> Iterator[tuple[int, int, int]]:
        """The changes of the clock in (after, until]: (instant, offset before, offset from then on)."""
        piece = self.segment(after)
        while piece.end <= until:
            following = self.segment(piece.end)
            if following.offset != piece.offset:  # else an edge of the table, which has grown since
                yield following.start, piece.offset, following.offset
            piece = following

    def without_midnight(self, first: int, last: int) -> tuple[int, ...]:
        """The days from `first` to `last` (ordinals, both included) that have no 00:00. Ask `segment` first."""
        days = self._table.gap_days
        return days and days[bisect_right(days, first - 1) : bisect_right(days, last)]

    def _grow(self, instant: int) -> _Table:
        old = self._table
        start, end = instant - _BEHIND, instant + _AHEAD
        changes: tuple[tuple[int, int], ...]
        if old is _NONE:
            changes = self._scan(start, end)
        else:
            start, end = min(start, old.start), max(end, old.end)
            held = tuple((piece.start, piece.offset) for piece in old.segments)
            changes = self._scan(start, old.start) + held + self._scan(old.end, end)
        self._table = _table(changes, end)
        return self._table

    def _scan(self, start: int, end: int) -> tuple[tuple[int, int], ...]:
        """(instant, offset from there on) for [start, end)."""
        if start >= end:
            return ()
        found = [(start, self._probe(start))]
        for instant in range(start + _PROBE, end + _PROBE, _PROBE):
            offset = self._probe(instant)
            if offset != found[-1][1]:
                change = self._change(instant - _PROBE, instant)
                if change < end:
                    found.append((change, offset))
        return tuple(found)

    def _probe(self, instant: int) -> int:
        offset = datetime.fromtimestamp(instant, self._info).utcoffset()
        return int(offset.total_seconds()) if offset is not None else 0

    def _change(self, low: int, high: int) -> int:
        """The first instant in (low, high] with the offset of high."""
        after = self._probe(high)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._probe(middle) == after else (middle, high)
        return high


def _table(changes: tuple[tuple[int, int], ...], end: int) -> _Table:
    kept = [change for i, change in enumerate(changes) if i == 0 or change[1] != changes[i - 1][1]]
    ends = [start for start, _ in kept[1:]] + [end]
    segments = tuple(Segment(start, stop, offset) for (start, offset), stop in zip(kept, ends, strict=True))
    gaps = [day for a, b in pairwise(segments) for day in _days_without_midnight(a, b)]
    return _Table(kept[0][0], end, tuple(start for start, _ in kept), segments, tuple(gaps))


def _days_without_midnight(before: Segment, after: Segment) -> range:
    """The clock jumps from start + before.offset to start + after.offset: days whose 00:00 lies in that gap."""
    first, last = after.start + before.offset, after.start + after.offset
    return range(-(-first // DAY) + EPOCH_ORDINAL, -(-last // DAY) + EPOCH_ORDINAL)


@lru_cache(maxsize=1024)
def zone(name: str) -> Zone:
    """The zone of that name, which check_zone has accepted."""
    return Zone(ZoneInfo(name))


_EVER_START, _EVER_END = -(1 << 62), 1 << 62
_NONE = _Table(0, 0, (), (), ())
