"""Two operators and more: one leads, the others stand by; no write of one that has lost the Lease, nothing done twice.

Judged by the API server's own log, which knows each process by its name.
"""

from __future__ import annotations

import itertools
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from tests.integration.operators import LEASES, Operators, Replica, late, reigns
from tests.integration.steps import at_work, job_names, run_names
from tests.world import FULL, World, agent_schedule, schedule_run, wait_for
from tools.cluster.operator_process import SharedOperator

pytestmark = [pytest.mark.usefixtures("crds"), pytest.mark.xdist_group("leader"), pytest.mark.turn(-3)]

AFTER_KILL, AFTER_STOP = 15.0, 2.0  # seconds, as promised
CUT_OFF_SECONDS = 20.0
HAND_OVERS = 120 if FULL else 8
# In the many hand-overs, so that each takes less: what is said of fractions of it stays true.
SHORT = {"AGENTSCHEDULE_LEASE_SECONDS": "3", "AGENTSCHEDULE_MAX_OPEN_MANUAL_RUNS": "10000"}
SCHEDULES = [f"busy-{number}" for number in range(4)]
RUN_EVERY_SECONDS = 0.25


@pytest.fixture
def operators(
    place: World, operator_kubeconfig: Path, shared_operator: SharedOperator, tmp_path: Path
) -> Iterator[Callable[..., Operators]]:
    """Makes operators that do not outlive the test; the shared one, which knows of no Lease, rests."""
    shared_operator.rest()
    made: list[Operators] = []

    def make(**env: str) -> Operators:
        made.append(Operators(place, operator_kubeconfig, tmp_path, env))
        made[-1].forget_lease()
        return made[-1]

    yield make
    for operators in made:
        operators.kill_all()
        for replica in operators.started:
            replica.check_log()


def test_one_decides_and_the_next_takes_over_when_it_stops_hangs_or_dies(operators: Callable[..., Operators]) -> None:
    several = operators()
    world = several.world
    begun = datetime.now(UTC)
    first, second = several.start(), several.start()
    assert several.leader(5) is first
    at_work(world, "report", concurrencyPolicy="Allow")
    _run(world, "one")
    assert (first.says_it_leads, second.says_it_leads, second.ready()) == (True, False, True)
    assert several.writes_of(second) == []

    with ThreadPoolExecutor(1) as threads:
        stopping = threads.submit(first.check_end)
        took = {"after a stop": _run(world, "two", AFTER_STOP)}
        stopping.result()
    third = several.start()
    second.send(signal.SIGSTOP)
    stopped = time.monotonic()
    took["after it hung"] = _run(world, "three", AFTER_KILL)
    fourth = several.start()
    third.kill()
    took["after a kill"] = _run(world, "four", AFTER_KILL)

    time.sleep(max(0.0, stopped + CUT_OFF_SECONDS - time.monotonic()))
    cut_off = datetime.now(UTC)
    second.send(signal.SIGCONT)
    assert second.ended(5) == 1
    assert "stopped: the Lease was not renewed" in second.log.read_text()
    assert several.writes_of(second, cut_off) == []
    assert fourth.says_it_leads

    print("seconds to the Job:", {what: round(seconds, 1) for what, seconds in took.items()})
    assert job_names(world, "report") == run_names(world, "report") == sorted(["one", "two", "three", "four"])
    writes = several.writes(begun)
    assert [reign.name for reign in reigns(writes)] == [r.name for r in (first, second, third, fourth)]
    assert late(writes) == []


def _run(world: World, name: str, seconds: float = 10.0) -> float:
    """Run now, and return after how many seconds there was a Job."""
    world.create(schedule_run(name, "report"))
    began = time.monotonic()
    while name not in job_names(world, "report"):
        assert time.monotonic() - began < seconds, f"no Job of run {name} after {seconds} s"
        time.sleep(0.05)
    return time.monotonic() - began


@dataclass
class Load:
    """Runs by hand, again and again, until it is told to stop."""

    world: World
    over: Event = field(default_factory=Event)

    def work(self) -> list[str]:
        """The names of all runs."""
        made = []
        for number in itertools.count():
            if self.over.wait(RUN_EVERY_SECONDS):
                return made
            made.append(f"run-{number}")
            self.world.create(schedule_run(made[-1], SCHEDULES[number % len(SCHEDULES)]))
        raise AssertionError


def test_over_many_hand_overs_under_load_no_write_is_late_and_each_run_has_one_job(
    operators: Callable[..., Operators],
) -> None:
    several, dice = operators(**SHORT), random.Random()
    world, begun = several.world, datetime.now(UTC)
    for _ in range(3):
        several.start(wait=False)
    several.leader(30)
    for name in SCHEDULES:
        world.create(agent_schedule(name, concurrencyPolicy="Allow"))
    world.create(agent_schedule("minutely", "* * * * *", concurrencyPolicy="Allow"))
    load = Load(world)
    ways: Counter[str] = Counter()
    with ThreadPoolExecutor(1) as threads:
        made = threads.submit(load.work)
        try:
            for number in range(HAND_OVERS):
                ways[_hand_over(several, dice, number)] += 1
        finally:
            load.over.set()
        runs = made.result()
    wait_for(lambda: set(runs) <= set(job_names(world)), "a Job of each run", 60)

    several.kill_all()
    writes = several.writes(begun)
    assert late(writes) == []
    ruled = [reign.name for reign in reigns(writes)]
    assert len(ruled) == len(set(ruled)) > HAND_OVERS
    work = [write for write in writes if write.resource != LEASES]
    print(f"{len(ruled) - 1} hand-overs ({dict(ways)}), {len(work)} writes, {len(runs)} runs")
    jobs = world.jobs()
    assert sorted(job.metadata.name for job in jobs if job.metadata.name in runs) == sorted(runs)
    _check_due(world, jobs)


def _check_due(world: World, jobs: list[Any]) -> None:
    """Of each due time at most one Job, under the controller's name."""
    due = [job.metadata.name for job in jobs if job.metadata.name.startswith("minutely-")]
    assert len({name.rpartition("-")[2] for name in due}) == len(due)
    assert set(run_names(world, "minutely")) <= set(due)


def _hand_over(several: Operators, dice: random.Random, number: int) -> str:
    """The leader goes, and two others stand by; returns how it went."""
    leader = several.leader(30)
    way = ("SIGTERM", "SIGTERM", "SIGKILL", "SIGSTOP")[number % 4]
    time.sleep(dice.uniform(0, 0.5))
    leader.send(signal.Signals[way])
    several.start(wait=False)
    several.leader(30, but=[leader])
    if way == "SIGSTOP":
        _wake(several, leader)
    return way


def _wake(several: Operators, leader: Replica) -> None:
    """It finds that it has lost the Lease, and ends."""
    woken = datetime.now(UTC)
    leader.send(signal.SIGCONT)
    assert leader.ended(10) == 1
    assert several.writes_of(leader, woken) == []
