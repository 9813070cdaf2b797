"""Is the CronJob controller alive? Known by two signs: its Lease changes, or it makes Jobs.

Each goes by a clock of our own that nobody sets: a Lease is alive if it changes between our looks, whatever it says the
time is. Where there is no sign, nothing is known, and nothing is done.
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
    """What is known of it at one moment."""

    renews: bool = False  # its Lease is held, and was renewed within the time that it says itself
    made: datetime | None = None  # when the latest Job of its making was created, if that is a sign still

    def alive_after(self, due: datetime) -> bool:
        """True if it is alive though ``due`` has come. A Job from before that does not say so: it may have stopped."""
        return self.renews or (self.made is not None and self.made >= due)


UNKNOWN = Controller()


@dataclass(frozen=True)
class Signs:
    """What was seen of it, and when, by our clock."""

    lease: Lease | None = None
    looked_at: float = NEVER
    renewed_at: float = NEVER
    made: datetime | None = None
    heard_at: float = NEVER

    def looked(self, lease: Lease | None, now: float) -> Self:
        """After a look that began at ``now``. What has changed did so after the look before, or later."""
        changed = lease is not None and self.lease is not None and not lease.says(self.lease)
        return replace(self, lease=lease, looked_at=now, renewed_at=self.looked_at if changed else self.renewed_at)

    def heard(self, made: datetime, now: float) -> Self:
        """After news of a Job that it has just made."""
        return replace(self, made=made, heard_at=now)

    def at(self, now: float) -> Controller:
        """What they say at ``now``."""
        held = self.lease is not None and self.lease.holder != ""
        renews = self.lease is not None and held and now < self.renewed_at + self.lease.seconds
        return Controller(renews, self.made if now < self.heard_at + FRESH_SECONDS else None)
