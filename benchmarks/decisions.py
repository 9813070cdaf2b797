"""What single decisions cost: processor time, for shapes that a tenant may choose, and how it grows with his objects.

Run: python -m benchmarks.decisions [name…]. Exits with 1 when a goal is missed: 20 ms for each decision that needs no
more objects than the limits allow; and for what is bounded by quota alone, a cost that grows no faster than the number.
"""

from __future__ import annotations

import gc
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import process_time
from typing import Any

from agentschedule.plan.cron import parse, parse_live, zones
from agentschedule.plan.observed import Observed
from agentschedule.plan.run.plan import plan_run
from agentschedule.plan.schedule.advisories import clock_changes
from agentschedule.plan.schedule.plan import plan_schedule
from benchmarks.growing import GROWING, NOW, OPEN, Make, own, waiting_world
from tests.unit.builders import (
    a_schedule,
    unexplained,
)

GOAL_MS, ROUNDS = 20.0, 3
GROWTH_GOAL = 1.25  # the exponent; caches of the processor make it a little more than 1, a square would be 2
FEW, MANY = 1_000, 10_000
ZONES = ("America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "America/Santiago")


def forget() -> None:
    """What was kept of earlier decisions: each is measured as the first of its kind."""
    clock_changes.cache_clear()
    zones.zone.cache_clear()
    getattr(zones, "_read", zones.zone).cache_clear()


def milliseconds(make: Callable[[], Callable[[], object]]) -> float:
    """The processor time of a decision in the quietest round; each round has a world of its own."""
    rounds = []
    for _ in range(ROUNDS):
        decide = make()
        forget()
        gc.collect()
        gc.disable()
        begin = process_time()
        decide()
        rounds.append((process_time() - begin) * 1e3)
        gc.enable()
    return min(rounds)


def first_look(schedule: str = "0 * * * *", zone: str = "Etc/UTC", **more: Any) -> Callable[[], Callable[[], object]]:
    """The first reconcile of a schedule with its CronJob: validated, warned of the clock, next times told."""

    def make() -> Callable[[], object]:
        judged = a_schedule(schedule=schedule, timeZone=zone, **more)
        live = own(judged, last_schedule_time=NOW - timedelta(minutes=1))
        world = unexplained(Observed(live))
        return lambda: plan_schedule(judged, world, NOW)

    return make


def outage(schedule: str, zone: str, days: int, policy: str = "Allow") -> Callable[[], Callable[[], object]]:
    """The ledger after an absence."""
    since = NOW - timedelta(days=days)

    def make() -> Callable[[], object]:
        status = {"observedGeneration": 1, "accountedThrough": since.isoformat()}
        judged = a_schedule(status, schedule=schedule, timeZone=zone, concurrencyPolicy=policy)
        live = own(judged, created=since, last_schedule_time=since)
        world = unexplained(Observed(live))
        return lambda: plan_schedule(judged, world, NOW)

    return make


def moments() -> Iterator[tuple[str, Callable[[], Callable[[], object]]]]:
    yield from _first_looks()
    yield from _long_searches()


def _first_looks() -> Iterator[tuple[str, Callable[[], Callable[[], object]]]]:
    """Of what an author may write."""
    every = ",".join(str(minute) for minute in range(60))
    for zone in ZONES:
        for schedule in ("* * * * *", "*/1 0-23 * * *", f"{every[:100]} * * * *", "*/30 * * * *", "0 * * * *",
                         "30 2 * * *", "* * * 1 *", "0 0 29 2 *", "59 23 31 12 *", "* * 29 2 *"):  # fmt: skip
            yield f"first look, {schedule[:18]}, {zone}", first_look(schedule, zone)
    yield "first look, never due", first_look("0 0 30 2 *")
    yield "window in 8990, New York", first_look("* * * * *", "America/New_York", startAt="8990-01-01T00:00:00Z")
    message = "x" * 31_000
    yield "message and params of 31 k", first_look(message=message, params={"text": message})
    yield (
        "15 variables of 4 k",
        first_look(
            agent={"image": "agent.test/none:1", "env": [{"name": f"V{n}", "value": "x" * 4_000} for n in range(15)]}
        ),
    )
    yield (
        "2,500 variables",  # as many as fit
        first_look(
            agent={"image": "agent.test/none:1", "env": [{"name": f"V{n}", "value": "x"} for n in range(2_500)]}
        ),
    )


def _long_searches() -> Iterator[tuple[str, Callable[[], Callable[[], object]]]]:
    """After long outages, through rare months, and near a change of the clock."""
    for schedule in ("* * * * *", "* * * 1 *", "0 0 29 2 *", "30 2 * * *"):
        for policy in ("Allow", "Forbid"):
            for days in (3, 400, 3_650):
                yield f"outage of {days} days, {schedule}, {policy}", outage(schedule, "America/New_York", days, policy)
    live = parse("* * * 1 *", "America/New_York")
    start = datetime(2024, 3, 1, tzinfo=UTC)
    yield "last, * * * 1 *", lambda: lambda: live.last(start, NOW.replace(month=12))
    chain = parse_live("@every 61s", "Etc/UTC")
    yield "chain of @every, 10 years", lambda: lambda: chain.following(NOW - timedelta(days=3650), NOW)
    dense = parse("* * * * *", "America/New_York")
    change = datetime(2026, 3, 8, 8, tzinfo=UTC)
    yield "following, near a change", lambda: lambda: dense.following(change - timedelta(days=900), change)


def reconcile_of_waiting(policy: str, number: int) -> float:
    """One look at each of n waiting runs, in ms: what a reconcile does."""

    def make() -> Callable[[], object]:
        schedule, observed, runs = waiting_world(policy, number)
        return lambda: [plan_run(run, schedule, replace(observed, answers=()), NOW) for run in runs]

    return milliseconds(make)


def wanted(name: str) -> bool:
    return not sys.argv[1:] or any(word in name for word in sys.argv[1:])


def main() -> int:
    print(f"Decisions that need no more objects than the limits allow: ms of processor time, goal {GOAL_MS:.0f}")
    slow = []
    for name, make in moments():
        if wanted(name):
            spent = milliseconds(make)
            slow += [name] if spent > GOAL_MS else []
            print(f"  {name:58}{spent:10.2f}{'   too slow' if spent > GOAL_MS else ''}")
    print(f"\nOne look at each of {OPEN} waiting runs, ms")
    for policy in ("Allow", "Forbid", "Replace"):
        if wanted(f"look at each, {policy}"):
            print(f"  {policy:58}{reconcile_of_waiting(policy, OPEN):10.2f}")
    print(f"\nDecisions that grow with the objects: ms at {OPEN}, {FEW:,} and {MANY:,}, and the exponent")
    for name, make in GROWING.items():
        if wanted(name):
            slow += grows(name, make)
    print("\nevery goal is met" if not slow else f"\nmissed: {'; '.join(slow)}")
    return int(bool(slow))


def grows(name: str, make: Make) -> list[str]:
    """Prints one shape; returns its name if it misses a goal. A shape that is far too slow is not tried with more."""
    spent: list[float] = []
    for number in (OPEN, FEW, MANY):
        if spent and spent[-1] > 1_500:
            break
        spent.append(milliseconds(lambda number=number: make(number)))
    exponent = math.log10(spent[-1] / spent[-2])
    missed = spent[0] > GOAL_MS or exponent > GROWTH_GOAL
    figures = "".join(f"{figure:10.2f}" for figure in spent) + "         -" * (3 - len(spent))
    print(f"  {name:48}{figures}{exponent:8.2f}{'   missed' if missed else ''}", flush=True)
    return [name] if missed else []


if __name__ == "__main__":
    sys.exit(main())
