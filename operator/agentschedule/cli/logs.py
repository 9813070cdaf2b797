"""``logs``: what the agent of a run printed, or what is left of it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from agentschedule.cli.arguments import add_run, count
from agentschedule.cli.cluster import Cluster, connect
from agentschedule.cli.errors import CommandError, NotThere
from agentschedule.cli.output import copy, note
from agentschedule.cli.waiting import until
from agentschedule.cli.words import how_it_stands
from agentschedule.names import RUN_PLURAL

if TYPE_CHECKING:
    from agentschedule.api.run import Attempt, ScheduleRun

HELP = "print what a run's agent printed"
# An agent may wait for a node or an image for as long as its run may take; a person ends this with Ctrl-C.
FOREVER = float("inf")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which run, which of its attempts, and whether to go on reading."""
    add_run(parser)
    parser.add_argument("-f", "--follow", action="store_true", help="wait for the start, and print what comes")
    parser.add_argument("--attempt", type=count, metavar="N", help="which one, from 1; default the last")


def run(args: argparse.Namespace) -> None:
    """Copy the log of a run's pod to the output. Raises CommandError with what remains if the pod is gone."""
    cluster = connect(args.namespace)
    found = cluster.run(args.name)
    if args.follow:
        found = _begun(cluster, found, args)
    attempt = _attempt(found, args.attempt)
    if attempt is None:
        raise CommandError(_no_pod(found, args.attempt))
    try:
        copy(cluster.log(attempt.pod, args.follow))
    except NotThere:
        raise CommandError(_remains(found, attempt)) from None


def _begun(cluster: Cluster, found: ScheduleRun, args: argparse.Namespace) -> ScheduleRun:
    """The run once the attempt has started, or never will."""

    def begun(found: ScheduleRun) -> bool:
        attempt = _attempt(found, args.attempt)
        return found.final or bool(attempt and attempt.start_time)

    if not begun(found):
        note(f"Waiting for {args.name} to start: it is {how_it_stands(found)}.")
    return until(begun, lambda: cluster.run(args.name), found, FOREVER)


def _attempts(found: ScheduleRun) -> tuple[Attempt, ...]:
    return (found.status.attempts if found.status else None) or ()


def _attempt(found: ScheduleRun, number: int | None) -> Attempt | None:
    """The attempt of that number, or the last one. Of several pods with one number, the last took the others' place."""
    return next((a for a in reversed(_attempts(found)) if number in (None, a.attempt)), None)


def _no_pod(found: ScheduleRun, number: int | None) -> str:
    name = found.metadata.name
    numbers = dict.fromkeys(str(attempt.attempt) for attempt in _attempts(found))
    if number is not None and numbers:
        return f"{name} has no attempt {number}: it has {', '.join(numbers)}"
    return f"{name} {'never had a' if found.final else 'has no'} pod: it is {how_it_stands(found)}"


def _remains(found: ScheduleRun, attempt: Attempt) -> str:
    """The pod is gone; the record is not."""
    meta, status = found.metadata, found.status
    parts = [f"the pod {attempt.pod} of {meta.name} is gone, and its log with it"]
    if attempt.error:
        parts.append(f"its error was: {attempt.error}")
    # The record has the output of the last pod only.
    output = status.output if status and status.pod == attempt.pod else None
    if output and output.content:
        path = "jsonpath='{.status.output.content}'"
        parts.append(f"its output is kept: kubectl get {RUN_PLURAL} {meta.name} -n {meta.namespace} -o {path}")
    if output and output.ref:
        parts.append(f"all of its output is at {output.ref}")
    return "; ".join(parts)
