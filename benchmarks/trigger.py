"""From `kubectl annotate` to the Job, and to its pod: beside the PATCH of a bare client in the same run.

Run: python -m benchmarks.trigger [NUMBER]. One after the other, on a cluster that has nothing else to do. Exits with 1
when a goal is missed.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from agentschedule import child_names, names
from benchmarks.bare import BATCH, CORE, CUSTOM, Bare, bare, ended_pod
from benchmarks.figures import Figure, p50, p99, report
from benchmarks.plane import on_a_plane
from tests.world import World, agent_schedule, wait_for
from tools.cluster.operator_process import OperatorProcess

NUMBER = 60
PAUSE = 2.0  # between two triggers: the run before has ended, and is recorded
# Ratios to a PATCH; and the slowest to the median.
GOAL_JOB, GOAL_POD, GOAL_TAIL = 3.0, 6.0, 3.0
PATIENCE = 30.0


@dataclass
class Seen:
    """When what was heard of first."""

    at: dict[tuple[str, str], float] = field(default_factory=dict)
    pods: dict[str, str] = field(default_factory=dict)  # of each Job
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, client: Bare, path: str, kind: str) -> None:
        async for event in client.watch(path):
            meta = event["object"]["metadata"]
            name = meta["name"]
            if kind == "pod":
                name = meta["labels"]["batch.kubernetes.io/job-name"]
                self.pods[name] = meta["name"]
            self.at.setdefault((kind, name), time.perf_counter())
            self.changed.set()

    async def of(self, kind: str, name: str) -> float:
        async with asyncio.timeout(PATIENCE):
            while (kind, name) not in self.at:
                self.changed.clear()
                await self.changed.wait()
        return self.at[kind, name]


def main() -> int:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else NUMBER
    return on_a_plane("trigger", lambda world, operator: measure(world, operator, number))


def measure(world: World, operator: OperatorProcess, number: int) -> int:
    with operator:
        world.create(agent_schedule("report", concurrencyPolicy="Allow", history={"succeeded": 5, "failed": 5}))
        wait_for(lambda: world.condition("report", "Ready").get("status") == "True", "a schedule at work")
        return report("trigger", asyncio.run(_measure(world, number)))


async def _measure(world: World, number: int) -> list[Figure]:
    async with bare(world.cluster) as client:
        await client.send("POST", f"{CORE}/{world.namespace}/configmaps", {"metadata": {"name": "anchor"}})
        async with _watching(client, world.namespace) as seen:
            ms = await _trigger(client, world, seen, number)
    anchor = p50(ms["patch"])
    return [
        Figure("annotate → Job, p50", p50(ms["job"]), "ms", anchor, GOAL_JOB),
        Figure("annotate → pod, p50", p50(ms["pod"]), "ms", anchor, GOAL_POD),
        Figure("annotate → Job, p99 beside its p50", p99(ms["job"]), "ms", p50(ms["job"]), GOAL_TAIL),
    ]


@asynccontextmanager
async def _watching(client: Bare, space: str) -> AsyncIterator[Seen]:
    seen = Seen()
    paths = {"job": f"{BATCH}/{space}/jobs", "pod": f"{CORE}/{space}/pods"}
    watches = [asyncio.create_task(seen.take(client, path, kind)) for kind, path in paths.items()]
    await asyncio.sleep(1)
    try:
        yield seen
    finally:
        for watch in watches:
            watch.cancel()
        await asyncio.gather(*watches, return_exceptions=True)


async def _trigger(client: Bare, world: World, seen: Seen, number: int) -> dict[str, list[float]]:
    """Milliseconds: of each PATCH of the anchor, and from the annotation to the Job and to the pod."""
    took: dict[str, list[float]] = defaultdict(list)
    space, uid = world.namespace, world.schedule("report")["metadata"]["uid"]
    for index in range(number):
        body = {"data": {"number": str(index)}}
        took["patch"].append(1000 * await client.timed("PATCH", f"{CORE}/{space}/configmaps/anchor", body))
        token = f"token-{index}"
        run = child_names.triggered_run_name("report", uid, token)
        annotated = {"metadata": {"annotations": {names.ANNOTATION_TRIGGER: token}}}
        begun = time.perf_counter()
        await client.send("PATCH", f"{CUSTOM}/{space}/{names.SCHEDULE_PLURAL}/report", annotated)
        for kind in ("job", "pod"):
            took[kind].append(1000 * (await seen.of(kind, run) - begun))
        await client.send("PATCH", f"{CORE}/{space}/pods/{seen.pods[run]}/status", {"status": ended_pod()})
        await asyncio.sleep(PAUSE)
    return took


if __name__ == "__main__":
    sys.exit(main())
