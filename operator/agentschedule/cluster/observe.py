"""Fresh looks at the cluster, past the watches: before decisions that must not be made on old
knowledge, and to compare everything now and then.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from agentschedule import names
from agentschedule.cluster import resources
from agentschedule.cluster.client import Client
from agentschedule.cluster.store import Key, Store, Table
from agentschedule.errors import NotFound


async def refresh(client: Client, store: Store, key: Key) -> None:
    """Read a schedule's CronJob and Jobs from the API server itself."""
    await asyncio.gather(refresh_cronjob(client, store, key), _refresh_jobs(client, store, key))


async def refresh_cronjob(client: Client, store: Store, key: Key) -> None:
    try:
        store.cronjobs.put(await client.get(resources.CRONJOBS, key.namespace, key.schedule))
    except NotFound:
        if known := store.cronjobs.last_of(key):
            store.cronjobs.drop(known.uid)


async def _refresh_jobs(client: Client, store: Store, key: Key) -> None:
    await _refresh_table(client, store.jobs, key)


async def refresh_pods(client: Client, store: Store, key: Key) -> None:
    """Read a schedule's pods from the API server itself."""
    await _refresh_table(client, store.pods, key)


async def _refresh_table(client: Client, table: Table[Any], key: Key) -> None:
    selector = f"{names.LABEL_SCHEDULE}={key.schedule}"
    bodies, version = await client.list(table.resource, key.namespace, selector)
    table.compare(bodies, int(version), within=key)


async def refresh_schedule(client: Client, store: Store, key: Key) -> None:
    """Read the schedule itself anew, after a write of ours met a newer one."""
    with contextlib.suppress(NotFound):
        store.schedules.put(await client.get(resources.SCHEDULES, key.namespace, key.schedule))


async def refresh_runs(client: Client, store: Store, key: Key) -> None:
    """Read the runs that have not ended anew."""
    for run in store.runs.of(key):
        if not run.final:
            try:
                store.runs.put(await client.get(resources.RUNS, key.namespace, run.metadata.name))
            except NotFound:
                store.runs.drop(run.metadata.uid)


async def compare(client: Client, table: Table[Any], namespace: str | None = None) -> tuple[set[Key], set[Key]]:
    """List all of a kind, or those of one namespace, and take them in; returns the schedules of what has changed, and
    of what is gone. Raises Forbidden without the right to.

    The watch should have brought the changes; of what went while it began anew it never tells.
    """
    ours = table.resource not in (resources.SCHEDULES, resources.RUNS)
    bodies, version = await client.list(table.resource, namespace, resources.OURS if ours else "")
    return table.compare(bodies, int(version), namespace=namespace)
