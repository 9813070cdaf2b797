"""The sample agent's program: read, say, do, write. Started by the image's samples."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any, NoReturn

from agentschedule.names import Env
from agentschedule.runner import contract, process, result
from agentschedule.runner.contract import Task, UsageError


class Stopped(BaseException):
    """A signal asked the agent to stop. Not an Exception: nothing on the way may swallow it."""

    def __init__(self, number: int) -> None:
        self.number = number


def main() -> int:
    """Run one attempt; returns its exit code, which is ExitCode.USAGE for a broken contract and 143 after SIGTERM."""
    process.prepare()
    started = time.monotonic()
    try:
        task = contract.read(os.environ)
        contract.check_behaviours(task.params)
    except UsageError as error:
        return process.refuse(str(error))
    try:
        for number in process.SIGNALS:
            signal.signal(number, _stop)
        fields, code = _work(task)
        # From here on the attempt has its result; a late signal must not tear the file.
        process.ignore_signals()
    except Stopped as stop:
        fields, code = _stopped(task, stop, time.monotonic() - started), 128 + stop.number
    return process.leave(task.given[Env.RESULT_PATH], fields, code)


def _work(task: Task) -> tuple[dict[str, Any], int]:
    for name, value in task.given.items():
        if name != Env.MESSAGE:
            process.say(f"{name}={value}")
    process.say(f"prompt: {task.message or '(none)'}")
    time.sleep(task.params.get("sleepSeconds", 0))
    return result.answer(task)


def _stop(number: int, _frame: object) -> NoReturn:
    # The first signal counts: a second must not interrupt the writing of the result.
    process.ignore_signals()
    raise Stopped(number)


def _stopped(task: Task, stop: Stopped, seconds: float) -> dict[str, Any]:
    message = process.stopped(task, stop.number, seconds)
    return result.compose(task, {"code": "Stopped", "message": message}, None)


if __name__ == "__main__":
    sys.exit(main())
