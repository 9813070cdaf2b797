"""What a value can be, decided once: moments and numbers that users may write, drawn to what every sum takes.

What the API server takes for a date-time is a moment here, whatever its year and offset: a status that says 0000 or
9999 must not stop anybody. Sums of a moment in these bounds with any deadline or interval stay well inside Python's
calendar, and numbers inside of JSON's.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

# Moments that a spec may name, and that anything else is drawn to.
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9000, 1, 1, tzinfo=UTC)
# Seconds that a CronJob or Job may say: a hundred years are as good as for ever.
MAX_SECONDS = 100 * 366 * 86_400
# Beyond, JSON readers disagree.
MAX_COUNT = 2**53
# The API server's own grammar, also where its value is none of a calendar's: year 0, an offset of +99:99; and years of
# a fifth digit or a sign, which it makes itself where it turns 9999 or 0000 into UTC.
_DATE_TIME = re.compile(
    r"(-?[0-9]{3,5})-([0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:.[0-9]+)?(?:[Zz]|[+-].{5})"
)


def moment(text: str) -> datetime:
    """A date-time as the API server takes it, in UTC, drawn to EARLIEST and LATEST. ValueError for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = _odd(text)
    return within(found)


def within(moment: datetime) -> datetime:
    """The moment in UTC, or the bound that it lies beyond. One without a zone is in UTC."""
    if moment.year < EARLIEST.year - 1:
        return EARLIEST
    if moment.year > LATEST.year:
        return LATEST
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(aware.astimezone(UTC), EARLIEST), LATEST)


def _odd(text: str) -> datetime:
    """What Python's calendar does not have: of an odd offset or fraction, the moment without it."""
    found = _DATE_TIME.fullmatch(text)
    if found is None:
        raise ValueError("no date and time such as 2026-03-02T08:00:00Z")
    year = min(max(int(found[1]), 1), 9999)
    return datetime.fromisoformat(f"{year:04}-{found[2]}T{found[3]}")


def count(value: Any) -> Any:
    """A whole number in JSON's bounds; what is no number is returned as it is, for its model to refuse."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:  # noqa: PLR0124 (NaN)
        return value
    drawn = min(max(value, -MAX_COUNT), MAX_COUNT)
    return int(drawn) if drawn == int(drawn) else value


def seconds(value: int) -> int:
    """A length of time that can be added to any moment in bounds."""
    return min(max(value, 0), MAX_SECONDS)
