"""Is the CronJob controller alive? Known by two signs: its Lease changes, or it makes Jobs.

Each goes by a clock of our own that nobody sets: a Lease is alive if it changes between our looks, whatever it says the
time is. A Job that looks like one of its making may be a tenant's, and is a sign in its own namespace only. Where there
is no sign, nothing is known, and nothing is done.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from agentschedule.plan.lease import Lease

# For how long a Job that it made is a sign.
FRESH_SECONDS = 10.0
NEVER = float("-inf")


@dataclass(frozen=True)
class Controller:
    """What is known of it at one moment, to schedules of one namespace."""

    renews: bool = False  # its Lease is held, and was renewed within the time that it says itself
    made: datetime | None = None  # when the latest Job of its making was created, if that is a sign still

    def alive_after(self, due: datetime) -> bool:
        """True if it is alive though ``due`` has come. A Job from before that does not say so: it may have stopped."""
        return self.renews or (self.made is not None and self.made >= due)


UNKNOWN = Controller()


def unknown(_namespace: str) -> Controller:
    """What is known where nobody looks."""
    return UNKNOWN


@dataclass(frozen=True)
class Renewals:
    """What was seen of its Lease, and when, by our clock."""

    lease: Lease | None = None
    looked_at: float = NEVER
    renewed_at: float = NEVER

    def looked(self, lease: Lease | None, now: float) -> Self:
        """After a look that began at ``now``. What has changed did so after the look before, or later."""
        changed = lease is not None and self.lease is not None and not lease.says(self.lease)
        return replace(self, lease=lease, looked_at=now, renewed_at=self.looked_at if changed else self.renewed_at)

    def go_on(self, now: float) -> bool:
        """True if it is held at ``now``, and renewed in time."""
        lease = self.lease
        return lease is not None and lease.holder != "" and now < self.renewed_at + lease.seconds
