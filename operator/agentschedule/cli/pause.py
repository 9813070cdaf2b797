"""``pause``: write ``spec.suspend``, and say what that means."""

from __future__ import annotations

import argparse

from agentschedule.cli.arguments import add_schedule, add_wait
from agentschedule.cli.cluster import connect
from agentschedule.cli.output import say
from agentschedule.cli.suspension import spec_of, write
from agentschedule.cli.words import because

HELP = "let no scheduled run start"
MAX_REASON = 1024  # characters, as the API has it


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which schedule, why, and how many seconds to wait."""
    add_schedule(parser)
    parser.add_argument("--reason", type=_reason, metavar="TEXT", help="why, for whoever finds it paused")
    add_wait(parser, "the operator to take it up")


def run(args: argparse.Namespace) -> None:
    """No scheduled run starts any more. Raises CommandError."""
    cluster = connect(args.namespace)
    spec = spec_of(cluster.schedule(args.name))
    if spec and spec.suspend and args.reason in (None, spec.suspend_reason):
        say(f"{args.name} is already paused{because(spec.suspend_reason)}.")
        return
    # Without a reason, none of an earlier pause may stay.
    status = write(cluster, args, suspend=True, reason=args.reason)
    say(f"{args.name} is paused{because(args.reason)}: nothing is due until it is resumed.")
    if active := status.active_runs:
        say(f"What runs already goes on: {', '.join(active)}. To stop it: kubectl agentschedule cancel {active[0]}")


def _reason(text: str) -> str:
    if not text.strip() or len(text) > MAX_REASON:
        raise argparse.ArgumentTypeError(f"a reason has 1 to {MAX_REASON} characters")
    return text
