"""Very many schedules due in the same minute: when each has its Job, and when the last run is recorded.

Run: python -m benchmarks.storm [NUMBER]. The pods are ended by a kubelet that is played, as fast as it can. Beside the
same number of CronJobs of no operator, in the minute before: what the CronJob controller takes alone. Exits with 1 when
a goal is missed.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from agentschedule import names
from benchmarks.bare import BATCH, CORE, CUSTOM, Bare, Body, bare, ended_pod, many
from benchmarks.figures import Figure, p50, report
from benchmarks.plane import on_a_plane
from tests.world import World, agent_schedule, next_minute
from tools.cluster import audit
from tools.cluster.operator_process import OperatorProcess

NUMBER = 1000
GOAL_P50, GOAL_LAST, GOAL_RECORDED = 2.0, 5.0, 20.0  # seconds after the due time
PREPARATION = 45  # seconds, at the least
PATIENCE = 600.0
POD: Body = {"restartPolicy": "Never", "containers": [{"name": "agent", "image": "agent.test/none:1"}]}


@dataclass
class Heard:
    """Moments after the due time, in seconds, as they were heard of."""

    due: datetime
    jobs: dict[str, float] = field(default_factory=dict)
    recorded: dict[str, float] = field(default_factory=dict)
    copies: Counter[str] = field(default_factory=Counter)  # Jobs of one schedule

    def now(self) -> float:
        return (datetime.now(UTC) - self.due).total_seconds()


def main() -> int:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else NUMBER
    return on_a_plane("storm", lambda world, operator: asyncio.run(measure(world, operator, number)))


async def measure(world: World, operator: OperatorProcess, number: int) -> int:
    async with bare(world.cluster) as client:
        alone = await _alone(client, world.namespace, number)
        with operator:
            cpu = operator.cpu
            heard, begun = await _storm(client, world.namespace, number)
            cpu = operator.cpu - cpu
            writes = [write for write in audit.writes(world.cluster, "admin", begun) if _is_ours(write)]
    assert set(heard.copies.values()) == {1}, "a due time has more than one Job"
    starts, anchor = [*heard.jobs.values()], [*alone.jobs.values()]
    return report(
        f"storm, {number:,} due in one minute",
        [
            Figure("due → Job, p50; the controller alone", p50(starts), "s", p50(anchor)),
            Figure("due → Job, p50", p50(starts), "s", goal=GOAL_P50),
            Figure("due → last Job; the controller alone", max(starts), "s", max(anchor)),
            Figure("due → last Job", max(starts), "s", goal=GOAL_LAST),
            Figure("due → last record final", max(heard.recorded.values()), "s", goal=GOAL_RECORDED),
            Figure("CPU for each, made and run", 1000 * cpu / number, "ms"),
            Figure("writes for each run", len(writes) / number, ""),
        ],
    )


def _is_ours(write: audit.Write) -> bool:
    return write.user_agent.partition("/")[0] == names.MANAGER


def _at(due: datetime) -> str:
    return f"{due.minute} {due.hour} {due.day} {due.month} *"


async def _alone(client: Bare, space: str, number: int) -> Heard:
    """CronJobs that nobody else looks at."""
    due = next_minute(datetime.now(UTC) + timedelta(seconds=PREPARATION))
    heard, path = Heard(due), f"{BATCH}/{space}/cronjobs"
    job = {"spec": {"suspend": True, "template": {"spec": POD}}}
    spec = {"schedule": _at(due), "jobTemplate": job}
    async with _listening(client, space, heard, ""):
        await many(
            [partial(client.send, "POST", path, {"metadata": {"name": f"c{n}"}, "spec": spec}) for n in range(number)]
        )
        await _until(lambda: len(heard.jobs) >= number)
    await client.send("DELETE", path, {"propagationPolicy": "Background"})
    return heard


async def _storm(client: Bare, space: str, number: int) -> tuple[Heard, datetime]:
    due = next_minute(datetime.now(UTC) + timedelta(seconds=PREPARATION + number / 25))
    heard, path = Heard(due), f"{CUSTOM}/{space}/{names.SCHEDULE_PLURAL}"
    bodies = [agent_schedule(f"s{n}", _at(due), concurrencyPolicy="Forbid") for n in range(number)]
    async with _listening(client, space, heard, names.LABEL_SCHEDULE):
        await many([partial(client.send, "POST", path, body) for body in bodies])
        assert datetime.now(UTC) < due, "this machine is too slow for the preparation"
        await asyncio.sleep((due - datetime.now(UTC)).total_seconds() - 1)
        begun = datetime.now(UTC)
        await _until(lambda: len(heard.recorded) >= number)
    return heard, begun


async def _until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not done():
            await asyncio.sleep(0.05)


@asynccontextmanager
async def _listening(client: Bare, space: str, heard: Heard, selector: str) -> AsyncIterator[None]:
    tasks = [
        asyncio.create_task(_jobs(client, space, heard, selector)),
        asyncio.create_task(_records(client, space, heard)),
        asyncio.create_task(_kubelet(client, space, selector)),
    ]
    await asyncio.sleep(1)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _jobs(client: Bare, space: str, heard: Heard, selector: str) -> None:
    async with aclosing(client.watch(f"{BATCH}/{space}/jobs", selector)) as events:
        async for event in events:
            if event["type"] == "ADDED":
                name = event["object"]["metadata"]["name"]
                heard.jobs[name] = heard.now()
                heard.copies[name.rpartition("-")[0]] += 1


async def _records(client: Bare, space: str, heard: Heard) -> None:
    async with aclosing(client.watch(f"{CUSTOM}/{space}/{names.RUN_PLURAL}")) as events:
        async for event in events:
            run = event["object"]
            if (run.get("status") or {}).get("phase") == "Succeeded":
                heard.recorded.setdefault(run["metadata"]["name"], heard.now())


async def _kubelet(client: Bare, space: str, selector: str) -> None:
    """Each pod ends as soon as it is there."""
    path, ending = f"{CORE}/{space}/pods", set[asyncio.Task[Body]]()
    async with aclosing(client.watch(path, selector)) as events:
        async for event in events:
            if event["type"] == "ADDED":
                body = {"status": ended_pod()}
                name = event["object"]["metadata"]["name"]
                ending.add(asyncio.create_task(client.send("PATCH", f"{path}/{name}/status", body)))


if __name__ == "__main__":
    sys.exit(main())
