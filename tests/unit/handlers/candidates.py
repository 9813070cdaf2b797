"""Candidates for the Lease in virtual time, each on a line of its own to one server."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field, replace
from typing import Any, cast

from agentschedule.cluster.lease import Leases
from agentschedule.errors import AlreadyExists, ClusterError, Conflict, NotFound
from agentschedule.handlers.leader import Leader
from agentschedule.plan.lease import Lease, Terms
from tests.unit.handlers.virtual import now

TERMS = Terms(10)


@dataclass
class Server:
    """The Lease as the API server keeps it, and who wrote it when."""

    lease: Lease | None = None
    version: int = 0
    written: list[tuple[float, str]] = field(default_factory=list)

    def write(self, wanted: Lease) -> Lease:
        if wanted.version and not self.lease:
            raise NotFound("leases not found")
        if self.lease and not wanted.version:
            raise AlreadyExists("leases exists")
        if self.lease and wanted.version != self.lease.version:
            raise Conflict("modified")
        self.version += 1
        self.lease = replace(wanted, version=str(self.version))
        self.written.append((now(), wanted.holder))
        return self.lease


@dataclass
class Line:
    """One operator's way to the server: how long an answer takes, and whether there is one."""

    server: Server
    seconds: float = 0.001
    cut: bool = False  # each request is refused
    silent: bool = False  # each request hangs
    deaf: bool = False  # each request arrives, and its answer does not
    namespace: str = "system"

    async def _travel(self) -> None:
        if self.cut:
            raise ClusterError("connection refused")
        await asyncio.sleep(10_000 if self.silent else self.seconds / 2)

    async def read(self) -> Lease | None:
        await self._travel()
        found = self.server.lease
        await self._return()
        return found

    async def write(self, wanted: Lease) -> Lease:
        await self._travel()
        done = self.server.write(wanted)
        await self._return()
        return done

    async def _return(self) -> None:
        await asyncio.sleep(10_000 if self.deaf else self.seconds / 2)

    @property
    def client(self) -> Line:
        return self

    async def close(self) -> None:
        """Nothing is open."""


class Candidate:
    """An operator with a clock of its own, and its process."""

    def __init__(self, name: str, server: Server, terms: Terms = TERMS, ahead: float = 0.0, **line: Any) -> None:
        self.line = Line(server, **line)
        self.leader = Leader(cast("Leases", self.line), name, terms, clock=lambda: now() + ahead)
        self.process = asyncio.create_task(self.leader.run())

    def kill(self) -> None:
        self.process.cancel()
        self.leader.leads = lambda: False  # type: ignore[method-assign]

    async def stop(self, let_go: bool = True) -> None:
        self.process.cancel()
        await self.leader.stop(let_go)

    async def leads_within(self, seconds: float) -> float:
        """After how long."""
        began = now()
        async with asyncio.timeout(seconds):
            await self.leader.elected.wait()
        assert self.leader.leads()
        return now() - began


async def two(server: Server | None = None, **line: Any) -> tuple[Candidate, Candidate]:
    """One that leads, and one that stands by."""
    server = server or Server()
    first = Candidate("first", server, **line)
    await first.leads_within(1)
    second = Candidate("second", server, ahead=1_000_000)
    await asyncio.sleep(random.uniform(20, 30))
    assert first.leader.leads()
    assert not second.leader.leads()
    return first, second
