"""Who leads, of several operators: what one look at their Lease allows. The rules are those of client-go.

Each goes by a clock of its own that nobody sets, and counts from what it did or saw itself: of the times in the Lease
only counts that they change, so that clocks may be apart by any number of years. They must run equally fast, within
``WRITES_END``: the holder stops writing well before another, who saw its last renewal no earlier, may take the Lease.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

# Parts of the Lease's duration. The holder writes for so long after it began its last renewal, renews so often, and a
# candidate looks so often: after a clean stop nobody else leads sooner.
WRITES_END, RENEW, LOOK = 0.7, 0.2, 0.1
MAX_LOOK_SECONDS = 1.0
AT_ONCE = float("-inf")
MAX_TRANSITIONS = 2**31 - 1


@dataclass(frozen=True)
class Lease:
    """What a Lease says. Of its times only counts whether they change."""

    holder: str  # empty: whoever held it has let go
    seconds: int  # how long others wait after its last renewal
    transitions: int
    acquired: str
    renewed: str
    version: str = ""  # the resourceVersion that it was read or written at; empty: there is none yet

    def says(self, other: Lease) -> bool:
        """True if both say the same: nobody has renewed it in between."""
        return replace(self, version="") == replace(other, version="")


@dataclass(frozen=True)
class Terms:
    """How long what lasts, in seconds."""

    duration: int

    @property
    def writes_end(self) -> float:
        """After the begin of the last renewal: the holder writes until then, and has lost the Lease after it."""
        return self.duration * WRITES_END

    @property
    def renew(self) -> float:
        """The holder's pause between two renewals."""
        return self.duration * RENEW

    @property
    def look(self) -> float:
        """The pause before another look, or before a renewal that failed is tried again."""
        return min(self.duration * LOOK, MAX_LOOK_SECONDS)


@dataclass(frozen=True)
class Sighting:
    """The Lease as it was seen last, and since when it is as it is; nothing, if there was none."""

    lease: Lease | None
    since: float

    @classmethod
    def of(cls, before: Self | None, lease: Lease | None, now: float) -> Self:
        """``now``: after the answer came. So the holder began its renewal earlier, and stops writing in time."""
        known = before.lease if before else None
        if before and known and lease is None:
            # Whoever held a Lease that is deleted may not know it yet, and is waited for all the same.
            return replace(before, lease=replace(known, version=""))
        if before and known and lease and lease.says(known):
            return cls(lease, before.since)
        return cls(lease, now)

    def free_at(self, me: str) -> float:
        """From when on I may take it."""
        if self.lease is None or self.lease.holder in ("", me):
            return AT_ONCE
        return self.since + self.lease.seconds


def taken(seen: Lease | None, me: str, terms: Terms, now: str) -> Lease:
    """What I write to take it. Written over what was seen, or not at all: then somebody was faster."""
    if seen is None:
        return Lease(me, terms.duration, 0, now, now)
    if seen.holder == me:  # I wrote it, and did not hear of it
        return renewed(seen, now)
    return Lease(me, terms.duration, min(seen.transitions + 1, MAX_TRANSITIONS), now, now, seen.version)


def renewed(held: Lease, now: str) -> Lease:
    """What I write to keep it."""
    return replace(held, renewed=now)


def released(held: Lease, now: str) -> Lease:
    """What I write to let go: others take it at their next look."""
    return replace(held, holder="", seconds=1, acquired=now, renewed=now)
