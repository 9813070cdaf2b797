"""A queue of schedules to look at: deduplicated, one worker for a schedule at a time, backoff on failure."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from agentschedule.cluster.store import Key
from agentschedule.errors import ClusterError, Conflict, NamespaceTerminating

logger = logging.getLogger(__name__)
FIRST_BACKOFF_SECONDS = 0.2
MAX_BACKOFF_SECONDS = 60.0


@dataclass
class Queue:
    """Keys to work on. A key that is added while it is worked on is worked on once more."""

    work: Callable[[Key], Awaitable[None]]
    _ready: asyncio.Queue[Key] = field(default_factory=asyncio.Queue)
    _waiting: set[Key] = field(default_factory=set)
    _busy: set[Key] = field(default_factory=set)
    _again: set[Key] = field(default_factory=set)
    _failures: dict[Key, int] = field(default_factory=dict)

    def add(self, key: Key) -> None:
        if key in self._busy:
            self._again.add(key)
        elif key not in self._waiting:
            self._waiting.add(key)
            self._ready.put_nowait(key)

    async def run(self, workers: int) -> None:
        """Work until cancelled. A bug ends the process: it is not for a queue to hide."""
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._worker())

    async def _worker(self) -> None:
        while True:
            key = await self._ready.get()
            self._waiting.discard(key)
            self._busy.add(key)
            try:
                await self._attempt(key)
            finally:
                self._busy.discard(key)
            if key in self._again:
                self._again.discard(key)
                self.add(key)

    async def _attempt(self, key: Key) -> None:
        try:
            await self.work(key)
        except ClusterError as error:
            self._retry(key, error)
        else:
            self._failures.pop(key, None)

    def _retry(self, key: Key, error: ClusterError) -> None:
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        delay = min(MAX_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2 ** min(failures - 1, 10)) * random.uniform(0.5, 1)  # noqa: S311
        level = logging.DEBUG if isinstance(error, Conflict | NamespaceTerminating) else logging.WARNING
        logger.log(level, "%s/%s: %s; again in %.1f s", key.namespace, key.schedule, error, delay)
        asyncio.get_running_loop().call_later(delay, self.add, key)
