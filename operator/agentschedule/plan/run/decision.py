"""What follows from a state of a run: actions, or words for its record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from agentschedule.plan.actions import Action
from agentschedule.plan.run.context import RunContext


@dataclass(frozen=True)
class Decision:
    """Do the actions; or, without any, write the record with this reason and message, unless ``silent``.

    ``requeue_at`` is when to look again though nothing happens, ``replan`` plans once more after the record is written.
    """

    actions: tuple[Action, ...] = ()
    reason: str | None = None
    message: str | None = None
    warning: bool = False
    silent: bool = False
    replan: bool = False
    requeue_at: datetime | None = None


def act(*actions: Action) -> Decision:
    return Decision(actions)


def wait(until: datetime | None) -> Decision:
    """Say nothing yet."""
    return Decision(silent=True, requeue_at=until)


def nothing(_context: RunContext) -> Decision:
    return Decision()
