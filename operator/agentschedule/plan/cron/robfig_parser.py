"""robfig/cron v3 ParseStandard, read line by line.

It takes what the API server takes, oddities included (`+5`, `1,,2`, `*-5`); what the project takes is the dialect's.
Source: github.com/robfig/cron/v3 v3.0.1 parser.go and spec.go.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


class ScheduleError(ValueError):
    """The schedule or its zone cannot be used. The text is a sentence for the author that says what to write."""


@dataclass(frozen=True)
class Field:
    """One of the five columns: what people call it, its least and greatest value, its names from `least` up."""

    name: str
    least: int
    greatest: int
    names: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        return self.greatest - self.least + 1

    def value(self, text: str) -> int:
        """A name or a number as Go reads it; ValueError for anything else and for negative numbers."""
        if text.lower() in self.names:
            return self.names.index(text.lower()) + self.least
        return go_number(text)


MINUTE = Field("minute", 0, 59)
HOUR = Field("hour", 0, 23)
DAY_OF_MONTH = Field("day of month", 1, 31)
MONTH = Field("month", 1, 12, MONTHS)
WEEKDAY = Field("weekday", 0, 6, WEEKDAYS)
FIELDS = (MINUTE, HOUR, DAY_OF_MONTH, MONTH, WEEKDAY)

MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}

# Of a schedule that is on the cluster: far beyond what five fields need. The API server takes longer ones; nobody means
# them, and they would cost time and memory.
MAX_SCHEDULE = 1024
LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_INTEGER = re.compile(r"[+-]?[0-9]+")
_INT64 = 1 << 63
# unicode.IsSpace, on which strings.Fields splits; str.split would also split at U+001C to U+001F.
_BLANKS = re.compile("[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")


@dataclass(frozen=True)
class Bits:
    """The due minutes as sets of integers: bit n of `hour` is hour n. `days[w]` are the due days of a month whose
    first is weekday w (0 is Sunday, as bit 0 of `weekday`): bit d is day d, up to 31."""

    minute: int
    hour: int
    month: int
    days: tuple[int, ...]
    first_minute: int  # the first due minute of a due day, 0 to 1439
    last_minute: int
    per_day: int  # due times on a due day, when the clock does not change
    empty: bool  # nothing is ever due

    @classmethod
    def of(cls, masks: list[int], *, both: bool) -> Bits:
        """From five bit sets. `both`: a due day must be in both day fields, else one is enough."""
        minute, hour, day, month, weekday = masks
        days = tuple(_due_days(first, day, weekday, both) for first in range(7))
        empty = not (minute and hour and _any_date(month, days))
        first = lowest(hour) * 60 + lowest(minute)
        last = (hour.bit_length() - 1) * 60 + minute.bit_length() - 1
        return cls(minute, hour, month, days, first, last, minute.bit_count() * hour.bit_count(), empty)


def lowest(bits: int) -> int:
    """The number of the lowest bit that is set."""
    return (bits & -bits).bit_length() - 1


def _due_days(first: int, day: int, weekday: int, both: bool) -> int:
    bits = 0
    for number in range(1, 32):
        in_day, in_weekday = day >> number & 1, weekday >> (first + number - 1) % 7 & 1
        bits |= ((in_day & in_weekday) if both else (in_day | in_weekday)) << number
    return bits


def _any_date(month: int, days: tuple[int, ...]) -> bool:
    """Whether any month of the schedule has, in any year, a due day."""
    due = days[0] | days[1] | days[2] | days[3] | days[4] | days[5] | days[6]
    return any(month >> number & 1 and due & ((2 << length) - 1) for number, length in enumerate(LENGTHS, 1))


@lru_cache(maxsize=4096)
def parse_standard(text: str) -> Bits:
    """Five fields or a macro (not `@every`, not `TZ=`) as bit sets; ScheduleError where robfig gives an error."""
    columns = split_fields(MACROS.get(text, text))
    if len(columns) != len(FIELDS):
        raise ScheduleError(f"a schedule has five fields (minute hour day month weekday); this has {len(columns)}")
    parsed = [column(entry, field) for entry, field in zip(columns, FIELDS, strict=True)]
    return Bits.of([mask for mask, _ in parsed], both=parsed[2][1] or parsed[4][1])


def split_fields(text: str) -> list[str]:
    """strings.Fields."""
    return [part for part in _BLANKS.split(text) if part]


def go_number(text: str) -> int:
    """strconv.Atoi, and no negative number; ValueError for anything else."""
    if not _INTEGER.fullmatch(text) or not 0 <= int(text) < _INT64:
        raise ValueError(text)
    return int(text)


def column(text: str, field: Field) -> tuple[int, bool]:
    """The bits of a field and whether it carries the star mark (getField)."""
    mask, star = 0, False
    for element in filter(None, text.split(",")):
        try:
            bits, marked = _element(element, field)
        except ValueError as error:
            raise ScheduleError(f"{field.name} {text!r} cannot be read: {element!r}") from error
        mask, star = mask | bits, star or marked
    return mask, star


def _element(text: str, field: Field) -> tuple[int, bool]:
    """getRange: number | number-number, each with /number. Of `*-5` it looks at the star alone."""
    span, *steps = text.split("/")
    low, *high = span.split("-")
    star = low in ("*", "?")
    first = field.least if star else field.value(low)
    last = field.greatest if star else (field.value(high[0]) if high else first)
    if len(steps) > 1 or (len(high) > 1 and not star):
        raise ValueError(text)
    step = go_number(steps[0]) if steps else 1
    if steps and not high:
        last = field.greatest
    if not field.least <= first <= last <= field.greatest or step == 0:
        raise ValueError(text)
    return sum(1 << value for value in range(first, last + 1, step)), star and step == 1
