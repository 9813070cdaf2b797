"""How many due times lie between two instants.

The clock changes on a few days a year. On these the due times are stepped through; the days between are counted.
All instants are seconds since 1970 UTC.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from typing import NamedTuple

from agentschedule.plan.cron.robfig_parser import Bits
from agentschedule.plan.cron.search import calm, is_due_day, next_due
from agentschedule.plan.cron.zones import DAY, EPOCH_ORDINAL, Zone

# A gap of more than five years ends the schedule for robfig; within a year it cannot hide in a sum.
_STRETCH = 366 * DAY


class Chain(NamedTuple):
    """Due times counted from a start: how many up to now, and the last of them, from which the chain goes on."""

    total: int
    last: int


def count_due(bits: Bits, zone: Zone, chain: Chain, until: int) -> Chain:
    """The chain with the due times in (chain.last, until], stepping from `chain.last`."""
    total, last = chain
    while (due := next_due(bits, zone, last)) is not None and due <= until:
        counted, last = _stretch(bits, zone, due, until)
        total += 1 + counted
    return Chain(total, last)


def _stretch(bits: Bits, zone: Zone, due: int, until: int) -> tuple[int, int]:
    """The due times after a due one, through the last whole day on which the clock surely stays the same, or what is
    left of a day near a change: their number, and the last of them (the given one if there are none)."""
    piece = zone.segment(due)
    if piece.offset % 60:
        return 0, due
    today, second = divmod(due + piece.offset, DAY)
    end = (min(until, piece.end - 2 * DAY, due + _STRETCH) + piece.offset) // DAY
    if not calm(piece, due) or end <= today:
        if not is_due_day(
            bits, date.fromordinal(today + EPOCH_ORDINAL)
        ):  # robfig lost its step, for want of a midnight
            return 0, due
        return _rest_of_day(bits, due, second, min(until, piece.end - 1, due + DAY - 1 - second))
    number, last = _days_between(bits, today, end)
    total = _later_today(bits, second // 60) + number * bits.per_day
    return total, last * DAY + bits.last_minute * 60 - piece.offset


def _rest_of_day(bits: Bits, due: int, second: int, until: int) -> tuple[int, int]:
    """The due times after a due one, at that second of its day, through `until`, while neither the day nor the clock
    changes. There robfig's steps from a due time are the calendar's, also on the day of a change: it rounds its start
    down, which can fall into another hour, only where that is not due."""
    minute, limit = second // 60, (second + until - due) // 60
    number = _later_today(bits, minute) - _later_today(bits, limit)
    return number, due - second + 60 * _latest(bits, limit) if number else due


def _latest(bits: Bits, minute: int) -> int:
    """The last due minute of a due day up to `minute`, which is there."""
    hour, minute = divmod(minute, 60)
    now = bits.minute & ((2 << minute) - 1) if bits.hour >> hour & 1 else 0
    if now:
        return hour * 60 + now.bit_length() - 1
    return ((bits.hour & ((1 << hour) - 1)).bit_length() - 1) * 60 + bits.minute.bit_length() - 1


def _later_today(bits: Bits, minute: int) -> int:
    """The due times of a due day after a minute of it."""
    hour, minute = divmod(minute, 60)
    now = (bits.minute >> minute + 1).bit_count() if bits.hour >> hour & 1 else 0
    return now + (bits.hour >> hour + 1).bit_count() * bits.minute.bit_count()


def _days_between(bits: Bits, first: int, end: int) -> tuple[int, int]:
    """The due days after `first` and before `end` (days since 1970): their number and the last, else `first`."""
    number, last, day = 0, first, first + 1
    while day < end:
        today = date.fromordinal(day + EPOCH_ORDINAL)
        length = min(monthrange(today.year, today.month)[1], today.day + end - day - 1)
        weekday = (today.toordinal() - today.day + 1) % 7
        due = (bits.days[weekday] & ((2 << length) - 1)) >> today.day if bits.month >> today.month & 1 else 0
        if due:
            number, last = number + due.bit_count(), day + due.bit_length() - 1
        day += length - today.day + 1
    return number, last
