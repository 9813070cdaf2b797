"""The sample agent's program: read, say, do, write. Started by the image's samples."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any, NoReturn

from agentschedule.names import Env
from agentschedule.runner import contract, result
from agentschedule.runner.contract import Task, UsageError

# sysexits.h: a retry cannot mend the first, and a run's failure policy does not try (EX_USAGE, EX_CANTCREAT).
EXIT_USAGE = 64
EXIT_CANNOT_WRITE = 73
SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stopped(BaseException):
    """A signal asked the agent to stop. Not an Exception: nothing on the way may swallow it."""

    def __init__(self, number: int) -> None:
        self.number = number


def main() -> int:
    """Run one attempt; returns its exit code, which is 64 for a broken contract and 143 after SIGTERM."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace", line_buffering=True)  # type: ignore[union-attr]
    started = time.monotonic()
    try:
        task = contract.read(os.environ)
    except UsageError as error:
        return _refuse(str(error))
    try:
        for number in SIGNALS:
            signal.signal(number, _stop)
        fields, code = _work(task)
        # From here on the attempt has its result; a late signal must not tear the file.
        _ignore_signals()
    except Stopped as stop:
        fields, code = _stopped(task, stop, time.monotonic() - started), 128 + stop.number
    return _leave(task.given[Env.RESULT_PATH], fields, code)


def _work(task: Task) -> tuple[dict[str, Any], int]:
    for name, value in task.given.items():
        if name != Env.MESSAGE:
            _say(f"{name}={value}")
    _say(f"prompt: {task.message or '(none)'}")
    time.sleep(task.params.get("sleepSeconds", 0))
    return result.answer(task)


def _stop(number: int, _frame: object) -> NoReturn:
    # The first signal counts: a second must not interrupt the writing of the result.
    _ignore_signals()
    raise Stopped(number)


def _ignore_signals() -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _stopped(task: Task, stop: Stopped, seconds: float) -> dict[str, Any]:
    name = signal.Signals(stop.number).name
    limit = task.given.get(Env.TIMEOUT_SECONDS)
    message = f"stopped by {name} after {seconds:.0f} s" + (f" (its time limit is {limit} s)" if limit else "")
    _say(message)
    return result.compose(task, {"code": "Stopped", "message": message}, None)


def _refuse(sentence: str) -> int:
    _say(sentence, sys.stderr)
    path = os.environ.get(Env.RESULT_PATH)
    fields = {"status": "failed", "error": result.failure(sentence, "Usage", retryable=False)}
    return _leave(path, fields, EXIT_USAGE) if path else EXIT_USAGE


def _leave(path: str, fields: dict[str, Any], code: int) -> int:
    try:
        result.write(path, fields)
    except OSError as error:
        _say(f"cannot write the result to {path}: {error.strerror}", sys.stderr)
        return code or EXIT_CANNOT_WRITE
    return code


def _say(line: str, stream: Any = None) -> None:
    (stream or sys.stdout).write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
