"""Random histories of a simulated cluster: whatever was down, edited or deleted, each due time ends in one class, and
in the right one; nothing starts twice, too early or too late. ``AGENTSCHEDULE_HISTORIES`` runs more of them.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.plan.schedule.simulation import Happening, History, play
from tests.unit.plan.schedule.simulation.history import cron, draw, every, restarted

SEED = os.environ.get("AGENTSCHEDULE_SEED", "1")
HISTORIES = int(os.environ.get("AGENTSCHEDULE_HISTORIES", "500"))
PARTS = 10
# Every so many histories is played once more, with restarts.
RESTARTED = 10
START = datetime(2026, 6, 10, 11, 20, 17, tzinfo=UTC)


def wrong(history: History) -> list[str]:
    """What is wrong with a history: on its way, or at its end."""
    try:
        return list(play(history).wrong)
    except AssertionError as error:
        return [str(error).partition("\n")[0]]


def shrunk(history: History) -> History:
    """The history with as few happenings as still go wrong."""
    smaller = True
    while smaller:
        smaller = False
        for item in history.happenings:
            rest = tuple(other for other in history.happenings if other is not item)
            if wrong(replace(history, happenings=rest)):
                history, smaller = replace(history, happenings=rest), True
                break
    return history


def told(name: str, history: History) -> str:
    """A failing history, to be read, and played again."""
    history = shrunk(history)
    return f"history {name}: {'; '.join(wrong(history))}\n{history!r}"


@pytest.mark.parametrize("part", range(PARTS))
def test_every_due_time_ends_in_its_class(part: int) -> None:
    print(f"seed {SEED}, {HISTORIES} histories")
    for number in range(part, HISTORIES, PARTS):
        name = f"{SEED}-{number}"
        history = draw(name)
        if wrong(history):
            pytest.fail(told(name, history), pytrace=False)


def told_status(history: History) -> dict[str, Any]:
    """The status at the end, without the moments at which it was written."""
    status = play(history).status
    for condition in status.get("conditions", ()):
        del condition["lastTransitionTime"]
    return status


@pytest.mark.parametrize("part", range(PARTS))
def test_a_restart_of_the_operator_changes_nothing(part: int) -> None:
    for number in range(part * RESTARTED, HISTORIES, PARTS * RESTARTED):
        name = f"{SEED}-{number}"
        history = draw(name)
        again = restarted(history, name)
        one, other = told_status(history), told_status(again)
        differs = {key: (one.get(key), other.get(key)) for key in one | other if one.get(key) != other.get(key)}
        assert not differs, f"history {name}, restarted: {differs}\n{again!r}"


def hourly(*happenings: Happening, **more: object) -> History:
    terms = {"startingDeadlineSeconds": 300, "concurrencyPolicy": "Forbid"}
    spec = cron("0 * * * *") | terms | {"history": {"succeeded": 0, "failed": 0}}
    return replace(History(START, 6 * 3600, spec, happenings), **more)  # type: ignore[arg-type]


REGRESSIONS = {
    # The Job whose run held others back went, with its record, before what it held back was counted.
    "evidence stays until it is counted": hourly(
        seconds=60 * 3600,
        start=datetime(2026, 3, 7, 3, 0, 59, tzinfo=UTC),
        spec=hourly().spec | cron("15 1,2,3 * * *", "America/New_York") | {"startingDeadlineSeconds": 64800},
        lengths=(11707.5, 11286.5, 4026.5),
        lags=(2.5, 0.1, 0.9),
        status_lag=0.4,
        kept=1,
    ),
    # Somebody deletes a running Job: at once the next starts, and the record of the first has no end yet.
    "a run that is gone held back until now": hourly(
        Happening(107.87, "controller", 1.3),
        Happening(283.62, "operator", 23.5),
        Happening(285.62, "controller", 14.2),
        Happening(285.62, "delete"),
        seconds=720,
        spec=hourly().spec | every("1m") | {"startingDeadlineSeconds": 180},
        lengths=(78.5, 124.5, 83.5),
        lags=(2.5, 0.1, 0.9),
        status_lag=0.05,
    ),
    # The operator dies between the mark and the spec: the mark is no run.
    "a mark without its spec": hourly(
        Happening(900.31, "operator", 120, fuse=1), Happening(905.31, "edit", spec=every("50m"))
    ),
    # The CronJob goes on after the end while the operator is down: what it does not start was not due.
    "nothing is missed after the end": hourly(
        Happening(2700.31, "nested", 4 * 3600), spec=hourly().spec | {"endAt": START.replace(hour=13, minute=21)}
    ),
    # Back after the end, and before the controller: what the CronJob owes is not due.
    "the operator starts nothing after the end": hourly(
        Happening(3000.31, "operator", 6700),
        Happening(3000.31, "controller", 10600),
        spec=hourly().spec | {"endAt": START.replace(hour=13, minute=21)},
    ),
    # As many Jobs are kept as can be; what was missed after the oldest of them is known to be missed.
    "a full history forgets only what is older": hourly(
        Happening(3 * 3600.31, "nested", 2.4 * 3600), spec=hourly().spec | {"history": {"succeeded": 10}}, kept=2
    ),
    # The first run of an interval is due within the window, though now and the interval lead beyond it.
    "an interval counts from its mark": hourly(
        Happening(1800.13, "restart"),
        spec=hourly().spec | every("1h") | {"endAt": START.replace(hour=12, minute=30)},
    ),
    # Held back, and then neither policy nor deadline let it start any more: it was skipped.
    "an edit of the policy does not rewrite the past": hourly(
        Happening(2.9 * 3600.31, "edit", spec={"concurrencyPolicy": "Allow", "startingDeadlineSeconds": 600}),
        spec=hourly().spec | {"startingDeadlineSeconds": 3000},
        lengths=(5 * 3600.5,),
    ),
}


@pytest.mark.parametrize("name", REGRESSIONS)
def test_regression(name: str) -> None:
    assert wrong(REGRESSIONS[name]) == [], told(name, REGRESSIONS[name])
