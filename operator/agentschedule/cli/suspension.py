"""``spec.suspend``, which ``pause`` and ``resume`` write."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from agentschedule.cli.errors import CommandError
from agentschedule.cli.waiting import until

if TYPE_CHECKING:
    from agentschedule.api.schedule import AgentScheduleSpec, AgentScheduleStatus
    from agentschedule.cli.cluster import Cluster, Schedule


def spec_of(schedule: Schedule) -> AgentScheduleSpec | None:
    """The spec; None if it cannot be read here, which is no reason not to pause it."""
    from agentschedule.plan.observed import Unreadable

    return None if isinstance(schedule, Unreadable) else schedule.spec


def write(cluster: Cluster, args: argparse.Namespace, suspend: bool, reason: str | None) -> AgentScheduleStatus:
    """Patch the spec, and wait ``args.wait`` seconds until the operator has taken that up: only then has the CronJob
    changed. Returns the status that says so. Raises CommandError.
    """
    written = cluster.patch_schedule(args.name, {"spec": {"suspend": suspend, "suspendReason": reason}})
    generation = written.metadata.generation
    schedule = until(
        lambda found: _taken_up(found, generation) is not None,
        lambda: cluster.schedule(args.name),
        written,
        args.wait,
    )
    if status := _taken_up(schedule, generation):
        return status
    done, until_then = ("paused", "its CronJob goes on") if suspend else ("resumed", "nothing is started")
    raise CommandError(
        f"{args.name} is to be {done}, but the operator has not taken that up within {args.wait:g} s: "
        f"is it running? Until it has, {until_then}"
    )


def _taken_up(schedule: Schedule, generation: int) -> AgentScheduleStatus | None:
    """The status, if it speaks of this generation of the spec or of a later one."""
    status = schedule.status
    seen = status.observed_generation if status else None
    return status if seen is not None and seen >= generation else None
