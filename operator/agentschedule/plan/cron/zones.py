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
# Two changes of one zone are never less than 3.9 days apart (Freetown 1939), and since 1970 never less than 6.9 (Boa
# Vista 2000), so that probes that are nearer to each other see each.
_PROBE_BEFORE_1970, _PROBE = 2 * DAY, 6 * DAY
# Tables are read in eras, and so far before and after: a search goes on for nearly six years, and an edge of a table is
# no change of the clock, so that nobody may come near to it.
_ERA, _BEHIND, _AHEAD = 8 * 366 * DAY, 366 * DAY, 7 * 366 * DAY
# Python's calendar ends here; the margins keep every date computed below inside it.
EARLIEST = int(datetime(3, 1, 1, tzinfo=UTC).timestamp())
LATEST = int(datetime(9985, 1, 1, tzinfo=UTC).timestamp())
_FIRST, _LAST = (int(datetime(*day, tzinfo=UTC).timestamp()) for day in ((1, 1, 5), (9999, 12, 25)))


class Segment(NamedTuple):
    """A stretch of time [start, end) with one offset."""

    start: int
    end: int
    offset: int


class _Table(NamedTuple):
    """``since`` and ``until`` say what it is asked about; it reaches further."""

    since: int
    until: int
    starts: tuple[int, ...]
    segments: tuple[Segment, ...]
    gap_days: tuple[int, ...]  # ordinals of the days that have no midnight


class Zone:
    """The clock of one zone, read in eras: a moment far away costs no more than one that is near."""

    def __init__(self, info: ZoneInfo) -> None:
        self._info = info
        fixed = info.utcoffset(None)
        ever = (_EVER_START, _EVER_END)
        self._table = _NONE if fixed is None else _table(((_EVER_START, int(fixed.total_seconds())),), _EVER_END, ever)

    def segment(self, instant: int) -> Segment:
        """The stretch of constant offset around the instant; cut off where the table of its era ends, which is more
        than a year away."""
        table = self._of(instant)
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
            if following.offset != piece.offset:  # else an edge of the table
                yield piece.end, piece.offset, following.offset
            piece = following

    def without_midnight(self, first: int, last: int) -> tuple[int, ...]:
        """The days from `first` to `last` (ordinals, both included, six years apart at the most) that have no 00:00."""
        days = self._of((first - EPOCH_ORDINAL) * DAY).gap_days
        return days and days[bisect_right(days, first - 1) : bisect_right(days, last)]

    def _of(self, instant: int) -> _Table:
        """The table of the era that the instant lies in. The last one is at hand: most questions are about now."""
        table = self._table
        if table.since <= instant < table.until:
            return table
        self._table = _read(self._info, instant // _ERA)
        return self._table


@lru_cache(maxsize=1024)
def _read(info: ZoneInfo, era: int) -> _Table:
    """The changes of an era, of the year before it and of the seven after it, in which a search may go on."""
    since, until = era * _ERA, (era + 1) * _ERA
    start, end = max(since - _BEHIND, _FIRST), min(until + _AHEAD, _LAST)
    found = [(start, _probe(info, start))]
    step = _PROBE if start >= 0 else _PROBE_BEFORE_1970
    for instant in range(start + step, end + step, step):
        offset = _probe(info, instant)
        if offset != found[-1][1]:
            change = _change(info, instant - step, instant)
            if change < end:
                found.append((change, offset))
    return _table(tuple(found), end, (since, until))


def _probe(info: ZoneInfo, instant: int) -> int:
    offset = datetime.fromtimestamp(instant, info).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def _change(info: ZoneInfo, low: int, high: int) -> int:
    """The first instant in (low, high] with the offset of high."""
    after = _probe(info, high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _probe(info, middle) == after else (middle, high)
    return high


def _table(changes: tuple[tuple[int, int], ...], end: int, era: tuple[int, int]) -> _Table:
    kept = [change for i, change in enumerate(changes) if i == 0 or change[1] != changes[i - 1][1]]
    ends = [start for start, _ in kept[1:]] + [end]
    segments = tuple(Segment(start, stop, offset) for (start, offset), stop in zip(kept, ends, strict=True))
    gaps = [day for a, b in pairwise(segments) for day in _days_without_midnight(a, b)]
    return _Table(*era, tuple(start for start, _ in kept), segments, tuple(gaps))


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
