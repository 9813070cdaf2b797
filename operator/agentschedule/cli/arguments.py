"""Arguments that several commands share, and what may stand in them. What only one command takes is in its module."""

from __future__ import annotations

import argparse
import re

DEFAULT_WAIT_SECONDS = 5.0  # the operator answers within a second; more means that it is down or busy
MAX_WAIT_SECONDS = 3600
MAX_COUNT = 1000


def add_schedule(parser: argparse.ArgumentParser) -> None:
    """``args.name``: an AgentSchedule, with its namespace."""
    parser.add_argument("name", type=name, metavar="NAME", help="the AgentSchedule")
    add_namespace(parser)


def add_run(parser: argparse.ArgumentParser) -> None:
    """``args.name``: a ScheduleRun, with its namespace."""
    parser.add_argument("name", type=name, metavar="RUN", help="the ScheduleRun")
    add_namespace(parser)


def add_namespace(parser: argparse.ArgumentParser) -> None:
    """``args.namespace``; not given to a command, it keeps what stands before the command."""
    help_ = "default: the kubeconfig's"
    parser.add_argument("-n", "--namespace", type=name, default=argparse.SUPPRESS, help=help_)


def add_wait(parser: argparse.ArgumentParser, what: str, default: float = DEFAULT_WAIT_SECONDS) -> None:
    """``args.wait``: seconds to wait for ``what``."""
    text = f"how long to wait for {what}; default {default:g}"
    parser.add_argument("--wait", type=seconds, default=default, metavar="SECONDS", help=text)


def name(text: str) -> str:
    """A name as Kubernetes has them. Raises ArgumentTypeError."""
    # It becomes part of a path: with a slash it would be another object's, or a subresource's.
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a name in Kubernetes: write lower-case letters, digits, -")
    return text


def count(text: str) -> int:
    """A whole number from 1. Raises ArgumentTypeError."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= MAX_COUNT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {MAX_COUNT}")
    return int(text)


def seconds(text: str) -> float:
    """A number of seconds, an hour at the most. Raises ArgumentTypeError."""
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not 0 <= number <= MAX_WAIT_SECONDS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to {MAX_WAIT_SECONDS}")
    return number
