"""Many schedules made at once, the operator's restart, and its rest: beside the same writes by a bare client.

Run: python -m benchmarks.converge [NUMBER]. Exits with 1 when a goal is missed.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from functools import partial

from agentschedule import names
from benchmarks.bare import BATCH, CUSTOM, Bare, Body, bare, many
from benchmarks.figures import Figure, report
from benchmarks.plane import on_a_plane
from tests.world import NEVER, World, agent_schedule
from tools.cluster import audit
from tools.cluster.operator_process import OperatorProcess

NUMBER = 1000
GOAL_CONVERGE = 1.5  # of the bare client's time
GOAL_MIB = 120.0
REST_SECONDS = 30
GOAL_REST = 5.0  # % of a core
PATIENCE = 600.0
POD: Body = {"restartPolicy": "Never", "containers": [{"name": "agent", "image": "agent.test/none:1"}]}


def main() -> int:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else NUMBER
    return on_a_plane("converge", lambda world, operator: asyncio.run(measure(world, operator, number)))


async def measure(world: World, operator: OperatorProcess, number: int) -> int:
    async with bare(world.cluster) as client:
        schedules = f"{CUSTOM}/{world.namespace}/{names.SCHEDULE_PLURAL}"
        anchor = await _bare_writes(client, world.namespace, schedules, number)
        with operator:
            took = await _converge(client, schedules, number)
            memory = operator.memory
            begun, cpu = datetime.now(UTC), operator.cpu
            await asyncio.sleep(REST_SECONDS)
            rest = 100 * (operator.cpu - cpu) / REST_SECONDS
            writes = len(audit.writes(world.cluster, "admin", begun))
            operator.kill()
            start = time.perf_counter()
            operator.start()
            ready = time.perf_counter() - start
    return report(
        f"converge, {number:,} schedules",
        [
            Figure("made → all Ready", took, "s", anchor, GOAL_CONVERGE),
            Figure("memory then", memory, "MiB", goal=GOAL_MIB),
            Figure(f"CPU at rest, {REST_SECONDS} s", rest, "%", goal=GOAL_REST),
            Figure(f"writes at rest, {REST_SECONDS} s", writes, "", goal=0),
            Figure("start → ready", ready, "s"),
        ],
    )


def _makers(client: Bare, path: str, bodies: Sequence[Body]) -> list[Callable[[], Awaitable[Body]]]:
    return [partial(client.send, "POST", path, body) for body in bodies]


async def _bare_writes(client: Bare, space: str, schedules: str, number: int) -> float:
    """The writes that an operator needs: each schedule's own, its CronJob, and its status."""
    cronjobs = f"{BATCH}/{space}/cronjobs"
    spec = {"schedule": NEVER, "jobTemplate": {"spec": {"template": {"spec": POD}}}}

    async def one(index: int) -> None:
        name = f"bare-{index}"
        await client.send("POST", schedules, agent_schedule(name))
        await client.send("POST", cronjobs, {"metadata": {"name": name}, "spec": spec})
        await client.send("PATCH", f"{schedules}/{name}/status", {"status": {"observedGeneration": 1}})

    took = await many([partial(one, index) for index in range(number)])
    for path in (schedules, cronjobs):
        await client.send("DELETE", path)
    return took


async def _converge(client: Bare, schedules: str, number: int) -> float:
    """Seconds from the first to be made until all say that they are Ready."""
    ready = set[str]()

    async def wait() -> None:
        async with aclosing(client.watch(schedules)) as events:
            async for event in events:
                body = event["object"]
                conditions = body.get("status", {}).get("conditions") or []
                if any((c["type"], c["status"]) == ("Ready", "True") for c in conditions):
                    ready.add(body["metadata"]["name"])
                if len(ready) >= number:
                    return

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(1)
    begun = time.perf_counter()
    await many(_makers(client, schedules, [agent_schedule(f"s{index}") for index in range(number)]))
    async with asyncio.timeout(PATIENCE):
        await waiting
    return time.perf_counter() - begun


if __name__ == "__main__":
    sys.exit(main())
