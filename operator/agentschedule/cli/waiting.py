"""Looking again until the operator has answered."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
# The operator answers within a second; whoever waits longer need not ask that often.
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 2.0


def until(done: Callable[[T], bool], look: Callable[[], T], found: T, seconds: float) -> T:
    """Look until what is found is done, but no longer than that. Returns the last look, done or not."""
    deadline = time.monotonic() + seconds
    pause = FIRST_PAUSE_SECONDS
    while not done(found) and (left := deadline - time.monotonic()) > 0:
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
        found = look()
    return found
