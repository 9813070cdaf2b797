"""How long the trigger of one namespace waits while another keeps the operator busy.

Run: python benchmarks/fairness.py. A reconcile is played here: so many decisions, each with its CPU time, and a request
after each. One namespace brings what is named, another a single key every 50 ms. Exits with 1 when, at the 99th
percentile, this one is later than when it is alone by more than the goal. Figures are in ms; on a machine that others
use as well, what is later counts divided by the stretch: how much longer decisions took than their CPU time.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from time import perf_counter, thread_time
from typing import Any

from agentschedule.cluster.store import Key
from agentschedule.handlers.floor import Floor
from agentschedule.handlers.queue import Queue

WORKERS = 50  # as in the chart
DECISIONS, DECISION_MS, REQUEST_MS = 6, 1.0, 4.0
SECONDS, PAUSE = 4.0, 0.05
GOAL_MS = 100.0
QUIET = "quiet"

Noise = Callable[[Queue], Coroutine[Any, Any, None]]


@dataclass
class Stretch:
    """How long decisions took, and how much of that was CPU time."""

    wall: float = 0.0
    cpu: float = 0.0

    def burn(self, milliseconds: float) -> None:
        begin, start = perf_counter(), thread_time()
        while thread_time() < start + milliseconds / 1000:
            pass
        self.wall += perf_counter() - begin
        self.cpu += milliseconds / 1000

    @property
    def factor(self) -> float:
        return max(1.0, self.wall / self.cpu)


async def reconcile(key: Key) -> None:
    for _ in range(DECISIONS):
        await floor.turn(key.namespace)
        stretch.burn(DECISION_MS)
        await asyncio.sleep(REQUEST_MS / 1000)
    if key.namespace == QUIET:
        done[key].set_result(perf_counter())


floor, stretch = Floor(), Stretch()
done: dict[Key, asyncio.Future[float]] = {}


async def nobody(_queue: Queue) -> None:
    """The quiet namespace alone."""


async def ten_thousand_at_once(queue: Queue) -> None:
    """As after the start of the operator, or a `kubectl apply` of a large directory."""
    for number in range(10_000):
        queue.add(Key("noisy", str(number)))


async def ten_thousand_a_minute(queue: Queue) -> None:
    """Changes to three hundred schedules, in turn."""
    for number in range(10_000):
        queue.add(Key("noisy", str(number % 300)))
        await asyncio.sleep(60 / 10_000)


async def delays(noise: Noise) -> list[float]:
    """How long each of the quiet namespace took, from its change to its end; in ms, the shortest first."""
    queue, took = Queue(work=reconcile), []
    tasks = [asyncio.create_task(queue.run(WORKERS)), asyncio.create_task(noise(queue))]
    await asyncio.sleep(0.5)
    for number in range(int(SECONDS / PAUSE)):
        key = Key(QUIET, str(number))
        done[key] = asyncio.get_running_loop().create_future()
        begin = perf_counter()
        queue.add(key)
        took.append((await done[key] - begin) * 1000)
        await asyncio.sleep(PAUSE)
    for task in tasks:
        task.cancel()
    return sorted(took)


def main() -> int:
    bad = False
    alone = 0.0
    for noise in (nobody, ten_thousand_at_once, ten_thousand_a_minute):
        stretch.wall = stretch.cpu = 0.0
        took = asyncio.run(delays(noise))
        middle, late = took[len(took) // 2], took[int(len(took) * 0.99)]
        alone = alone or late
        later = (late - alone) / stretch.factor
        verdict = "" if later <= GOAL_MS else f"  more than {GOAL_MS:.0f} ms later than alone"
        bad |= bool(verdict)
        print(f"{noise.__name__:24} p50 {middle:7.1f}  p99 {late:7.1f}  stretch {stretch.factor:.1f}{verdict}")
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
