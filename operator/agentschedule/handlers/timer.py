"""The timer handler: one heap of moments at which a schedule is looked at though nothing has happened.

One heap and not ``@kopf.timer``: that is a task, and a finalizer on the user's object, for each schedule.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from agentschedule.cluster.store import Key

# Moments that were set anew and may stay in the heap: to tidy it up costs a look at all.
SPARE = 1000


@dataclass
class Timer:
    """Moments, at most one for a key; kept as seconds since 1970, which compare whatever they came from."""

    _heap: list[tuple[float, Key]] = field(default_factory=list)
    _at: dict[Key, float] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def set(self, key: Key, moment: datetime | None) -> None:
        """Look at ``key`` at ``moment``, and not at any that was set before."""
        if moment is None:
            self._at.pop(key, None)
            return
        at = moment.timestamp()
        if self._at.get(key) != at:
            self._at[key] = at
            heapq.heappush(self._heap, (at, key))
            self._changed.set()
            self._tidy()

    def _tidy(self) -> None:
        """Moments that were set anew would stay until they come, which may be in a year."""
        if len(self._heap) > 2 * len(self._at) + SPARE:
            self._heap = [(at, key) for key, at in self._at.items()]
            heapq.heapify(self._heap)

    async def run(self, due: Callable[[Key], None]) -> None:
        """Call ``due`` with each key when its moment has come, until cancelled."""
        while True:
            self._fire(time.time(), due)
            self._changed.clear()
            wait = self._heap[0][0] - time.time() if self._heap else None
            try:
                # Never longer than a minute: the clock of the machine may be set.
                await asyncio.wait_for(self._changed.wait(), min(max(wait, 0), 60) if wait is not None else None)
            except TimeoutError:
                continue

    def _fire(self, now: float, due: Callable[[Key], None]) -> None:
        while self._heap and self._heap[0][0] <= now:
            at, key = heapq.heappop(self._heap)
            if self._at.get(key) == at:  # else it was set anew
                del self._at[key]
                due(key)
