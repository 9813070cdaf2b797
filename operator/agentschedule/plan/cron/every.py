"""`@every D`, which the project writes for `interval`.

Sources: Go's time.ParseDuration; robfig/cron v3 constantdelay.go.
"""

from __future__ import annotations

import re
from fractions import Fraction

from agentschedule.plan.cron.robfig_parser import ScheduleError

PREFIX = "@every "
# Nanoseconds. Both signs for micro are Go's.
_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_PART = re.compile(r"([0-9]*)(\.?)([0-9]*)(ns|us|µs|μs|ms|s|m|h)")
_INT64 = 1 << 63
# No number of hours below 2**63 ns has more digits; and of a fraction, these say more than the nanoseconds do.
_MOST_DIGITS = 19
_SHOWN = 64


def every_seconds(text: str) -> int:
    """The seconds between the due times of `@every D`: whole ones, at least 1, as robfig rounds."""
    nanoseconds = _duration(text.removeprefix(PREFIX))
    return max(1, nanoseconds // 10**9)


def _duration(text: str) -> int:
    digits = text[1:] if text[:1] in ("+", "-") else text
    if digits == "0":
        return 0
    parts = _PART.findall(digits)
    total = sum(_nanoseconds(whole, fraction, unit) for whole, _, fraction, unit in parts)
    if not parts or "".join("".join(part) for part in parts) != digits or total >= _INT64:
        raise ScheduleError(f"@every takes a duration such as 90m or 1h30m, not {text[:_SHOWN]!r}")
    return -total if text.startswith("-") else total


def _nanoseconds(whole: str, fraction: str, unit: str) -> int:
    """Beyond all bounds where there is no number, and where it has more digits than Python reads."""
    if not (whole or fraction) or len(whole.lstrip("0")) > _MOST_DIGITS:
        return _INT64
    digits = fraction[:_MOST_DIGITS]
    return int(Fraction(int(whole[-_MOST_DIGITS:] + digits or "0"), 10 ** len(digits)) * _UNITS[unit])
