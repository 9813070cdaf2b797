"""kubectl agentschedule runs: the table."""

from __future__ import annotations

from typing import Any

import pytest

from agentschedule.cli.runs import age
from tests.unit.cli.world import Ended, Run, World


def record(name: str, schedule: str, minute: int, **status: Any) -> dict[str, Any]:
    created = f"2026-01-05T08:{minute:02}:00Z"
    metadata = {"name": name, "creationTimestamp": created}
    body: dict[str, Any] = {"metadata": metadata, "spec": {"scheduleName": schedule, "trigger": "Manual"}}
    return {**body, "status": status} if status else body


def test_runs_prints_a_table_the_newest_last(run: Run, world: World) -> None:
    done = {"phase": "Succeeded", "attempt": 1, "startTime": "2026-01-05T08:00:02Z", "duration": "4m12s"}
    world.runs = [
        record("weekly-1", "weekly", 9),
        record("daily-29384712", "daily", 0, **done, usage={"costUSD": "0.045"}),
    ]
    lines = [line.rsplit(maxsplit=1)[0] for line in run("runs").out.splitlines()]
    assert lines == [
        "NAME             SCHEDULE   TRIGGER   STATUS      ATTEMPT   STARTED                DURATION   COST",
        "daily-29384712   daily      Manual    Succeeded   1         2026-01-05T08:00:02Z   4m12s      0.045",
        "weekly-1         weekly     Manual    -           -         -                      -          -",
    ]


def test_runs_of_one_schedule_leaves_out_the_others(run: Run, world: World) -> None:
    world.runs = [record("weekly-1", "weekly", 9), record("daily-1", "daily", 0)]
    assert [line.split()[0] for line in run("runs", "daily").out.splitlines()] == ["NAME", "daily-1"]


@pytest.mark.usefixtures("world")
def test_no_runs_is_said_and_is_no_error(run: Run) -> None:
    assert run("runs") == Ended(0, "", "No runs found in namespace analytics.\n")
    assert run("runs", "daily", "-n", "other") == Ended(0, "", "No runs of daily found in namespace other.\n")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0s"),
        (0, "0s"),
        (119.9, "119s"),
        (120, "2m"),
        (7199, "119m"),
        (7200, "2h"),
        (172_800, "2d"),
        (10**8, "1157d"),
    ],
)
def test_an_age_is_short(seconds: float, text: str) -> None:
    assert age(seconds) == text
