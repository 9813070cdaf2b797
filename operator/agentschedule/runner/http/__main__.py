"""The runner's program: read the contract and ``AGENT_HTTP``, call the agent, write the result."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from multidict import CIMultiDict

from agentschedule.names import Env, ExitCode, HttpEnv, HttpProtocol
from agentschedule.runner import contract, process, result
from agentschedule.runner.contract import Task, UsageError
from agentschedule.runner.http.a2a import A2A
from agentschedule.runner.http.agno import Agno
from agentschedule.runner.http.endpoint import Endpoint
from agentschedule.runner.http.follow import LONGEST_PAUSE_SECONDS, Call, Follower, Speaks
from agentschedule.runner.http.langgraph import LangGraph
from agentschedule.runner.http.run import Failure, Run
from agentschedule.runner.http.transport import Setup, Transport

NOT_ALLOWED = ("HTTP401", "HTTP403", "Paused")
USER_AGENT = "agentschedule-runner"
PROTOCOLS: dict[str, Callable[[Call], Speaks]] = {
    HttpProtocol.JSON: Endpoint,
    HttpProtocol.AGNO: Agno,
    HttpProtocol.A2A: A2A,
    HttpProtocol.LANGGRAPH: LangGraph,
}


def main() -> int:
    """Run one attempt; returns its exit code, which is ExitCode.USAGE for a broken contract and 143 after SIGTERM."""
    process.prepare()
    try:
        task = contract.read(os.environ)
        spec = _spec(os.environ)
        setup = _setup(task, spec, os.environ)
    except UsageError as error:
        return process.refuse(str(error))
    return asyncio.run(_run(task, spec, setup))


def _spec(environ: Mapping[str, str]) -> dict[str, Any]:
    try:
        spec = json.loads(environ.get(HttpEnv.SPEC, ""))
    except (ValueError, RecursionError):
        spec = None
    if not isinstance(spec, dict) or "url" not in spec or spec.get("protocol", HttpProtocol.JSON) not in PROTOCOLS:
        raise UsageError(f"{HttpEnv.SPEC} must be the JSON of spec.agent.http")
    return spec


def _setup(task: Task, spec: dict[str, Any], environ: Mapping[str, str]) -> Setup:
    headers = CIMultiDict({"User-Agent": USER_AGENT, **spec.get("headers", {})})
    secrets = []
    for index, header in enumerate(spec.get("headersFrom", ())):
        # A Secret that was made from a file ends in a newline, which no header may hold.
        secret = environ.get(f"{HttpEnv.HEADER}{index}", "").strip()
        headers[header["name"]] = header.get("prefix", "") + secret
        secrets.append(secret)
    if key := task.given.get(Env.IDEMPOTENCY_KEY):
        headers["Idempotency-Key"] = key
    limit = task.given.get(Env.TIMEOUT_SECONDS, "")
    deadline = time.monotonic() + int(limit) if limit.isascii() and limit.isdigit() else None
    link_local = spec.get("allowLinkLocal") is True
    return Setup(spec["url"], headers, tuple(secrets), environ.get(HttpEnv.CA_FILE), deadline, link_local)


async def _run(task: Task, spec: dict[str, Any], setup: Setup) -> int:
    fields, code = await _attempt(task, spec, setup)
    # From here on the attempt has its result; a late signal must not tear the file.
    process.ignore_signals()
    return process.leave(task.given[Env.RESULT_PATH], fields, code)


async def _attempt(task: Task, spec: dict[str, Any], setup: Setup) -> tuple[dict[str, Any], int]:
    started = time.monotonic()
    stop = _stop_signal(setup.deadline)
    process.say(f"calling {spec['url']} ({spec.get('protocol', HttpProtocol.JSON.value)})")
    try:
        async with Transport(setup) as transport:
            call = Call(task, spec, transport)
            speaks = PROTOCOLS[spec.get("protocol", HttpProtocol.JSON)](call)
            follower = Follower(speaks, spec.get("poll", {}).get("intervalSeconds", LONGEST_PAUSE_SECONDS))
            work = asyncio.create_task(follower.follow())
            first: set[asyncio.Future[Any]] = {work, stop}
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()  # a bug's traceback
                return _ended(follower.run, transport.status_code)
            message = process.stopped(task, stop.result(), time.monotonic() - started)
            await follower.stop(work)
            ended = Run(follower.run.run_id, follower.run.session_id, failure=Failure("Stopped", message))
            return ended.fields(transport.status_code), 128 + stop.result()
    except Failure as failure:
        return _ended(Run(failure=failure), None)


def _stop_signal(deadline: float | None) -> asyncio.Future[int]:
    """The first signal that asks to stop; later ones change nothing. At the time limit it is SIGALRM, if nobody else
    has stopped the attempt until then."""
    loop = asyncio.get_running_loop()
    stop: asyncio.Future[int] = loop.create_future()

    def ask(number: int) -> None:
        if not stop.done():
            stop.set_result(number)

    for number in process.SIGNALS:
        loop.add_signal_handler(number, ask, number)
    if deadline is not None:
        loop.call_later(max(0.0, deadline - time.monotonic()), ask, signal.SIGALRM)
    return stop


def _ended(run: Run, status_code: int | None) -> tuple[dict[str, Any], int]:
    failure = run.failure
    if failure:
        process.say(f"failed ({failure.code}): {failure.message}")
    if run.output is not None:
        # The result keeps its beginning; the log is the place for all of it.
        process.say(run.output if isinstance(run.output, str) else result.to_json(run.output).decode())
    return run.fields(status_code), _exit_code(failure) if failure else 0


def _exit_code(failure: Failure) -> int:
    if failure.retryable is not False:
        return ExitCode.FAILED
    return ExitCode.NOT_ALLOWED if failure.code in NOT_ALLOWED else ExitCode.CONFIGURATION


if __name__ == "__main__":
    sys.exit(main())
