"""Fresh looks at the cluster, past the watches: before decisions that must not be made on old
knowledge, and to compare everything now and then.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

from agentschedule import names
from agentschedule.api.schedule import is_schedule_name
from agentschedule.cluster import resources
from agentschedule.cluster.client import Client
from agentschedule.cluster.store import Key, Store, Table
from agentschedule.errors import NotFound

Body = dict[str, Any]
BATCH = 20


async def refresh(client: Client, store: Store, key: Key) -> None:
    """Read a schedule's CronJob and Jobs from the API server itself; none, where no schedule can have the name."""
    if not is_schedule_name(key.schedule):
        return
    await asyncio.gather(refresh_cronjob(client, store, key), refresh_jobs(client, store, key))


async def refresh_cronjob(client: Client, store: Store, key: Key) -> None:
    """Read a schedule's CronJob from the API server itself."""
    try:
        store.cronjobs.look(await client.get(resources.CRONJOBS, key.namespace, key.schedule))
    except NotFound:
        if known := store.cronjobs.last_of(key):
            store.cronjobs.drop(known.uid)


async def refresh_jobs(client: Client, store: Store, key: Key) -> None:
    """Read a schedule's Jobs from the API server itself."""
    await _refresh_table(client, store.jobs, key)


async def refresh_pods(client: Client, store: Store, key: Key) -> None:
    """Read a schedule's pods from the API server itself."""
    await _refresh_table(client, store.pods, key)


async def _refresh_table(client: Client, table: Table[Any], key: Key) -> None:
    if is_schedule_name(key.schedule):
        selector = f"{names.LABEL_SCHEDULE}={key.schedule}"
        changed, gone, _ = await _list(client, table, key.namespace, selector, within=key)
        table.looked_at |= changed | gone


async def _list(
    client: Client, table: Table[Any], namespace: str | None, selector: str, within: Key | None = None
) -> tuple[set[Key], set[Key], int]:
    """Take in a list, page by page; returns the schedules of what has changed, and of what is gone, and the
    resourceVersion of the list."""
    listed, changed, version = set[str](), set[Key](), 0
    async for page in client.list(table.resource, namespace, selector):
        version = page.version
        for some in batched(page.items):
            uids, keys = table.take(some)
            listed |= uids
            changed |= keys
            await asyncio.sleep(0)  # others are at work, too
    return changed, table.drop_unlisted(listed, version, namespace, within), version


def batched(items: list[Body]) -> Iterator[list[Body]]:
    """The same, so many at a time as are read in a few milliseconds."""
    return (items[first : first + BATCH] for first in range(0, len(items), BATCH))


async def refresh_schedule(client: Client, store: Store, key: Key) -> None:
    """Read the schedule itself anew, after a write of ours met a newer one. Where none can have the name, there is
    nothing to ask."""
    if not is_schedule_name(key.schedule):
        return
    with contextlib.suppress(NotFound):
        store.schedules.look(await client.get(resources.SCHEDULES, key.namespace, key.schedule))


async def refresh_runs(client: Client, store: Store, key: Key) -> None:
    """Read the runs that have not ended anew."""
    for run in store.runs.of(key):
        if not run.final:
            try:
                store.runs.look(await client.get(resources.RUNS, key.namespace, run.metadata.name))
            except NotFound:
                store.runs.drop(run.metadata.uid)


async def compare(client: Client, table: Table[Any], namespace: str | None = None) -> tuple[set[Key], set[Key]]:
    """List all of a kind, or those of one namespace, and take them in; returns the schedules of what has changed, and
    of what is gone. Raises Forbidden without the right to.

    The watch should have brought the changes; of what went while it began anew it never tells.
    """
    changed, gone, version = await _list(client, table, namespace, resources.selector(table.resource))
    table.listed_at[namespace] = version
    return changed, gone
