"""``logs``: what the agent of a run printed, or what is left of it. Called by ``cli.main``."""

from __future__ import annotations

import argparse
import sys

from agentschedule.cli.cluster import Cluster, connect
from agentschedule.cli.errors import CommandError, NotThere
from agentschedule.cli.waiting import Body, has_ended, how_it_stands, status_of, until
from agentschedule.names import RUN_PLURAL

# An agent may wait for a node or an image for as long as its run may take; a person ends this with Ctrl-C.
FOREVER = float("inf")


def command(args: argparse.Namespace) -> None:
    """Copy the log of a run's pod to the output. Raises CommandError with what remains if the pod is gone."""
    cluster = connect(args.namespace)
    run = cluster.get(RUN_PLURAL, args.name)
    if args.follow:
        run = _begun(cluster, run, args)
    attempt = _attempt(run, args.attempt)
    if attempt is None:
        raise CommandError(_no_pod(run, args.attempt))
    try:
        for chunk in cluster.log(attempt["pod"], args.follow):
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
    except NotThere:
        raise CommandError(_remains(run, attempt)) from None


def _begun(cluster: Cluster, run: Body, args: argparse.Namespace) -> Body:
    """The run once the attempt has started, or never will."""

    def begun(run: Body) -> bool:
        return has_ended(run) or bool((_attempt(run, args.attempt) or {}).get("startTime"))

    if not begun(run):
        print(f"Waiting for {args.name} to start: it is {how_it_stands(run)}.", file=sys.stderr)
    return until(begun, lambda: cluster.get(RUN_PLURAL, args.name), run, FOREVER)


def _attempt(run: Body, number: int | None) -> Body | None:
    """The attempt of that number, or the last one. Of several pods with one number, the last took the others' place."""
    attempts = [a for a in status_of(run).get("attempts") or () if number in (None, a["attempt"])]
    return attempts[-1] if attempts else None


def _no_pod(run: Body, number: int | None) -> str:
    name = run["metadata"]["name"]
    numbers = dict.fromkeys(str(attempt["attempt"]) for attempt in status_of(run).get("attempts") or ())
    if number is not None and numbers:
        return f"{name} has no attempt {number}: it has {', '.join(numbers)}"
    return f"{name} {'never had a' if has_ended(run) else 'has no'} pod: it is {how_it_stands(run)}"


def _remains(run: Body, attempt: Body) -> str:
    """The pod is gone; the record is not."""
    meta, status = run["metadata"], status_of(run)
    parts = [f"the pod {attempt['pod']} of {meta['name']} is gone, and its log with it"]
    if attempt.get("error"):
        parts.append(f"its error was: {attempt['error']}")
    # The record has the output of the last pod only.
    output = (status.get("output") or {}) if attempt["pod"] == status.get("pod") else {}
    if output.get("content"):
        path = "jsonpath='{.status.output.content}'"
        parts.append(f"its output is kept: kubectl get {RUN_PLURAL} {meta['name']} -n {meta['namespace']} -o {path}")
    if output.get("ref"):
        parts.append(f"all of its output is at {output['ref']}")
    return "; ".join(parts)
