"""Which release of the tz database is in use: Python reads the system's files first, and the package ``tzdata`` for
names that are not there.
"""

from __future__ import annotations

import re
import zoneinfo
from pathlib import Path

import tzdata  # type: ignore[import-untyped]

UNKNOWN = "unknown release"
_RELEASE = re.compile(r"(?:# version )?([0-9]{4}[a-z]+)\b")


def describe() -> str:
    """The release, and where it comes from; two of them where the system's copy lacks names."""
    names = zoneinfo.available_timezones()
    package = f"{tzdata.IANA_VERSION} (tzdata package)"
    system = next((folder for folder in map(Path, zoneinfo.TZPATH) if (folder / "Etc/UTC").is_file()), None)
    if system is None:
        return package
    lacking = sum(not any(Path(folder, name).is_file() for folder in zoneinfo.TZPATH) for name in names)
    rest = f", and {package} for {lacking} zones that it lacks" if lacking else ""
    return f"{_release(system)} ({system}){rest}"


def _release(folder: Path) -> str:
    """Debian, Fedora and Alpine ship tzdata.zi, macOS +VERSION."""
    for name in ("tzdata.zi", "+VERSION"):
        try:
            with (folder / name).open(encoding="ascii", errors="replace") as file:
                found = _RELEASE.match(file.readline(100))
        except OSError:
            continue
        if found:
            return found[1]
    return UNKNOWN
