"""The next due time, as the controller computes it.

`next_due` gives what robfig's SpecSchedule.Next gives, for every zone and start, its oddities at changes of the clock
included. Where the clock does not change it searches the calendar in whole days (`_search`); near a change it takes
robfig's own steps (`walk`). All instants are seconds since 1970 UTC.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date

from agentschedule.plan.cron.robfig_parser import Bits, lowest
from agentschedule.plan.cron.robfig_walk import step
from agentschedule.plan.cron.zones import DAY, EARLIEST, EPOCH_ORDINAL, LATEST, Segment, Zone

_YEARS = 5  # robfig's limit, in calendar years after the year of the start


def next_due(bits: Bits, zone: Zone, after: int) -> int | None:
    """The first due time after `after`; None when there is none up to the end of the fifth year.

    Where a clock went back across midnight (Newfoundland, 00:01 to 23:01, until 2011), robfig's Next can return the
    time that it was given, or an earlier one, and a controller that steps with it never ends. Then the search starts
    again a minute later: a due time comes after, always.
    """
    if bits.empty or not EARLIEST <= after < LATEST:
        return None
    start = after
    while (due := _next(bits, zone, start)) is not None and due <= after:
        start += 60
    return due


def _next(bits: Bits, zone: Zone, after: int) -> int | None:
    """SpecSchedule.Next."""
    instant, fresh, due = after + 1, True, False
    limit = _date(instant + zone.offset(instant)).year + _YEARS
    while not due:
        piece = zone.segment(instant)
        local = instant + piece.offset
        today = _date(local)
        if today.year > limit:
            return None
        if (fresh or local % DAY == 0) and calm(piece, instant):
            found = _search(bits, today, local % DAY, limit)
            if found is None:
                return None
            instant, fresh, due = _go(bits, zone, (instant, fresh), found)
        else:
            (instant, due), fresh = step(bits, zone, instant, fresh), False
    return instant


def _go(bits: Bits, zone: Zone, stand: tuple[int, bool], found: tuple[date, int]) -> tuple[int, bool, bool]:
    """From a calm instant as near to the due time found as one leap leads: (instant, fresh, due)."""
    instant, fresh = stand
    (day, second), local = found, instant + zone.offset(instant)
    today = _date(local)
    if day == today:
        return instant - local % DAY + second, False, True
    goal = _goal(bits, zone, (today, day), fresh)
    if goal <= today:
        moved, due = step(bits, zone, instant, fresh)
        return moved, False, due
    moved = zone.instant((goal.toordinal() - EPOCH_ORDINAL) * DAY)
    arrived = goal == day and calm(zone.segment(moved), moved)
    return (moved + second if arrived else moved), False, arrived


def calm(piece: Segment, instant: int) -> bool:
    """Whether the clock changes neither on this day nor on its neighbours, and shows whole minutes."""
    return piece.start + DAY <= instant <= piece.end - 2 * DAY and piece.offset % 60 == 0


def is_due_day(bits: Bits, today: date) -> bool:
    """By the calendar alone."""
    weekday = (today.toordinal() - today.day + 1) % 7
    return bool(bits.month >> today.month & 1 and bits.days[weekday] >> today.day & 1)


def _date(local: int) -> date:
    return date.fromordinal(local // DAY + EPOCH_ORDINAL)


def _goal(bits: Bits, zone: Zone, days: tuple[date, date], fresh: bool) -> date:
    """The later of the two days, or the last day before it on whose midnight robfig stands before it meets a day
    without midnight, where it loses its step. It treads on the first of each month, and on each day of a month in
    the schedule."""
    today, goal = days
    first = today.toordinal() - (today.day - 1 if fresh else 0)
    for ordinal in zone.without_midnight(first, goal.toordinal()):
        hole = date.fromordinal(ordinal)
        if hole.day == 1:
            return date.fromordinal(ordinal - 1).replace(day=1)
        if bits.month >> hole.month & 1:
            return date.fromordinal(ordinal - 1)
    return goal


def _search(bits: Bits, today: date, second: int, limit: int) -> tuple[date, int] | None:
    """The first due (day, second of the day) from the given second on, by the calendar alone."""
    if is_due_day(bits, today):
        due = _minute(bits, (second + 59) // 60)
        if due is not None:
            return today, due * 60
    day = _day(bits, today, limit)
    return None if day is None else (day, bits.first_minute * 60)


def _minute(bits: Bits, minute: int) -> int | None:
    """The first due minute of a day from `minute` (0 to 1440) on."""
    hour = minute // 60
    if bits.hour >> hour & 1:
        rest = bits.minute >> minute % 60
        if rest:
            return minute + lowest(rest)
    rest = bits.hour >> hour + 1
    return (hour + 1 + lowest(rest)) * 60 + lowest(bits.minute) if rest else None


def _day(bits: Bits, today: date, limit: int) -> date | None:
    """The first due day after today, up to the end of the year `limit`."""
    year, month, day = today.year, today.month, today.day + 1
    while year <= limit:
        if bits.month >> month & 1:
            weekday, length = monthrange(year, month)  # 0 is Monday
            rest = (bits.days[(weekday + 1) % 7] & ((2 << length) - 1)) >> day
            if rest:
                return date(year, month, day + lowest(rest))
        rest = bits.month >> month + 1
        year, month, day = (year, month + 1 + lowest(rest), 1) if rest else (year + 1, lowest(bits.month), 1)
    return None
