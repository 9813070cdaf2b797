"""``runs``: the records of a namespace as a table, the newest last. Called by ``cli.main``."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from typing import Any

from agentschedule.cli.cluster import connect
from agentschedule.names import RUN_PLURAL

HEADER = ("NAME", "SCHEDULE", "TRIGGER", "STATUS", "ATTEMPT", "STARTED", "DURATION", "COST", "AGE")
NOTHING = "-"
# Units of an age, in seconds; the largest that fits at least twice is shown, as kubectl does.
UNITS = (("d", 86_400), ("h", 3_600), ("m", 60))


def command(args: argparse.Namespace) -> None:
    """Print the runs, of one schedule if a name is given. Raises CommandError."""
    cluster = connect(args.namespace)
    # By spec, not by label: a run made by hand has no label until the operator has seen it.
    found = [run for run in cluster.list(RUN_PLURAL) if args.name in (None, run["spec"]["scheduleName"])]
    if not found:
        of = f" of {args.name}" if args.name else ""
        print(f"No runs{of} found in namespace {cluster.namespace}.", file=sys.stderr)
        return
    found.sort(key=lambda run: (run["metadata"]["creationTimestamp"], run["metadata"]["name"]))
    now = datetime.now(UTC)
    print(table([HEADER, *(_row(run, now) for run in found)]))


def table(rows: list[tuple[str, ...]]) -> str:
    """Rows of equal length, columns three spaces apart."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def age(seconds: float) -> str:
    """Seconds as kubectl shows an age: 119s, 5m, 3h, 12d."""
    unit, size = next(((unit, size) for unit, size in UNITS if seconds >= 2 * size), ("s", 1))
    return f"{max(0, int(seconds // size))}{unit}"


def _row(run: dict[str, Any], now: datetime) -> tuple[str, ...]:
    meta, spec, status = run["metadata"], run["spec"], run.get("status") or {}
    created = datetime.fromisoformat(meta["creationTimestamp"])
    cells = (
        meta["name"],
        spec["scheduleName"],
        spec.get("trigger"),
        status.get("phase"),
        status.get("attempt"),
        status.get("startTime"),
        status.get("duration"),
        (status.get("usage") or {}).get("costUSD"),
        age((now - created).total_seconds()),
    )
    return tuple(NOTHING if cell is None else str(cell) for cell in cells)
