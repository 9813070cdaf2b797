"""``runs``: the records of a namespace as a table, the newest last; the columns are those of ``kubectl get``."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any

from agentschedule.cli.arguments import add_namespace
from agentschedule.cli.arguments import name as name_
from agentschedule.cli.cluster import connect
from agentschedule.cli.output import note, plain, say

HELP = "list runs"
NOTHING = "-"
# Columns that more is done with than to show them.
NAME, SCHEDULE, AGE = "Name", "Schedule", "Age"
# Units of an age, in seconds; the largest that fits at least twice is shown, as kubectl does.
UNITS = (("d", 86_400), ("h", 3_600), ("m", 60))

Row = dict[str, Any]  # by the column's name, what stands in the record; of the age, when it was made


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of which schedule; without one, of all in the namespace."""
    parser.add_argument(
        "name", type=name_, metavar="NAME", nargs="?", help="an AgentSchedule; default all in the namespace"
    )
    add_namespace(parser)


def run(args: argparse.Namespace) -> None:
    """Print the runs, of one schedule if a name is given. Raises CommandError."""
    cluster = connect(args.namespace)
    # By spec, not by label: a run made by hand has no label until the operator has seen it.
    rows = [row for row in map(_row, cluster.runs()) if args.name in (None, row[SCHEDULE])]
    if not rows:
        of = f" of {args.name}" if args.name else ""
        note(f"No runs{of} found in namespace {cluster.namespace}.")
        return
    rows.sort(key=lambda row: (row[AGE], row[NAME]))
    now = datetime.now(UTC)
    header = tuple(column.upper() for column in rows[0])
    say(*table([header, *(_cells(row, now) for row in rows)]))


def table(rows: list[tuple[str, ...]]) -> list[str]:
    """Rows of equal length, columns three spaces apart."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return [line.rstrip() for line in lines]


def age(seconds: float) -> str:
    """Seconds as kubectl shows an age: 119s, 5m, 3h, 12d."""
    unit, size = next(((unit, size) for unit, size in UNITS if seconds >= 2 * size), ("s", 1))
    return f"{max(0, int(seconds // size))}{unit}"


def _row(body: dict[str, Any]) -> Row:
    """Read by the columns' paths, not by the model: a record of another version is shown as well."""
    from agentschedule.api.crd import RUN, Column

    return {column.name: column.read(body) for column in (Column(NAME, ".metadata.name"), *RUN.columns)}


def _cells(row: Row, now: datetime) -> tuple[str, ...]:
    since = (now - datetime.fromisoformat(row[AGE])).total_seconds()
    shown = row | {AGE: age(since)}
    return tuple(NOTHING if value is None else plain(str(value)) for value in shown.values())
