"""``cancel``: stop a run, and say how it ended."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from agentschedule.cli.arguments import add_run, add_wait
from agentschedule.cli.cluster import connect
from agentschedule.cli.errors import CommandError
from agentschedule.cli.output import say
from agentschedule.cli.waiting import until
from agentschedule.cli.words import how_it_stands
from agentschedule.names import RunPhase

if TYPE_CHECKING:
    from agentschedule.api.run import ScheduleRun

HELP = "stop a run"
DEFAULT_SECONDS = 60.0  # an agent has its grace period: 30 s unless its author says otherwise


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which run, and how many seconds to wait."""
    add_run(parser)
    add_wait(parser, "the run's end; 0: not at all", DEFAULT_SECONDS)


def run(args: argparse.Namespace) -> None:
    """Ask the operator to stop the run, and wait for its end. Raises CommandError if that does not come."""
    cluster = connect(args.namespace)
    if end := _end(cluster.run(args.name)):
        say(f"{args.name} had already ended: {end}.")
        return
    asked_to = cluster.patch_run(args.name, {"spec": {"cancel": True}})
    if not args.wait:
        say(f"{args.name} is asked to stop.")
        return
    asked = time.monotonic()
    found = until(lambda found: found.final, lambda: cluster.run(args.name), asked_to, args.wait)
    end = _end(found)
    if end is None:
        raise CommandError(
            f"{args.name} is asked to stop, but has not ended within {args.wait:g} s: it is {how_it_stands(found)}. "
            "It ends with its agent's grace period, if the operator is running"
        )
    say(f"{args.name} {_ended(end, time.monotonic() - asked)}.")


def _end(found: ScheduleRun) -> RunPhase | None:
    """How the run has ended; None while it has not."""
    return found.status.phase if found.status and found.final else None


def _ended(end: RunPhase, seconds: float) -> str:
    if end is RunPhase.CANCELLED:
        return f"is cancelled after {seconds:.0f}s"
    return f"ended before it could be stopped: {end}"
