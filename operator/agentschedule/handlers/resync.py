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
from agentschedule.errors import Bug, Bugs, ClusterError, Forbidden
from agentschedule.handlers.queue import Queue
from agentschedule.handlers.scope import Scope
from agentschedule.handlers.watches import Watches

logger = logging.getLogger(__name__)
# A watch that begins anew lists everything first: let it finish.
RELIST_DELAY_SECONDS = 5
RETRY_SECONDS = 5
# How often a namespace is tried that could not be read.
KNOCK_SECONDS = 15


@dataclass(frozen=True)
class Resync:
    """Lists, and queues the schedules of what has changed."""

    client: Client
    store: Store
    queue: Queue
    watches: Watches
    seconds: float  # between two comparisons
    scope: Scope = field(default_factory=Scope)
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
            for namespace in self.scope.open if self.scope.wanted else self.scope.parts:
                await self._compare_all(namespace)

    async def knock(self) -> None:
        """Take in the namespaces that could not be read, once they can be. Until cancelled."""
        while True:
            await asyncio.sleep(KNOCK_SECONDS)
            for namespace in self.scope.shut if self.watches.synced else ():
                try:
                    keys = await self._read(namespace)
                except ClusterError as error:
                    logger.debug("namespace %s: %s", namespace, error)
                else:
                    self._queue(keys)

    async def relist(self, table: Table[Any], namespace: str | None = None) -> int:
        """Where a watch may begin: at the last list that none has begun at, else at a new one. Raises ClusterError."""
        if namespace not in table.listed_at:
            changed, gone = await observe.compare(self.client, table, namespace)
            self._queue(changed | gone)
        return table.listed_at.pop(namespace)

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wanted.wait(), self.seconds * random.uniform(0.8, 1.2))  # noqa: S311
            await asyncio.sleep(RELIST_DELAY_SECONDS)
        self._wanted.clear()

    async def _first(self) -> None:
        try:
            keys = set[Key]().union(*[await self._read(namespace) for namespace in self.scope.parts])
            if not self.scope.open and self.scope.wanted:
                raise ClusterError("none of watchNamespaces can be read")
        except ClusterError as error:
            logger.warning("cannot list: %s; again in %d s", error, RETRY_SECONDS)
            await asyncio.sleep(RETRY_SECONDS)
            return
        self.watches.synced = True
        self.soon()  # for what goes before the watches begin
        logger.info("listed everything: %d schedules", len(self.store.schedules.keys()))
        self._queue(keys)

    async def _read(self, namespace: str | None) -> set[Key]:
        """Take in a namespace, or all. Children first: a schedule whose Job is not in the store yet would be planned
        wrongly. Returns the schedules to look at; none if the namespace shuts us out."""
        keys = set[Key]()
        try:
            for table in reversed(self.store.tables):
                changed, gone = await observe.compare(self.client, table, namespace)
                keys |= changed | gone
        except Forbidden as error:
            if namespace is None:
                raise
            await self._shut_out(namespace, error)
            return set()
        await self.scope.let_in(namespace)
        return keys

    async def _compare_all(self, namespace: str | None) -> None:
        for table in self.store.tables:
            try:
                await self._compare(table, namespace)
            except ClusterError as error:
                if namespace is not None and isinstance(error, Forbidden):
                    await self._shut_out(namespace, error)
                    break
                logger.warning("cannot list %s: %s", table.resource.plural, error)
            except Exception as error:  # of this kind: the others are compared, and this one again the next time
                if self._bugs.is_new(table.resource.plural, bug := Bug.of(error)):
                    logger.exception("cannot compare %s: internal error %s", table.resource.plural, bug)
            else:
                self._bugs.over(table.resource.plural)

    async def _compare(self, table: Table[object], namespace: str | None) -> None:
        changed, gone = await observe.compare(self.client, table, namespace)
        if changed:
            self.watches.missed(self.scope.watch(table.resource.plural, namespace))
        self._queue(changed | gone)

    async def _shut_out(self, namespace: str, error: Forbidden) -> None:
        await self.scope.shut_out(namespace, error)
        for table in self.store.tables:  # nothing is owed by a watch that ends
            self.watches.heard(self.scope.watch(table.resource.plural, namespace))

    def _queue(self, keys: set[Key]) -> None:
        for key in keys:
            self.queue.add(key)
