"""Who has the floor: decisions are made one after the other, and namespaces take turns with them.

All work shares one thread. Fifty reconciles of one namespace, each with a decision to make, would have the one of
another wait for all of them, at each of its steps. Here it waits for one of each other namespace.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from dataclasses import dataclass, field


@dataclass
class Floor:
    """One decision in a round of the event loop, so that answers of the API server are heard in between."""

    _lines: OrderedDict[str, deque[asyncio.Future[None]]] = field(default_factory=OrderedDict)
    _taken: bool = False

    async def turn(self, namespace: str) -> None:
        """Return when it is this namespace's turn; at once if nobody has the floor."""
        if self._taken:
            mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._lines.setdefault(namespace, deque()).append(mine)
            await mine
        else:
            self._take()

    def _take(self) -> None:
        self._taken = True
        asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        """Give the floor to the next who still wants it."""
        self._taken = False
        while self._lines and not self._taken:
            namespace, line = self._lines.popitem(last=False)
            waiting = line.popleft()
            if line:
                self._lines[namespace] = line
            if not waiting.done():  # it was cancelled
                waiting.set_result(None)
                self._take()
