"""Are the watches alive? Kopf restarts a silent one by itself; this notices the one that it does not.

A list that shows something new is a promise: a living watch brings the same within moments. One that stays
silent after that is dead.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

# Longer than Kopf takes to notice a silent stream and open another.
SILENCE_LIMIT_SECONDS = 150.0


@dataclass
class Watches:
    """What each watch owes."""

    clock: Callable[[], float] = time.monotonic
    synced: bool = False  # everything was listed once
    _behind: dict[str, float] = field(default_factory=dict)

    async def wait_synced(self) -> None:
        """Return once everything was listed."""
        while not self.synced:
            await asyncio.sleep(0.05)

    def heard(self, plural: str) -> None:
        """A watch brought something."""
        self._behind.pop(plural, None)

    def missed(self, plural: str) -> None:
        """A list showed something that the watch had not brought."""
        self._behind.setdefault(plural, self.clock())

    def dead(self) -> list[str]:
        """The kinds whose watch stays silent though something has changed."""
        now = self.clock()
        return [plural for plural, since in self._behind.items() if now - since > SILENCE_LIMIT_SECONDS]
