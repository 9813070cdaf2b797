"""Conditions, kept as Kubernetes keeps them: the transition time moves only with the status."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from agentschedule import names
from agentschedule.api.base import Condition


@dataclass(frozen=True)
class Finding:
    """What one condition is to say."""

    type: names.Condition
    value: bool
    reason: str
    message: str = ""


def merge(
    old: Iterable[Condition] | None, findings: Iterable[Finding], generation: int | None, now: datetime
) -> tuple[Condition, ...]:
    """The findings as conditions; one whose status did not change keeps its transition time."""
    before = {condition.type: condition for condition in old or ()}
    return tuple(_condition(before.get(found.type), found, generation, now) for found in findings)


def _condition(old: Condition | None, found: Finding, generation: int | None, now: datetime) -> Condition:
    status = "True" if found.value else "False"
    since = old.last_transition_time if old and old.status == status else now
    return Condition(
        type=found.type,
        status=status,
        observed_generation=generation,
        last_transition_time=since,
        reason=found.reason,
        message=found.message,
    )
