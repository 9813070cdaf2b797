"""The oracle: robfig/cron v3 itself, asked in batches. Built from tests/oracle/program when it has changed."""

from __future__ import annotations

import hashlib
import importlib.resources
import os
import shutil
import subprocess
import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from agentschedule.plan.cron import zone_check, zones

PROGRAM = Path(__file__).parent / "program"


@lru_cache(maxsize=1)
def binary() -> Path:
    """The program, built into the cache directory under a name that changes with its sources."""
    go = shutil.which("go") or "/usr/local/go/bin/go"
    sources = b"".join((PROGRAM / name).read_bytes() for name in ("main.go", "go.mod", "go.sum"))
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "agentschedule"
    target = cache / f"oracle-{hashlib.sha256(sources).hexdigest()[:16]}"
    if not target.exists():
        cache.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f"{target.name}.{os.getpid()}")  # two test workers may build at once
        subprocess.run([go, "build", "-o", str(fresh), "."], cwd=PROGRAM, check=True)
        fresh.replace(target)
    return target


def zone_directory() -> str:
    """The zone data of the package tzdata, which both sides read in these tests."""
    return str(importlib.resources.files("tzdata") / "zoneinfo")


def ask(requests: list[str]) -> list[str]:
    """One answer for each request; the protocol is at the top of program/main.go."""
    environment = {**os.environ, "ZONEINFO": zone_directory()}
    done = subprocess.run(
        [str(binary())], input="\n".join(requests) + "\n", env=environment, capture_output=True, text=True, check=True,
        timeout=600,
    )  # fmt: skip
    answers = done.stdout.splitlines()
    assert len(answers) == len(requests)
    return answers


def quoted(schedule: str) -> str:
    """A Go string literal, for requests whose text may hold anything."""
    return '"' + "".join(c if " " <= c <= "~" and c not in '"\\' else f"\\U{ord(c):08x}" for c in schedule) + '"'


@contextmanager
def package_zone_data() -> Iterator[None]:
    """Python reads the package tzdata, whatever the machine has, for as long as this lasts."""
    before = zoneinfo.TZPATH
    try:
        zoneinfo.reset_tzpath(to=[])
        _forget()
        yield
    finally:
        zoneinfo.reset_tzpath(to=before)
        _forget()


def _forget() -> None:
    zoneinfo.ZoneInfo.clear_cache()
    zones.zone.cache_clear()
    zone_check.known_zones.cache_clear()
