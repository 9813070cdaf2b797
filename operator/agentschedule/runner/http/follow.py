"""Starts a run, follows it to its end, cancels it when the attempt is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from typing import Any, Protocol

from agentschedule.names import Env
from agentschedule.runner.contract import Task
from agentschedule.runner.http.run import Failure, Run
from agentschedule.runner.http.transport import Transport
from agentschedule.runner.process import say

FIRST_PAUSE_SECONDS, PAUSE_FACTOR, LONGEST_PAUSE_SECONDS = 0.5, 1.5, 5.0
# Of the pod's 30 seconds of grace: to learn the id of a run that is just being started, and to cancel it.
START_GRACE_SECONDS, CANCEL_SECONDS = 2.0, 5.0

ABOUT = (
    Env.RUN_NAME,
    Env.SCHEDULE_NAME,
    Env.NAME,
    Env.TRIGGER,
    Env.SCHEDULED_TIME,
    Env.RETRY_COUNT,
    Env.IDEMPOTENCY_KEY,
    Env.MODEL,
    Env.ALLOWED_TOOLS,
)


@dataclasses.dataclass(frozen=True)
class Call:
    """What a protocol works with."""

    task: Task
    spec: dict[str, Any]  # spec.agent.http, without secrets
    transport: Transport

    @property
    def url(self) -> str:
        return str(self.spec["url"]).rstrip("/")

    @property
    def session_id(self) -> str | None:
        return self.task.given.get(Env.SESSION_ID)

    def about(self) -> dict[str, str]:
        """What protocols with room for it say of the run, under the contract's names: schedule_name, model, …"""
        return {env.removeprefix("AGENT_").lower(): self.task.given[env] for env in ABOUT if env in self.task.given}


class Speaks(Protocol):
    """One protocol: how a run is started, looked at and cancelled."""

    async def start(self) -> Run: ...

    async def look(self, run: Run) -> Run: ...

    async def cancel(self, run: Run) -> None: ...


class Follower:
    """One run, from its start to its end. ``run`` is what is known of it, at any moment."""

    def __init__(self, speaks: Speaks, longest_pause: float) -> None:
        self._speaks = speaks
        self._longest_pause = longest_pause
        self._begun = asyncio.Event()
        self.run = Run()

    async def follow(self) -> None:
        """To the end, good or bad."""
        try:
            self._see(await self._speaks.start())
            self._begun.set()
            pause = FIRST_PAUSE_SECONDS
            while not self.run.done:
                await asyncio.sleep(min(pause, self._longest_pause))
                pause *= PAUSE_FACTOR
                self._see(await self._speaks.look(self.run))
        except Failure as failure:
            self.run = dataclasses.replace(self.run, failure=failure, done=True)
            if self._begun.is_set():  # nobody follows it any more
                await self._cancel()

    async def stop(self, work: asyncio.Task[None]) -> None:
        """End the work and the run at the server, in seconds."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._begun.wait(), START_GRACE_SECONDS)
        work.cancel()
        await asyncio.wait({work})
        await self._cancel()

    async def _cancel(self) -> None:
        try:
            await asyncio.wait_for(self._speaks.cancel(self.run), CANCEL_SECONDS)
        except Failure as failure:
            say(f"cannot cancel the run at the server: {failure.message}")
        except TimeoutError:
            say("cannot cancel the run at the server: no answer")

    def _see(self, run: Run) -> None:
        if run.run_id != self.run.run_id:
            say(f"run {run.run_id}" + (f" of session {run.session_id}" if run.session_id else ""))
        if run.state != self.run.state:
            say(f"state: {run.state}")
        self.run = run
