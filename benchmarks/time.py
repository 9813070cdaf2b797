"""How fast the next due time is found, and a year counted; beside croniter and, where it is installed, cronsim.

Run: python benchmarks/time.py. Exits with 1 when a goal is missed: next in 10 µs typically and 50 µs at worst for
sparse schedules, a year of `* * * * *` counted in 0.5 s. Figures are of the quietest of several rounds.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import perf_counter, process_time
from typing import Any
from zoneinfo import ZoneInfo

from agentschedule.plan import cron

TYPICAL = ["0 9 * * 1-5", "*/15 9-17 * * 1-5", "*/5 * * * *", "0 * * * *", "30 2 * * *", "0 0 1 * *"]
SPARSE = ["0 0 29 2 *", "0 0 1 1 *", "0 0 31 * *", "0 12 13 * *", "0 0 29 2,4 *", "59 23 31 12 *"]
ZONES = ["Etc/UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Santiago", "Asia/Beirut"]
START = datetime(2026, 1, 1, 0, 7, 11, tzinfo=UTC)
STEPS, ROUNDS = 200, 5
TYPICAL_GOAL, SPARSE_GOAL, YEAR_GOAL = 10.0, 50.0, 0.5  # µs, µs, s

Stepper = Callable[[str, str, int], None]  # schedule, zone, number of steps


def ours(schedule: str, zone: str, steps: int) -> None:
    """From starts spread over two years, so that changes of the clock get their share."""
    parsed = cron.parse(schedule, zone)
    for step in range(steps):
        parsed.next(START + timedelta(days=730 / steps * step))


def by_croniter(schedule: str, zone: str, steps: int) -> None:
    croniter: Any = importlib.import_module("croniter").croniter
    for step in range(steps):
        croniter(schedule, (START + timedelta(days=730 / steps * step)).astimezone(ZoneInfo(zone))).get_next(datetime)


def by_cronsim(schedule: str, zone: str, steps: int) -> None:
    cronsim: Any = importlib.import_module("cronsim").CronSim
    for step in range(steps):
        next(cronsim(schedule, (START + timedelta(days=730 / steps * step)).astimezone(ZoneInfo(zone))))


def microseconds(stepper: Stepper, schedule: str, zone: str) -> float:
    """The processor time of a step in the quietest round, after a first one that reads the zone."""
    stepper(schedule, zone, STEPS)
    rounds = []
    for _ in range(ROUNDS):
        begin = process_time()
        stepper(schedule, zone, STEPS)
        rounds.append((process_time() - begin) / STEPS * 1e6)
    return min(rounds)


def slowest_start(schedule: str, zone: str) -> float:
    """The slowest of our starts, each in its quietest of several tries."""
    parsed, starts = cron.parse(schedule, zone), [START + timedelta(days=730 / STEPS * step) for step in range(STEPS)]
    best = [float("inf")] * STEPS
    for _ in range(ROUNDS):
        for number, start in enumerate(starts):
            begin = perf_counter()
            parsed.next(start)
            best[number] = min(best[number], (perf_counter() - begin) * 1e6)
    return max(best)


def table(title: str, schedules: list[str]) -> tuple[float, float]:
    """Prints one group beside the others; returns our worst mean and our slowest single start."""
    print(f"\n{title}: µs for each next, mean over starts in two years; `worst` is our slowest start")
    steppers = {"ours": ours, "croniter": by_croniter, "cronsim": by_cronsim}
    steppers = {name: stepper for name, stepper in steppers.items() if name == "ours" or installed(name)}
    print(f"{'':44}" + "".join(f"{name:>10}" for name in [*steppers, "worst"]))
    mean = worst = 0.0
    for schedule in schedules:
        for zone in ZONES:
            figures = [microseconds(stepper, schedule, zone) for stepper in steppers.values()]
            figures.append(slowest_start(schedule, zone))
            mean, worst = max(mean, figures[0]), max(worst, figures[-1])
            print(f"{schedule:20}{zone:24}" + "".join(f"{figure:10.1f}" for figure in figures))
    return mean, worst


def installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def year(zone: str) -> float:
    """Seconds of processor time to count a year of minutes, the reading of the zone included."""
    begin = process_time()
    counted = cron.parse("* * * * *", zone).count(START, START + timedelta(days=365))
    seconds = process_time() - begin
    print(f"{zone:24}{counted:10,} due times in {seconds:.3f} s")
    return seconds


def hard_cases() -> None:
    """What could go on for ever: a lost day, leap days beyond 2100, a date that never comes."""
    for schedule, zone, start in (
        ("0 0 30 12 *", "Pacific/Apia", datetime(2011, 12, 1, tzinfo=UTC)),
        ("0 0 29 2 *", "Etc/UTC", datetime(2096, 3, 1, tzinfo=UTC)),
        ("0 0 30 2 *", "Etc/UTC", START),
    ):
        begin = perf_counter()
        due = cron.parse_live(schedule, zone).next(start)
        print(f"{schedule:20}{zone:24} {due} after {(perf_counter() - begin) * 1e6:.0f} µs")


def main() -> int:
    print("A year of `* * * * *`")
    slowest_year = max(year(zone) for zone in [*ZONES, "Africa/Casablanca"])
    hard_cases()
    typical, _ = table("Typical", TYPICAL)
    _, sparse = table("Sparse", SPARSE)
    print(f"\ntypical {typical:.1f} µs at most, sparse {sparse:.1f} µs at worst, a year {slowest_year:.3f} s")
    return int(typical > TYPICAL_GOAL or sparse > SPARSE_GOAL or slowest_year > YEAR_GOAL)


if __name__ == "__main__":
    sys.exit(main())
