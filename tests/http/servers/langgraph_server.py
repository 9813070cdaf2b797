"""langgraph-api's development server (what ``langgraph dev`` starts) with one graph, in memory and offline."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from typing import Any

# Read when the packages are imported.
os.environ |= {"LANGSMITH_TRACING": "false", "LANGGRAPH_NO_VERSION_CHECK": "true", "LANGGRAPH_CLI_NO_ANALYTICS": "1"}

from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt


async def answer(state: MessagesState, config: RunnableConfig) -> dict[str, Any]:
    said = str(state["messages"][-1].content)
    if said.startswith("fail"):
        raise ValueError("the books do not balance")
    if said.startswith("pause"):
        interrupt({"question": "Which region?"})
    if said.startswith("wait"):
        await asyncio.sleep(60)
    usage = {"input_tokens": 12, "output_tokens": 3, "total_tokens": 15}
    found = {key: config["configurable"].get(key) for key in ("region", "model")}
    return {
        "messages": [
            AIMessage(f"done: {said} {found}", usage_metadata=usage, response_metadata={"model_name": "stub-1"})
        ]
    }


builder = StateGraph(MessagesState)
builder.add_node("answer", answer)
builder.add_edge(START, "answer")
graph = builder.compile()


def serve(port: int) -> None:
    from langgraph_api.cli import run_server

    os.chdir(tempfile.mkdtemp(prefix="langgraph-"))
    run_server(port=port, graphs={"agent": f"{__file__}:graph"}, n_jobs_per_worker=10, disable_persistence=True)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
