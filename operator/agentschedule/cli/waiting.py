"""Looking again until the operator has answered. Called by ``trigger``, ``cancel``, ``suspend`` and ``logs``."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from agentschedule.names import RunPhase

Body = dict[str, Any]
# The operator answers within a second; whoever waits longer need not ask that often.
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 2.0


def until(done: Callable[[Body], bool], look: Callable[[], Body], found: Body, seconds: float) -> Body:
    """Look until what is found is done, but no longer than that. Returns the last look, done or not."""
    deadline = time.monotonic() + seconds
    pause = FIRST_PAUSE_SECONDS
    while not done(found) and (left := deadline - time.monotonic()) > 0:
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
        found = look()
    return found


def status_of(body: Body) -> Body:
    """The status; empty before the operator has seen the object."""
    return body.get("status") or {}


def has_ended(run: Body) -> bool:
    """True for a run in a final phase."""
    return status_of(run).get("phase") in {phase.value for phase in RunPhase if phase.final}


def how_it_stands(run: Body) -> str:
    """Its phase, with what the operator says of it: ``Pending (Unschedulable: no node has enough memory)``."""
    status = status_of(run)
    phase, reason, message = (str(status.get(key) or "") for key in ("phase", "reason", "message"))
    why = message if not reason or reason in message else f"{reason}: {message}".removesuffix(": ")
    return (f"{phase} ({why.rstrip('.')})" if why else phase) or "not seen by the operator yet"
