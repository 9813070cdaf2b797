"""What follows from a sight of a run: actions, or words for its record. Made by ``plan.joining``, ``plan.working`` and
``plan.ending``; read by ``plan.run``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from agentschedule.plan.actions import Action
from agentschedule.plan.run.context import Case


@dataclass(frozen=True)
class Step:
    """Do the actions; or, without any, write the record with this reason and message, unless ``silent``.

    ``look_again`` is when to look though nothing happens, ``again`` plans once more after the record is written.
    """

    actions: tuple[Action, ...] = ()
    reason: str | None = None
    message: str | None = None
    warning: bool = False
    silent: bool = False
    again: bool = False
    look_again: datetime | None = None


def do(*actions: Action) -> Step:
    return Step(actions)


def wait_until(moment: datetime | None) -> Step:
    """Say nothing yet."""
    return Step(silent=True, look_again=moment)


def nothing(_case: Case) -> Step:
    return Step()
