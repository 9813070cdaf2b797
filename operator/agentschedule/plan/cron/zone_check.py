"""Which time zones a schedule may name, and what to write instead.

Accepted is what the API server accepts (apivalidation.validateTimeZone, then time.LoadLocation) and zoneinfo knows.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import lru_cache
from zoneinfo import available_timezones

from agentschedule.plan.cron.robfig_parser import ScheduleError
from agentschedule.plan.cron.zone_names import ABBREVIATIONS, NO_SUMMER_TIME, WINDOWS_ZONES

_PART = re.compile(r"[A-Za-z._0-9+][A-Za-z._0-9+-]{0,13}")
_OFFSET = re.compile(r"(?:utc|gmt)? ?([+-−])0?([0-9]|1[0-4])(?::?([0-9]{2}))?", re.IGNORECASE)
# Files that are not zones but the machine's own setting, and trees of zoneinfo that Go's copy does not have.
_NOT_ZONES = re.compile(r"local|localtime|posixrules|(?:posix|right)/.*", re.IGNORECASE)


def check_zone(time_zone: str) -> None:
    """Nothing for a zone that the controller can use; ScheduleError with the name to write for any other."""
    if time_zone not in known_zones():
        raise ScheduleError(f"timeZone {time_zone!r} {_advice(time_zone.strip())}")


def zone_warning(time_zone: str) -> str | None:
    """A sentence about a zone that is accepted but may not be what its author means; None for all others."""
    meant = NO_SUMMER_TIME.get(time_zone)
    if meant:
        return f"timeZone {time_zone} has no summer time, at any time of the year; if you mean the place, write {meant}"
    if re.fullmatch(r"Etc/GMT[+-][1-9][0-9]?", time_zone):
        sign, hours = ("west" if "+" in time_zone else "east"), time_zone[8:]
        return f"timeZone {time_zone} is {hours} hours {sign} of Greenwich (its sign is inverted), without summer time"
    return None


@lru_cache(maxsize=1)
def known_zones() -> frozenset[str]:
    names = (name for name in available_timezones() if not _NOT_ZONES.fullmatch(name))
    return frozenset(name for name in names if all(_PART.fullmatch(part) for part in name.split("/")))


def _advice(name: str) -> str:
    if not name:
        return "is empty; write an IANA zone such as Europe/Berlin, or Etc/UTC"
    if name.casefold() in ("local", "localtime"):
        return "means the machine's own setting; write an IANA zone such as Europe/Berlin, or Etc/UTC"
    if re.match(r"(?:posix|right)/", name):
        return f"is not a zone of the cluster; write {name.split('/', 1)[1]}"
    return _known(name) or _fixed(name) or _near(name)


def _known(name: str) -> str | None:
    windows = _folded(WINDOWS_ZONES).get(name.casefold())
    if windows:
        return f"is a Windows name; write the IANA zone {windows}"
    meant = _folded(ABBREVIATIONS).get(name.casefold())
    return f"is an abbreviation, not a zone; write the IANA zone of the place, such as {meant}" if meant else None


def _folded(names: dict[str, str]) -> dict[str, str]:
    return {name.casefold(): zone for name, zone in names.items()}


def _fixed(name: str) -> str | None:
    found = _OFFSET.fullmatch(name)
    if not found:
        return None
    sign, hours, minutes = found[1], int(found[2]), found[3]
    zone = "Etc/UTC" if not hours else f"Etc/GMT{'-' if sign == '+' else '+'}{hours}"
    if minutes in (None, "00") and zone in known_zones():
        return f"is an offset; write the IANA zone of the place, or {zone} (its sign is inverted on purpose)"
    return "is an offset; write the IANA zone of the place, such as Europe/Berlin"


def _near(name: str) -> str:
    by_fold = {zone.casefold(): zone for zone in sorted(known_zones(), reverse=True)}
    by_city = {zone.rpartition("/")[2]: by_fold[zone] for zone in by_fold}
    folded = re.sub(r"[ -]+", "_", name).casefold()
    exact = by_fold.get(name.casefold()) or by_fold.get(folded) or by_city.get(folded.rpartition("/")[2])
    near = exact or next((by_fold[zone] for zone in get_close_matches(folded, by_fold, 1, 0.75)), None)
    advice = f"did you mean {near}?" if near else "write an IANA zone such as Europe/Berlin, or Etc/UTC"
    return f"is not an IANA time zone; {advice}"
