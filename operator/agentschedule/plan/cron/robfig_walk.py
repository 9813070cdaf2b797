"""Robfig's own steps, for the days on which the clock changes.

A line by line reading of SpecSchedule.Next (github.com/robfig/cron/v3 v3.0.1 spec.go). Do not improve it: what looks
odd here is what the cluster does. `fresh` is the opposite of its `added`: nothing was moved yet, so that the first
move sets the lower fields to their least. All instants are seconds since 1970 UTC.
"""

from __future__ import annotations

from datetime import date

from agentschedule.plan.cron.robfig_parser import Bits, lowest
from agentschedule.plan.cron.zones import DAY, EPOCH_ORDINAL, Segment, Zone

_HOUR, _MINUTE = 3_600, 60


def step(bits: Bits, zone: Zone, instant: int, fresh: bool) -> tuple[int, bool]:
    """Where robfig stands when it next goes back to WRAP (or could: checking again is harmless there), and whether
    that instant is due."""
    days, second = divmod(instant + zone.offset(instant), DAY)
    today = date.fromordinal(days + EPOCH_ORDINAL)
    if not bits.month >> today.month & 1:
        return _month_on(zone, today, second, fresh), False
    return _loop_days(bits, zone, (instant, today), fresh)


def _month_on(zone: Zone, today: date, second: int, fresh: bool) -> int:
    """t.AddDate(0, 1, 0), from the first of the month when fresh."""
    if fresh:
        start = zone.instant(_days(today.replace(day=1)) * DAY)
        days, second = divmod(start + zone.offset(start), DAY)
        today = date.fromordinal(days + EPOCH_ORDINAL)
    year, month = divmod(today.year * 12 + today.month, 12)
    return zone.instant((_days(date(year, month + 1, 1)) + today.day - 1) * DAY + second)


def _days(day: date) -> int:
    return day.toordinal() - EPOCH_ORDINAL


def _loop_days(bits: Bits, zone: Zone, stand: tuple[int, date], fresh: bool) -> tuple[int, bool]:
    """The loop for the day. It goes back to WRAP, where the month is looked at, on a first of a month only: where a
    zone leaves that one out (Ust-Nera, 1981-04-01), it goes on in a month that may not be in the schedule."""
    instant, today = stand
    month = today.month
    while not bits.days[(today.toordinal() - today.day + 1) % 7] >> today.day & 1:
        days, second = divmod(instant + zone.offset(instant), DAY)
        instant, fresh = _day_on(zone, days, 0 if fresh else second), False
        today = date.fromordinal((instant + zone.offset(instant)) // DAY + EPOCH_ORDINAL)
        if today.day == 1 or today.month == month:
            return instant, False
    return _loop_hours(bits, zone, instant, fresh)


def _day_on(zone: Zone, days: int, second: int) -> int:
    """t.AddDate(0, 0, 1), from midnight when fresh, and robfig's correction of an hour that is not 0."""
    start = zone.instant(days * DAY + second)
    days, second = divmod(start + zone.offset(start), DAY)
    moved = _at_hour_0(zone, zone.instant((days + 1) * DAY + second))
    # A day that a zone left out (Apia, 2011-12-30) sends Go back to the day before, for ever. Go over it instead.
    return moved if moved > start else _at_hour_0(zone, zone.instant((days + 2) * DAY + second))


def _at_hour_0(zone: Zone, instant: int) -> int:
    hour = _clock(zone, instant) // _HOUR
    return instant + (24 - hour if hour > 12 else -hour) * _HOUR


def _loop_hours(bits: Bits, zone: Zone, instant: int, fresh: bool) -> tuple[int, bool]:
    """The loop for the hour. It does not look at the day again, even where the clock leaves midnight out."""
    while not bits.hour >> _clock(zone, instant) // _HOUR & 1:
        if fresh:
            local = instant + zone.offset(instant)
            instant, fresh = zone.instant(local - local % _HOUR), False
        instant += _HOUR
        if _clock(zone, instant) < _HOUR:
            return instant, False
    return _loop_minutes(bits, zone, instant, fresh)


def _loop_minutes(bits: Bits, zone: Zone, instant: int, fresh: bool) -> tuple[int, bool]:
    piece = zone.segment(instant)
    if is_calm_hour(piece, instant):
        return _leap_minutes(bits, zone, (instant, piece.offset), fresh)
    while not bits.minute >> _clock(zone, instant) // _MINUTE % 60 & 1:
        if fresh:
            instant, fresh = instant - instant % _MINUTE, False
        instant += _MINUTE
        if _clock(zone, instant) % _HOUR < _MINUTE:
            return instant, False
    return _loop_seconds(zone, instant)


def is_calm_hour(piece: Segment, instant: int) -> bool:
    """Whether the clock does not change through the first minute after this hour, and shows whole minutes."""
    left = _HOUR - (instant + piece.offset) % _HOUR
    return piece.offset % _MINUTE == 0 and instant + left + _MINUTE <= piece.end


def _leap_minutes(bits: Bits, zone: Zone, stand: tuple[int, int], fresh: bool) -> tuple[int, bool]:
    """The steps of the loop for the minute in one: to the due minute, or over the end of the hour."""
    instant, offset = stand
    minute = (instant + offset) // _MINUTE % 60
    rest = bits.minute >> minute
    steps = lowest(rest) if rest else 60 - minute
    moved = (instant - instant % _MINUTE if fresh and steps else instant) + steps * _MINUTE
    return _loop_seconds(zone, moved) if rest else (moved, False)


def _loop_seconds(zone: Zone, instant: int) -> tuple[int, bool]:
    """Only second 0 is due. Where the clock does not change within the minute, its steps are taken in one."""
    second = _clock(zone, instant) % _MINUTE
    if second == 0:
        return instant, True
    if instant + _MINUTE < zone.segment(instant).end:
        return instant + _MINUTE - second, False
    while _clock(zone, instant) % _MINUTE:
        instant += 1
    return instant, False


def _clock(zone: Zone, instant: int) -> int:
    """The second of the local day."""
    return (instant + zone.offset(instant)) % DAY
