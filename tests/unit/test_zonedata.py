"""Which zone data are in use: as Python looks for them."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from pathlib import Path

import pytest
import tzdata  # type: ignore[import-untyped]

from agentschedule.zonedata import describe

PACKAGE = f"{tzdata.IANA_VERSION} (tzdata package)"


@pytest.fixture
def system(tmp_path: Path) -> Iterator[Path]:
    """A folder of the system with one zone."""
    (tmp_path / "Etc").mkdir()
    (tmp_path / "Etc/UTC").write_bytes(b"TZif")
    before = zoneinfo.TZPATH
    zoneinfo.reset_tzpath([tmp_path])
    yield tmp_path
    zoneinfo.reset_tzpath(before)


def test_without_zone_data_of_the_system_it_is_the_package(system: Path) -> None:
    (system / "Etc/UTC").unlink()
    assert describe() == PACKAGE


@pytest.mark.parametrize(
    ("name", "line", "release"),
    [
        ("tzdata.zi", "# version 2025b\n", "2025b"),
        ("tzdata.zi", "# version 2025b-dirty\n", "2025b"),
        ("+VERSION", "2024a\n", "2024a"),
        ("tzdata.zi", "R a 1 2\n", "unknown release"),
        ("none", "", "unknown release"),
    ],
)
def test_the_systems_zone_data_win_and_the_package_has_the_rest(
    system: Path, name: str, line: str, release: str
) -> None:
    (system / name).write_text(line)
    lacking = len(zoneinfo.available_timezones()) - 1
    assert describe() == f"{release} ({system}), and {PACKAGE} for {lacking} zones that it lacks"
