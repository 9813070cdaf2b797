"""``resume``: take ``spec.suspend`` back, and say what that means."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from agentschedule.cli.arguments import add_schedule, add_wait
from agentschedule.cli.cluster import connect
from agentschedule.cli.errors import CommandError
from agentschedule.cli.output import say
from agentschedule.cli.suspension import spec_of, write
from agentschedule.cli.words import obstacle
from agentschedule.names import SchedulePhase

if TYPE_CHECKING:
    from agentschedule.api.schedule import AgentScheduleStatus

HELP = "let scheduled runs start again"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which schedule, and how many seconds to wait."""
    add_schedule(parser)
    add_wait(parser, "the operator to take it up")


def run(args: argparse.Namespace) -> None:
    """Scheduled runs start again, from the next due time on. Raises CommandError."""
    cluster = connect(args.namespace)
    schedule = cluster.schedule(args.name)
    spec = spec_of(schedule)
    if spec and not spec.suspend:
        say(f"{args.name} is not paused. {_prospects(schedule.status)}")
        return
    status = write(cluster, args, suspend=False, reason=None)
    if status.phase is SchedulePhase.INVALID:
        problem = obstacle(status) or "see its conditions"
        raise CommandError(f"{args.name} is resumed, but it is not in force: {problem}")
    say(f"{args.name} is resumed. {_prospects(status)} What came due meanwhile is not made up for.")


def _prospects(status: AgentScheduleStatus | None) -> str:
    time = status.next_run_time if status else None
    return f"Its next run is due at {time}." if time else "Nothing is due."
