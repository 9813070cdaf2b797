"""``cancel``: stop a run, and say how it ended. Called by ``cli.main``."""

from __future__ import annotations

import argparse
import time

from agentschedule.cli.cluster import connect
from agentschedule.cli.errors import CommandError
from agentschedule.cli.waiting import has_ended, how_it_stands, status_of, until
from agentschedule.names import RUN_PLURAL, RunPhase


def command(args: argparse.Namespace) -> None:
    """Ask the operator to stop the run, and wait for its end. Raises CommandError if that does not come."""
    cluster = connect(args.namespace)
    run = cluster.get(RUN_PLURAL, args.name)
    if has_ended(run):
        print(f"{args.name} had already ended: {status_of(run)['phase']}.")
        return
    run = cluster.patch(RUN_PLURAL, args.name, {"spec": {"cancel": True}})
    if not args.wait:
        print(f"{args.name} is asked to stop.")
        return
    asked = time.monotonic()
    run = until(has_ended, lambda: cluster.get(RUN_PLURAL, args.name), run, args.wait)
    if not has_ended(run):
        raise CommandError(
            f"{args.name} is asked to stop, but has not ended within {args.wait:g} s: it is {how_it_stands(run)}. "
            "It ends with its agent's grace period, if the operator is running"
        )
    print(f"{args.name} {_ended(status_of(run)['phase'], time.monotonic() - asked)}.")


def _ended(phase: str, seconds: float) -> str:
    if phase == RunPhase.CANCELLED:
        return f"is cancelled after {seconds:.0f}s"
    return f"ended before it could be stopped: {phase}"
