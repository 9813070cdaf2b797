"""Answers that are none: no HTTP, no JSON, no end, or another protocol than the one that was named."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import pytest
from aiohttp import web

from tests.http.ends import PodOf, Serve, outcome
from tests.http.fake import Handler, always, reply


def endless(content_type: str) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": content_type})
        await answer.prepare(request)
        while True:
            await answer.write(b" " * 1024 * 1024)

    return handle


def test_an_answer_without_end_is_cut_off(serve: Serve, pod: PodOf) -> None:
    ended = pod({"url": serve(endless("application/json")).url}).run()
    assert outcome(ended) == (78, "TooLarge", False)


def test_a_stream_of_events_is_no_answer(serve: Serve, pod: PodOf) -> None:
    ended = pod({"url": serve(endless("text/event-stream")).url}).run()
    assert outcome(ended) == (78, "Stream", False)
    assert "stream: false" in ended.error["message"]


def test_what_is_no_http_at_all(pod: PodOf) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        attempt = pod({"url": f"http://127.0.0.1:{server.getsockname()[1]}"}).start()
        server.settimeout(10)
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"220 mail.example ESMTP\r\n\r\n")
        ended = attempt.end()
    assert outcome(ended) == (78, "UnexpectedAnswer", False)


@pytest.mark.parametrize("body", ["<html>Welcome</html>", '{"output": ', "[" * 100_000], ids=["page", "half", "deep"])
def test_an_answer_that_is_no_json(serve: Serve, pod: PodOf, body: str) -> None:
    async def handle(_: web.Request) -> web.StreamResponse:
        return web.Response(text=body, content_type="text/html")

    ended = pod({"url": serve(handle).url}).run()
    assert outcome(ended) == (78, "UnexpectedAnswer", False)
    assert "answered with text/html, not with JSON" in ended.error["message"]


@pytest.mark.parametrize("protocol", ["Agno", "A2A", "LangGraph"])
@pytest.mark.parametrize("body", ["hello", {"result": {"run_id": 0}}], ids=["text", "object"])
def test_a_server_that_speaks_otherwise(serve: Serve, pod: PodOf, protocol: str, body: Any) -> None:
    http = {"url": f"{serve(always(body)).url}/agents/x", "protocol": protocol}
    ended = pod({**http, "assistant": "a"} if protocol == "LangGraph" else http).run()
    assert outcome(ended) == (78, "UnexpectedAnswer", False)


def agent_os(*events: dict[str, Any]) -> Handler:
    """Answers a start with a stream that stays open, and a look with a run that has ended."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if request.method == "GET":
            return reply({"status": "COMPLETED", "content": request.path_qs})
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        for event in events:
            await answer.write(f"event: x\ndata: {json.dumps(event)}\n\n".encode())
        if "error" not in events[-1]:
            await asyncio.sleep(60)
        return answer

    return handle


def test_an_agentos_that_replays_a_run_names_it_later(serve: Serve, pod: PodOf) -> None:
    fake = serve(agent_os({"event": "replay", "run_id": "r/1"}, {"run_id": "r/1", "session_id": "s&1"}))
    ended = pod({"url": f"{fake.url}/agents/x", "protocol": "Agno"}).run()
    assert ended.result["output"] == "/agents/x/runs/r%2F1?session_id=s%261"


def test_an_agentos_that_fails_before_a_run_has_begun_is_quoted(serve: Serve, pod: PodOf) -> None:
    fake = serve(agent_os({"error": "no such tool"}))
    ended = pod({"url": f"{fake.url}/agents/x", "protocol": "Agno"}).run()
    assert outcome(ended) == (78, "UnexpectedAnswer", False)
    assert ended.error["message"].endswith("answered without run_id and session_id: no such tool")
