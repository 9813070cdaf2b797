"""The fence: no write leaves an operator that does not lead.

What it guarantees: nothing is handed to the network unless, at that moment, this process leads by its own clock, which
counts from before its last renewal was sent. It stops leading 0.3 of the Lease's duration (3 s) before any other may
lead, and ends; so what was sent just before has that long to arrive.

What it cannot: a request that the network, a proxy or the API server holds back for longer, and a process that is
stopped (SIGSTOP, a paused machine) in the microseconds between the last look and the system call. For those there is
what holds without any Lease: names that both operators choose alike, and the resourceVersion in what they write.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import BytesPayload

from agentschedule.errors import NotLeading


def always() -> bool:
    """One operator alone leads."""
    return True


@dataclass
class Fence:
    """Lets writes pass while this process leads, and knows how many are under way."""

    leads: Callable[[], bool] = always
    closed: bool = False  # for good: it stops
    _under_way: int = 0

    def is_open(self) -> bool:
        return not self.closed and self.leads()

    def check(self) -> None:
        """Raises NotLeading."""
        if not self.is_open():
            raise NotLeading("another operator leads, or may do so by now: nothing is written")

    @contextmanager
    def passing(self) -> Iterator[None]:
        """For as long as a write takes. Raises NotLeading."""
        self.check()
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    async def close(self, seconds: float) -> bool:
        """Let nothing pass any more; True if all that had passed is answered within so many seconds."""
        self.closed = True
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while self._under_way and loop.time() < until:
            await asyncio.sleep(0.01)
        return not self._under_way


class FencedPayload(BytesPayload):
    """A body that is checked once more when it goes out, headers and all: a connection may have taken seconds."""

    def __init__(self, value: bytes, fence: Fence) -> None:
        super().__init__(value)
        self._fence = fence

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        self._fence.check()
        await super().write_with_length(writer, content_length)
