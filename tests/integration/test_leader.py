"""Two operators and more: one leads, the others stand by; no write of one that has lost the Lease, nothing done twice.

Judged by the API server's own log, which knows each process by its name.
"""

from __future__ import annotations

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
SHORT = {"AGENTSCHEDULE_LEASE_SECONDS": "3"}
SCHEDULES = [f"busy-{number}" for number in range(4)]
PAUSE_SECONDS, WAITING_RUNS = 0.15, 12
REPLICAS = 3


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
    """Runs by hand, again and again, each cancelled once it has begun, until it is told to stop."""

    world: World
    made: list[str] = field(default_factory=list)
    begun: set[str] = field(default_factory=set)
    over: Event = field(default_factory=Event)

    def work(self) -> None:
        while not self.over.wait(PAUSE_SECONDS):
            begun = set(job_names(self.world)) - self.begun
            self.begun |= begun
            if len(self.made) - len(self.begun) < WAITING_RUNS:  # however slow the machine is
                name = f"run-{len(self.made)}"
                self.world.create(schedule_run(name, SCHEDULES[len(self.made) % len(SCHEDULES)]))
                self.made.append(name)
            for name in begun:
                self.world.cancel(name)


def test_over_many_hand_overs_under_load_no_write_is_late_and_each_run_has_one_job(
    operators: Callable[..., Operators],
) -> None:
    several, dice = operators(**SHORT), random.Random()
    world, begun = several.world, datetime.now(UTC)
    several.keep(REPLICAS)
    several.leader(60)
    for name in SCHEDULES:
        world.create(agent_schedule(name, concurrencyPolicy="Allow"))
    load, ways = Load(world), Counter[str]()
    with ThreadPoolExecutor(1) as threads:
        loading = threads.submit(load.work)
        try:
            for number in range(HAND_OVERS):
                ways[_hand_over(several, dice, number)] += 1
        finally:
            load.over.set()
        loading.result()

    def all_begun() -> bool:
        several.keep(REPLICAS)
        return set(load.made) <= set(_jobs_made(several, begun))

    wait_for(all_begun, "a Job of each run", 60)
    several.kill_all()
    writes = several.writes(begun)
    assert late(writes) == []
    ruled = [reign.name for reign in reigns(writes)]
    assert len(ruled) == len(set(ruled)) > HAND_OVERS
    assert _jobs_made(several, begun) == Counter(load.made)
    work = [write for write in writes if write.resource != LEASES]
    print(f"{len(ruled) - 1} hand-overs ({dict(ways)}), {len(work)} writes, {len(load.made)} runs")


def _jobs_made(several: Operators, since: datetime) -> Counter[str]:
    """By name, of all operators: also those that history has taken since."""
    made = (write for write in several.writes(since) if (write.verb, write.resource) == ("create", "jobs"))
    return Counter(write.name for write in made if write.code < 300 and write.namespace == several.world.namespace)


def _hand_over(several: Operators, dice: random.Random, number: int) -> str:
    """The leader goes, and others stand by or begin; returns how it went."""
    leader = several.leader(60)
    way = ("SIGTERM", "SIGTERM", "SIGKILL", "SIGSTOP")[number % 4]
    time.sleep(dice.uniform(0, 0.5))
    leader.send(signal.Signals[way])
    several.keep(REPLICAS, but=[leader])
    several.leader(60, but=[leader])
    if way == "SIGSTOP":
        _wake(several, leader)
    return way


def _wake(several: Operators, leader: Replica) -> None:
    """It finds that it has lost the Lease, and ends."""
    woken = datetime.now(UTC)
    leader.send(signal.SIGCONT)
    assert leader.ended(10) == 1
    assert several.writes_of(leader, woken) == []
