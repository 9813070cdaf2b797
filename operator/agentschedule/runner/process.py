"""How an agent's program ends: the lines it prints, its exit codes, its last will."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any, TextIO

from agentschedule.names import Env, ExitCode
from agentschedule.runner import result
from agentschedule.runner.contract import Task

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def prepare() -> None:
    """Lines appear as they are written, whatever characters they hold."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace", line_buffering=True)  # type: ignore[union-attr]


def ignore_signals() -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def stopped(task: Task, number: int, seconds: float) -> str:
    """Says that a signal stopped the attempt; returns the sentence."""
    limit = task.given.get(Env.TIMEOUT_SECONDS)
    message = f"stopped by {signal.Signals(number).name} after {seconds:.0f} s" + (
        f" (its time limit is {limit} s)" if limit else ""
    )
    say(message)
    return message


def refuse(sentence: str) -> int:
    """The end of an attempt whose environment is not the contract; returns its exit code."""
    say(sentence, sys.stderr)
    path = os.environ.get(Env.RESULT_PATH)
    fields = {"status": "failed", "error": result.failure(sentence, "Usage", retryable=False)}
    return leave(path, fields, ExitCode.USAGE) if path else ExitCode.USAGE


def leave(path: str, fields: dict[str, Any], code: int) -> int:
    """Write the result; returns the exit code."""
    try:
        result.write(path, fields)
    except OSError as error:
        say(f"cannot write the result to {path}: {error.strerror}", sys.stderr)
        return code or ExitCode.CANNOT_WRITE
    return code


def say(line: str, stream: TextIO | None = None) -> None:
    (stream or sys.stdout).write(line + "\n")
