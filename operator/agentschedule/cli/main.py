"""The command line: arguments in, exit code out. Entry point of ``kubectl-agentschedule``."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Callable, Sequence

from agentschedule.cli import cancel, due, logs, runs, suspend, trigger, version
from agentschedule.cli.errors import CommandError

DEFAULT_COUNT = 5
DEFAULT_CANCEL_SECONDS = 60.0  # an agent has its grace period: 30 s unless its author says otherwise
EXAMPLE = """'{"region": "emea"}'"""
MAX_REASON = 1024  # characters, as the API has it
DEFAULT_WAIT_SECONDS = 5.0  # the operator answers within a second; more means that it is down or busy


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. 0: done, 1: the cluster said no or cannot be asked, 2: the command is wrong."""
    args = _parser().parse_args(argv)
    command: Callable[[argparse.Namespace], None] = args.command
    try:
        command(args)
        sys.stdout.flush()
    except CommandError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader (head, less) has gone: nothing is wrong, and Python must not complain at its exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kubectl agentschedule", description="Agents on a schedule.")
    _add_namespace(parser)
    parser.set_defaults(namespace=None)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_next(commands.add_parser("next", help="say when a schedule is due"))
    _add_trigger(commands.add_parser("trigger", help="run a schedule's agent now"))
    _add_cancel(commands.add_parser("cancel", help="stop a run"))
    _add_pause(commands.add_parser("pause", help="let no scheduled run start"))
    _add_resume(commands.add_parser("resume", help="let scheduled runs start again"))
    _add_logs(commands.add_parser("logs", help="print what a run's agent printed"))
    _add_runs(commands.add_parser("runs", help="list runs"))
    _add_version(commands.add_parser("version", help="print the versions of all that matters"))
    return parser


def _add_next(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "schedule",
        metavar="SCHEDULE|NAME",
        help='as in spec.schedule, such as "0 8 * * 1-5", without a cluster; or the name of an AgentSchedule',
    )
    _add_namespace(parser)
    parser.add_argument("--time-zone", default="", metavar="ZONE", help="such as Europe/Berlin; default UTC")
    parser.add_argument("--from", dest="after", metavar="TIME", help="such as 2026-12-24T18:00:00Z; default now")
    parser.add_argument("--count", type=_count, default=DEFAULT_COUNT, help=f"how many; default {DEFAULT_COUNT}")
    parser.add_argument(
        "--for", dest="seed", default="", metavar="NAMESPACE/NAME", help="whose H it is, in schedules with H"
    )
    parser.add_argument("-o", dest="output", choices=["json"], help="json: for programs")
    parser.set_defaults(command=due.command)


def _add_trigger(parser: argparse.ArgumentParser) -> None:
    _add_schedule(parser)
    parser.add_argument("--message", metavar="TEXT", help="instead of the schedule's, where it allows that")
    parser.add_argument(
        "--params", type=_json_object, metavar="JSON", help="instead of the schedule's, where it allows that"
    )
    _add_wait(parser, DEFAULT_WAIT_SECONDS, "the operator's answer")
    parser.set_defaults(command=trigger.command)


def _add_cancel(parser: argparse.ArgumentParser) -> None:
    _add_run(parser)
    _add_wait(parser, DEFAULT_CANCEL_SECONDS, "the run's end; 0: not at all")
    parser.set_defaults(command=cancel.command)


def _add_pause(parser: argparse.ArgumentParser) -> None:
    _add_schedule(parser)
    parser.add_argument("--reason", type=_reason, metavar="TEXT", help="why, for whoever finds it paused")
    _add_wait(parser, DEFAULT_WAIT_SECONDS, "the operator to take it up")
    parser.set_defaults(command=suspend.pause)


def _add_resume(parser: argparse.ArgumentParser) -> None:
    _add_schedule(parser)
    _add_wait(parser, DEFAULT_WAIT_SECONDS, "the operator to take it up")
    parser.set_defaults(command=suspend.resume)


def _add_logs(parser: argparse.ArgumentParser) -> None:
    _add_run(parser)
    parser.add_argument("-f", "--follow", action="store_true", help="wait for the start, and print what comes")
    parser.add_argument("--attempt", type=_count, metavar="N", help="which one, from 1; default the last")
    parser.set_defaults(command=logs.command)


def _add_runs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name", type=_name, metavar="NAME", nargs="?", help="an AgentSchedule; default all in the namespace"
    )
    _add_namespace(parser)
    parser.set_defaults(command=runs.command)


def _add_version(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--client", action="store_true", help="do not ask the cluster")
    parser.set_defaults(command=version.command)


def _add_schedule(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", type=_name, metavar="NAME", help="the AgentSchedule")
    _add_namespace(parser)


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", type=_name, metavar="RUN", help="the ScheduleRun")
    _add_namespace(parser)


def _add_wait(parser: argparse.ArgumentParser, default: float, what: str) -> None:
    text = f"how long to wait for {what}; default {default:g}"
    parser.add_argument("--wait", type=_seconds, default=default, metavar="SECONDS", help=text)


def _add_namespace(parser: argparse.ArgumentParser) -> None:
    # Not given here, it keeps what stands before the command.
    help_ = "default: the kubeconfig's"
    parser.add_argument("-n", "--namespace", type=_name, default=argparse.SUPPRESS, help=help_)


def _name(text: str) -> str:
    # It becomes part of a path: with a slash it would be another object's, or a subresource's.
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a name in Kubernetes: write lower-case letters, digits, -")
    return text


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 1000")
    return int(text)


def _reason(text: str) -> str:
    if not text.strip() or len(text) > MAX_REASON:
        raise argparse.ArgumentTypeError(f"a reason has 1 to {MAX_REASON} characters")
    return text


def _json_object(text: str) -> str:
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise argparse.ArgumentTypeError(f"not JSON: {error}; write such as {EXAMPLE}") from None
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f"not a JSON object; write such as {EXAMPLE}")
    return text


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is no number in it")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to 3600")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
