"""The command line: arguments in, exit code out. Entry point of ``kubectl-agentschedule``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import Protocol

from agentschedule.cli import cancel, logs, pause, resume, runs, trigger, version
from agentschedule.cli import next as next_
from agentschedule.cli.arguments import add_namespace
from agentschedule.cli.errors import CommandError
from agentschedule.cli.output import note


class Command(Protocol):
    """A module of a command's name. It imports late what takes long to load: all of them are loaded for each."""

    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """What the command takes."""

    def run(self, args: argparse.Namespace) -> None:
        """Do it, and print what a person is to read. Raises CommandError."""


# In the order of the help.
COMMANDS: dict[str, Command] = {
    "next": next_,
    "trigger": trigger,
    "cancel": cancel,
    "pause": pause,
    "resume": resume,
    "logs": logs,
    "runs": runs,
    "version": version,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. 0: done, 1: the cluster said no or cannot be asked, 2: the command is wrong."""
    args = _parser().parse_args(argv)
    run: Callable[[argparse.Namespace], None] = args.run
    try:
        run(args)
        sys.stdout.flush()
    except CommandError as error:
        note(f"error: {error}")
        return error.code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader (head, less) has gone: nothing is wrong, and Python must not complain at its exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kubectl agentschedule", description="Agents on a schedule.")
    add_namespace(parser)
    parser.set_defaults(namespace=None)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        of_command = commands.add_parser(name, help=command.HELP)
        command.add_arguments(of_command)
        of_command.set_defaults(run=command.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
