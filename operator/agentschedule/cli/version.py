"""``version``: of the program, of its zone data, and of Kubernetes."""

from __future__ import annotations

import argparse
from importlib.metadata import version

from agentschedule import zonedata
from agentschedule.cli.errors import CommandError
from agentschedule.cli.output import say

HELP = "print the versions of all that matters"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Whether to ask the cluster."""
    parser.add_argument("--client", action="store_true", help="do not ask the cluster")


def run(args: argparse.Namespace) -> None:
    """Print a line for each. No cluster is no error: a person may be asking why there is none."""
    say(f"agentschedule {version('agentschedule')}")
    say(f"zone data: {zonedata.describe()}")
    if not args.client:
        say(f"Kubernetes: {_kubernetes()}")


def _kubernetes() -> str:
    from agentschedule.cli.cluster import connect

    try:
        return connect(None).server_version()
    except CommandError as error:
        return f"unknown, {error}"
