"""The table of a zone's offsets is complete: against the transitions that the zone's file itself lists."""

from __future__ import annotations

from importlib import resources
from io import BytesIO
from itertools import pairwise
from zoneinfo import _zoneinfo as reference  # type: ignore[attr-defined]  # the pure Python one shows its table
from zoneinfo import available_timezones

from agentschedule.plan.cron.zone_names import ABBREVIATIONS, NO_SUMMER_TIME, WINDOWS_ZONES
from agentschedule.plan.cron.zones import zone
from tests.oracle import package_zone_data

YEAR_1900, YEAR_2037 = -2_208_988_800, 2_114_380_800


def content(name: str) -> bytes:
    """A zone's file."""
    return resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes()


def listed(name: str) -> list[tuple[int, int]]:
    """(instant, new offset) of each change of the offset in these years."""
    data = reference.ZoneInfo.from_file(BytesIO(content(name)), name)
    before = [(0, int(data._tti_before.utcoff.total_seconds()))] if data._tti_before else []
    offsets = [int(kind.utcoff.total_seconds()) for kind in data._ttinfos]
    held = before + list(zip(data._trans_utc, offsets, strict=True))
    changed = [new for old, new in pairwise(held) if old[1] != new[1]]
    return [change for change in changed if YEAR_1900 < change[0] < YEAR_2037]


def tabled(name: str) -> list[tuple[int, int]]:
    return [(instant, offset) for instant, _, offset in zone(name).changes(YEAR_1900, YEAR_2037 - 1)]


def test_no_change_of_any_clock_is_overlooked() -> None:
    with package_zone_data():
        different = {content(name): name for name in sorted(available_timezones() - {"Factory"})}  # most are links
        for name in sorted(different.values()):
            wanted = listed(name)
            until = wanted[-1][0] if wanted else YEAR_1900  # from there on the file holds a rule, not a list
            assert [change for change in tabled(name) if change[0] <= until] == wanted, name


def test_the_names_to_write_instead_exist() -> None:
    with package_zone_data():
        known = available_timezones()
    for names in (ABBREVIATIONS, WINDOWS_ZONES, NO_SUMMER_TIME):
        assert set(names.values()) <= known
    assert not set(ABBREVIATIONS) & known
