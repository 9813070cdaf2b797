"""AgentOS with an agent, a team and a workflow whose model is a stub."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import uvicorn
from agno.agent import Agent
from agno.db.in_memory import InMemoryDb
from agno.models.base import Model
from agno.models.message import MessageMetrics
from agno.models.response import ModelResponse
from agno.os import AgentOS
from agno.run import RunContext
from agno.team import Team
from agno.tools import tool
from agno.workflow import Step, StepInput, StepOutput, Workflow


class Stub(Model):
    """Does what the message says. A tool's answer is taken as the end."""

    def __init__(self) -> None:
        super().__init__(id="stub-1", name="Stub", provider="tests")

    async def ainvoke(self, messages: list[Any], **_: Any) -> ModelResponse:
        said = next(str(message.content) for message in reversed(messages) if message.role == "user")
        usage = MessageMetrics(input_tokens=12, output_tokens=3, total_tokens=15)
        if said.startswith("fail"):
            raise RuntimeError("the model is on strike")
        if said.startswith("wait"):  # for ever, in steps: AgentOS looks for a cancel in between
            await asyncio.sleep(0.2)
            call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
            return ModelResponse(role="assistant", tool_calls=[call])
        if said.startswith("pause"):
            arguments = '{"amount": 100}'
            call = {"id": "c1", "type": "function", "function": {"name": "pay", "arguments": arguments}}
            return ModelResponse(role="assistant", tool_calls=[call], response_usage=usage)
        return ModelResponse(role="assistant", content=f"done: {said}", response_usage=usage)

    def invoke(self, *_: Any, **__: Any) -> ModelResponse:
        raise NotImplementedError

    def invoke_stream(self, *_: Any, **__: Any) -> Iterator[ModelResponse]:
        raise NotImplementedError

    async def ainvoke_stream(self, messages: list[Any], **given: Any) -> AsyncIterator[ModelResponse]:
        yield await self.ainvoke(messages, **given)

    def _parse_provider_response(self, response: Any, **_: Any) -> ModelResponse:
        raise NotImplementedError

    def _parse_provider_response_delta(self, response: Any) -> ModelResponse:
        raise NotImplementedError


@tool(requires_confirmation=True)
def pay(amount: int) -> str:
    """Pay."""
    return f"paid {amount}"


@tool
def look() -> str:
    """Look."""
    return "nothing yet"


def given(run_context: RunContext) -> list[str]:
    """The agent's instructions: they show in the run what the request brought."""
    return [f"dependencies: {run_context.dependencies}", f"metadata: {run_context.metadata}"]


async def step(step_input: StepInput) -> StepOutput:
    return StepOutput(content=f"step: {step_input.input}")


def serve(port: int) -> None:
    db = InMemoryDb()
    agent = Agent(
        id="finance", name="finance", model=Stub(), db=db, tools=[pay, look], instructions=given, telemetry=False
    )
    member = Agent(id="member", name="member", model=Stub(), telemetry=False)
    bare = Agent(id="bare", name="bare", model=Stub(), telemetry=False)
    team = Team(id="board", name="board", members=[member], model=Stub(), db=db, tools=[look], telemetry=False)
    workflow = Workflow(id="month", name="month", steps=[Step(name="one", executor=step)], db=db, telemetry=False)
    os = AgentOS(agents=[agent, bare], teams=[team], workflows=[workflow], telemetry=False)
    uvicorn.run(os.get_app(), host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    serve(int(sys.argv[1]))
