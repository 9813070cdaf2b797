"""How many due times lie between two instants.

The clock changes on a few days a year. On these the due times are stepped through; the days between are counted.
All instants are seconds since 1970 UTC.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date

from agentschedule.plan.cron.robfig_parser import Bits
from agentschedule.plan.cron.search import calm, next_due
from agentschedule.plan.cron.zones import DAY, EPOCH_ORDINAL, Zone

# A gap of more than five years ends the schedule for robfig; within a year it cannot hide in a sum.
_STRETCH = 366 * DAY


def count_due(bits: Bits, zone: Zone, after: int, until: int) -> int:
    """The number of due times in (after, until], stepping from `after`."""
    total, due = 0, next_due(bits, zone, after)
    while due is not None and due <= until:
        counted, due = _stretch(bits, zone, due, until)
        total += 1 + counted
        due = next_due(bits, zone, due)
    return total


def _stretch(bits: Bits, zone: Zone, due: int, until: int) -> tuple[int, int]:
    """The due times after a due one, through the last whole day on which the clock surely stays the same: their
    number, and the last of them (the given one if there are none)."""
    piece = zone.segment(due)
    if not calm(piece, due):
        return 0, due
    today, second = divmod(due + piece.offset, DAY)
    end = (min(until, piece.end - 2 * DAY, due + _STRETCH) + piece.offset) // DAY
    if end <= today:
        return 0, due
    number, last = _days_between(bits, today, end)
    total = _later_today(bits, second // 60) + number * bits.per_day
    return total, last * DAY + bits.last_minute * 60 - piece.offset


def _later_today(bits: Bits, minute: int) -> int:
    """The due times of a due day after its due minute."""
    hour, minute = divmod(minute, 60)
    return (bits.minute >> minute + 1).bit_count() + (bits.hour >> hour + 1).bit_count() * bits.minute.bit_count()


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
