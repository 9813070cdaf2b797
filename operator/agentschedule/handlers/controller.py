"""Looks after the signs of life of the CronJob controller; ``plan.controller`` says what they mean.

Its Lease is read every few seconds, on a standby too, which knows at once when it takes over. Where that is forbidden,
or there is none, the Jobs that it makes must do.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

from agentschedule import names
from agentschedule.cluster import parse
from agentschedule.cluster.client import Client
from agentschedule.cluster.lease import Leases
from agentschedule.errors import ClusterError, Forbidden, Refused
from agentschedule.handlers.leader import monotonic
from agentschedule.handlers.reconcile import utc_now
from agentschedule.plan.controller import FRESH_SECONDS, Controller, Renewals

logger = logging.getLogger(__name__)
LOOK_SECONDS = 5.0
RECENT = timedelta(seconds=FRESH_SECONDS)


@dataclass
class ControllerWatch:
    """What is seen of the CronJob controller."""

    leases: Leases
    clock: Callable[[], float] = monotonic
    now: Callable[[], datetime] = utc_now
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    _renewals: Renewals = field(default_factory=Renewals)
    # Of each namespace: when the latest Job of its making was created, and when that was heard, in the order of these.
    _made: OrderedDict[str, tuple[datetime, float]] = field(default_factory=OrderedDict)
    _told: str | None = None

    @classmethod
    def of(cls, client: Client) -> Self:
        return cls(Leases(client, names.SYSTEM_NAMESPACE, names.CONTROLLER_MANAGER))

    def seen(self, namespace: str) -> Controller:
        """What is known of it now."""
        now = self.clock()
        while self._made and next(iter(self._made.values()))[1] + FRESH_SECONDS <= now:
            self._made.popitem(last=False)
        made, _ = self._made.get(namespace, (None, now))
        return Controller(self._renewals.go_on(now), made)

    async def run(self) -> None:
        """Look at its Lease, until cancelled."""
        while True:
            await self._look()
            await self.pause(LOOK_SECONDS)

    async def _look(self) -> None:
        began = self.clock()
        try:
            lease = await self.leases.read()
        except (Forbidden, Refused) as error:
            self._tell(f"may not be read: {error}")
        except ClusterError as error:  # what was seen before goes out of date by itself
            logger.debug("the Lease %s: %s", self.leases, error)
        else:
            self._renewals = self._renewals.looked(lease, began)
            self._tell("is read" if lease else "is not there")

    def heard(self, event: Any) -> None:
        """Take in an event about a Job. One that is told long after it was made, by a watch that began anew, tells
        nothing of now."""
        if event["type"] != "ADDED":
            return
        made = parse.made_by_controller(event["object"])
        if made and abs(self.now() - made) < RECENT:
            namespace = event["object"]["metadata"]["namespace"]
            self._made[namespace] = made, self.clock()
            self._made.move_to_end(namespace)

    def _tell(self, state: str) -> None:
        """Once for each change."""
        if state != self._told:
            logger.info("the Lease %s %s", self.leases, state)
            self._told = state
