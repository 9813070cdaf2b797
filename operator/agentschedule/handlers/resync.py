"""Everything is listed at the start, and compared now and then.

Kopf never tells what was deleted between two watches.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from dataclasses import dataclass, field
from typing import Any

from agentschedule.cluster import observe
from agentschedule.cluster.client import Client
from agentschedule.cluster.store import Key, Store, Table
from agentschedule.errors import Bug, Bugs, ClusterError
from agentschedule.handlers.queue import Queue
from agentschedule.handlers.watches import Watches

logger = logging.getLogger(__name__)
# A watch that begins anew lists everything first: let it finish.
RELIST_DELAY_SECONDS = 5
RETRY_SECONDS = 5


@dataclass(frozen=True)
class Resync:
    """Lists, and queues the schedules of what has changed."""

    client: Client
    store: Store
    queue: Queue
    watches: Watches
    seconds: float  # between two comparisons
    _wanted: asyncio.Event = field(default_factory=asyncio.Event)
    _bugs: Bugs = field(default_factory=Bugs)

    def soon(self) -> None:
        """Compare within moments: a watch began anew, and what was deleted in between is never sent."""
        self._wanted.set()

    async def run(self) -> None:
        """First all at once, before anything is decided; then every few minutes, with jitter. Until cancelled."""
        while not self.watches.synced:
            await self._first()
        while True:
            await self._pause()
            for table in self.store.tables:
                await self._compare(table)

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wanted.wait(), self.seconds * random.uniform(0.8, 1.2))  # noqa: S311
            await asyncio.sleep(RELIST_DELAY_SECONDS)
        self._wanted.clear()

    async def _first(self) -> None:
        """Children first: a schedule whose Job is not in the store yet would be planned wrongly."""
        try:
            for table in reversed(self.store.tables):
                await observe.compare(self.client, table)
        except ClusterError as error:
            logger.warning("cannot list: %s; again in %d s", error, RETRY_SECONDS)
            await asyncio.sleep(RETRY_SECONDS)
            return
        self.watches.synced = True
        self.soon()  # for what goes before the watches begin
        keys = set[Key]().union(*(table.keys() for table in self.store.tables))
        logger.info("listed everything: %d schedules", len(self.store.schedules.keys()))
        for key in keys:
            self.queue.add(key)

    async def relist(self, table: Table[Any], namespace: str | None = None) -> int:
        """Where a watch may begin: at the last list that none has begun at, else at a new one. Raises ClusterError."""
        if namespace not in table.listed_at:
            changed, gone = await observe.compare(self.client, table, namespace)
            for key in changed | gone:
                self.queue.add(key)
        return table.listed_at.pop(namespace)

    async def _compare(self, table: Table[object]) -> None:
        try:
            changed, gone = await observe.compare(self.client, table)
        except ClusterError as error:
            logger.warning("cannot list %s: %s", table.resource.plural, error)
            return
        except Exception as error:  # of this kind: the others are compared, and this one again the next time
            if self._bugs.is_new(table.resource.plural, bug := Bug.of(error)):
                logger.exception("cannot compare %s: internal error %s", table.resource.plural, bug)
            return
        self._bugs.over(table.resource.plural)
        if changed:
            self.watches.missed(table.resource.plural)
        for key in changed | gone:
            self.queue.add(key)
