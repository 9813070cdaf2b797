"""An agent behind a2a-sdk's JSON-RPC server: version 1.0 at /agent, and version 0.3 alone at /old."""

from __future__ import annotations

import asyncio
import sys
from typing import ClassVar

import uvicorn
from a2a.helpers import get_data_parts, new_data_part, new_task_from_user_message, new_text_part
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import EventQueue
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_agent_card_routes
from a2a.server.routes.jsonrpc_dispatcher import JsonRpcDispatcher
from a2a.server.tasks import InMemoryTaskStore, TaskUpdater
from a2a.types import AgentCard, AgentInterface
from starlette.applications import Starlette
from starlette.routing import Route


class Executor(AgentExecutor):
    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        assert context.message
        said = context.get_user_input()
        await event_queue.enqueue_event(context.current_task or new_task_from_user_message(context.message))
        assert context.task_id
        assert context.context_id
        task = TaskUpdater(event_queue, context.task_id, context.context_id)
        await task.start_work()
        if said.startswith("fail"):
            await task.failed(task.new_agent_message([new_text_part("the books do not balance")]))
        elif said.startswith("pause"):
            await task.requires_input(task.new_agent_message([new_text_part("Which region?")]))
        elif said.startswith("login"):
            await task.requires_auth(task.new_agent_message([new_text_part("Sign in at the bank.")]))
        else:
            await asyncio.sleep(60 if said.startswith("wait") else 0)
            given = get_data_parts(context.message.parts)
            await task.add_artifact([new_text_part(f"done: {said}"), *([new_data_part(given[0])] if given else [])])
            await task.complete()

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        assert context.task_id
        assert context.context_id
        await TaskUpdater(event_queue, context.task_id, context.context_id).cancel()


class OldDispatcher(JsonRpcDispatcher):
    """Knows the methods of version 0.3 only, as servers did before there was 1.0."""

    METHOD_TO_MODEL: ClassVar[dict[str, type]] = {}


def serve(port: int) -> None:
    interface = AgentInterface(url=f"http://127.0.0.1:{port}/agent", protocol_binding="JSONRPC", protocol_version="1.0")
    card = AgentCard(name="finance", description="Sums.", version="1", supported_interfaces=[interface])
    handler = DefaultRequestHandler(Executor(), InMemoryTaskStore(), card)
    routes = [
        Route("/agent", JsonRpcDispatcher(handler).handle_requests, methods=["POST"]),
        Route("/old", OldDispatcher(handler, enable_v0_3_compat=True).handle_requests, methods=["POST"]),
        *create_agent_card_routes(card),
    ]
    uvicorn.run(Starlette(routes=routes), host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    serve(int(sys.argv[1]))
