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


def internal_error(kind: str, identity: str) -> str:
    """What the owner of something reads that the operator fails at: whom to tell what. ``kind`` and ``identity`` are of
    the exception; what it says is for the operator's log alone."""
    return (
        f"The operator failed with an internal error: {kind}, {identity}. It tries again after each change, and every "
        f"few minutes. Please report it to whoever runs the operator; its log tells more under {identity}."
    )


def internal_error_of(conditions: Iterable[Condition] | None) -> Finding | None:
    """The finding that something is stalled by an internal error, if it is."""
    return next(
        (
            Finding(names.Condition.STALLED, True, condition.reason, condition.message)
            for condition in conditions or ()
            if condition.type == names.Condition.STALLED and condition.reason == names.Reason.INTERNAL_ERROR
        ),
        None,
    )


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
