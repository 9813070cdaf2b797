"""Leader election: one operator of several decides and writes, the others stand by, with everything listed.

A Lease in the operator's own namespace says who. ``plan.lease`` has the rules; here are the loop and the clock. Who has
lost the Lease ends, and begins again as one that stands by: what it has in its head may be of the past.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from agentschedule.cluster.lease import Leases
from agentschedule.errors import AlreadyExists, ClusterError, Conflict, LeaseLost, NotFound
from agentschedule.plan.lease import AT_ONCE, Lease, Sighting, Terms, released, renewed, taken

logger = logging.getLogger(__name__)
# Parts of the Lease's duration: until a renewal is given up that hangs, so that there is time for another; and a look.
RENEWAL, LOOK = 0.25, 0.5
SOMEBODY_WAS_FASTER = (Conflict, AlreadyExists, NotFound)


def monotonic() -> float:
    """Seconds that nobody sets, and that pass while the machine sleeps, where the system counts them."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def micro_time() -> str:
    """Now, as a Lease says it, for people."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass
class Leader:
    """The Lease, in our hands or in another's."""

    leases: Leases
    me: str  # of this process alone: another begins with nothing
    terms: Terms
    clock: Callable[[], float] = monotonic
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    elected: asyncio.Event = field(default_factory=asyncio.Event)
    _seen: Sighting | None = None
    _until: float = AT_ONCE
    _told: str | None = None

    def leads(self) -> bool:
        """True as long as no other can lead: whatever is sent now has time to arrive."""
        return self.clock() < self._until

    async def run(self) -> None:
        """Stand by, then lead. Raises LeaseLost when another leads, or may do so soon."""
        while not (held := await self._attempt(self._look(), self.terms.duration * LOOK)):
            await self.pause(self._next_look())
        self.elected.set()
        while True:
            held = await self._keep(held)

    async def stop(self, let_go: bool) -> None:
        """After ``run`` was cancelled. ``let_go``, if nothing of ours is under way: another leads at its next look."""
        if let_go and self.leads():
            with suppress(LeaseLost):  # then there is nothing to let go
                await self._attempt(self._let_go(), self.terms.duration * RENEWAL)
        self._until = AT_ONCE
        await self.leases.client.close()

    async def _attempt(self, step: Awaitable[Lease | None], seconds: float) -> Lease | None:
        """The Lease, if it is ours after that; None if it came to nothing for now."""
        try:
            async with asyncio.timeout(seconds):
                return await step
        except SOMEBODY_WAS_FASTER as error:
            logger.debug("the Lease is not as it was: %s", error)
        except (ClusterError, TimeoutError) as error:
            logger.warning("the Lease %s: %s", self.leases, str(error) or "no answer in time")
        return None

    async def _look(self) -> Lease | None:
        """Take the Lease if it is free."""
        lease = await self.leases.read()
        self._seen = Sighting.of(self._seen, lease, self.clock())
        self._tell(lease.holder if lease else "")
        if self.clock() < self._seen.free_at(self.me):
            return None
        held = await self._write(taken(self._seen.lease, self.me, self.terms, micro_time()))
        self._tell(self.me)
        return held

    def _next_look(self) -> float:
        """After how many seconds; on the dot when the Lease may be free."""
        free_at = self._seen.free_at(self.me) if self._seen else AT_ONCE
        left = free_at - self.clock()
        return min(self.terms.look, left) if left > 0 else self.terms.look

    async def _keep(self, held: Lease) -> Lease:
        """Renew once. Raises LeaseLost."""
        wait = self.terms.renew
        while True:
            await self.pause(max(0.0, min(wait, self._left)))
            if not self.leads():
                raise LeaseLost(f"the Lease was not renewed for {self.terms.writes_end:.1f} s: others may lead soon")
            if renewal := await self._attempt(self._renew(held), min(self._left, self.terms.duration * RENEWAL)):
                return renewal
            wait = self.terms.look

    @property
    def _left(self) -> float:
        return self._until - self.clock()

    async def _renew(self, held: Lease) -> Lease:
        try:
            return await self._write(renewed(held, micro_time()))
        except (Conflict, NotFound):
            return await self._write(renewed(await self._still_mine(), micro_time()))

    async def _still_mine(self) -> Lease:
        """The Lease as it is: somebody has put a label on it, or we have renewed it and did not hear of it."""
        lease = await self.leases.read()
        if lease is None or lease.holder != self.me:
            self._until = AT_ONCE
            raise LeaseLost(f"the Lease is {f'held by {lease.holder}' if lease and lease.holder else 'free'}")
        return lease

    async def _write(self, lease: Lease) -> Lease:
        """Write it, and lead from before that was sent: who sees it sees it later."""
        began = self.clock()
        held = await self.leases.write(lease)
        self._until = began + self.terms.writes_end
        return held

    async def _let_go(self) -> None:
        await self.leases.write(released(await self._still_mine(), micro_time()))
        logger.info("another may lead")

    def _tell(self, holder: str) -> None:
        """Who leads, once for each change."""
        if holder != self._told:
            logger.info("%s leads", "this operator" if holder == self.me else holder or "nobody")
            self._told = holder
