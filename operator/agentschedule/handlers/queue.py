"""A queue of schedules to look at: deduplicated, one worker for a schedule at a time, backoff on failure.

Namespaces take turns (see ``turns``), and what goes wrong with one schedule is its own affair (see ``failures``).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from agentschedule.cluster.store import Key
from agentschedule.errors import ClusterError
from agentschedule.handlers.failures import Failures
from agentschedule.handlers.turns import Turns

# What has met a bug rests so long, however often it is added: what it wrote before may bring it back at once.
REST_SECONDS = 1.0
# How long news waits for more of the same: the start and the end of a run are half a dozen events each.
GATHER_SECONDS = 0.2


@dataclass
class Queue:
    """Keys to work on. A key that is added while it is worked on is worked on once more."""

    work: Callable[[Key], Awaitable[None]]
    failures: Failures = field(default_factory=Failures)
    asleep: bool = False  # nobody is to work yet: what is added is forgotten, for who wakes it adds everything
    _turns: Turns = field(default_factory=Turns)
    _added: dict[Key, float] = field(default_factory=dict)
    _retries: dict[Key, asyncio.TimerHandle] = field(default_factory=dict)
    _rests: dict[Key, float] = field(default_factory=dict)  # until when
    _free: int = 0  # workers
    _group: asyncio.TaskGroup | None = None

    def __post_init__(self) -> None:
        self.failures.metrics.depth.set_function(lambda: len(self._turns))

    def add(self, key: Key) -> None:
        """Work on a key when its turn comes; one that is to be tried again later, too."""
        if self.asleep:
            return
        self._added.setdefault(key, time.monotonic())
        self._turns.add(key)
        self._begin()

    def add_soon(self, key: Key) -> None:
        """The same, with what else is to come in the next moment: for news that nobody waits for."""
        if not self.asleep and key not in self._turns:
            self._retry(key, GATHER_SECONDS)

    def wake(self, keys: Iterable[Key]) -> None:
        """Take in from now on what is added, and these."""
        self.asleep = False
        for key in keys:
            self.add(key)

    async def run(self, workers: int) -> None:
        """Work until cancelled, on so many keys at once; of one namespace on fewer, so that none holds them all."""
        self._turns.limit, self._free = max(1, workers - 1), workers
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                self._begin()
                await asyncio.Event().wait()
            finally:
                self._group = None

    def _begin(self) -> None:
        """Begin with as many keys as there are workers for."""
        while self._group and self._free and (key := self._turns.take()):
            self._free -= 1
            self.failures.metrics.waited.observe(time.monotonic() - self._added.pop(key))
            self._group.create_task(self._worker(key))

    async def _worker(self, key: Key) -> None:
        try:
            await self._attempt(key)
        finally:
            self._free += 1
            self._turns.done(key)
        self._begin()

    async def _attempt(self, key: Key) -> None:
        rest = self._rests.get(key, 0) - time.monotonic()
        if rest > 0:
            self._retry(key, rest)
            return
        if retry := self._retries.pop(key, None):
            retry.cancel()
        try:
            await self.work(key)
        except Exception as error:  # of this key alone: also what is too deep or too large for Python
            if not isinstance(error, ClusterError):
                self._rests[key] = time.monotonic() + REST_SECONDS
            self._retry(key, await self.failures.failed(key, error))
        else:
            self._rests.pop(key, None)
            self.failures.over(key)

    def _retry(self, key: Key, delay: float) -> None:
        """Add a key later, once: what is to come earlier anyway stays."""
        loop, known = asyncio.get_running_loop(), self._retries.get(key)
        if known and not known.cancelled() and known.when() <= loop.time() + delay:
            return
        if known:
            known.cancel()
        self._retries[key] = loop.call_later(delay, self._try_again, key)

    def _try_again(self, key: Key) -> None:
        self._retries.pop(key, None)
        self.add(key)
