"""The end of an agent's log, as the operator reads it from the API server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import aiohttp
import pytest
from aiohttp import web

from agentschedule.cluster import resources
from agentschedule.cluster.client import MAX_LOG_BYTES, Client
from agentschedule.errors import ClusterError, Forbidden, NotFound, Refused
from agentschedule.plan.run.result import read_log

PATH = "/api/v1/namespaces/analytics/pods/daily-1-0-x7k2p/log"
Answer = Callable[[web.Request], web.StreamResponse]


async def ask(answer: Answer) -> str:
    """The log, of a server that answers so."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return answer(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with aiohttp.ClientSession() as session:
            client = Client(session, f"http://127.0.0.1:{runner.addresses[0][1]}")
            return await client.log(resources.PODS, "analytics", "daily-1-0-x7k2p")
    finally:
        await runner.cleanup()


def log_of(raw: bytes) -> str:
    return asyncio.run(ask(lambda _: web.Response(body=raw, content_type="text/plain")))


def test_the_last_lines_of_the_agents_container_are_asked_for() -> None:
    asked: list[tuple[str, dict[str, str]]] = []

    def answer(request: web.Request) -> web.Response:
        asked.append((request.path, dict(request.query)))
        return web.Response(text="one\ntwo\n")

    assert asyncio.run(ask(answer)) == "one\ntwo\n"
    assert asked == [(PATH, {"container": "agent", "tailLines": "20"})]


def test_an_empty_log_is_empty() -> None:
    assert log_of(b"") == ""


def test_what_is_no_utf_8_is_replaced() -> None:
    assert log_of(b"caf\xe9\n") == "caf\ufffd\n"


def test_a_log_of_json_is_a_text_like_any_other() -> None:
    assert log_of(b'{"model": "m"}') == '{"model": "m"}'


def test_of_a_log_without_measure_the_end_is_kept() -> None:
    result = json.dumps({"model": "m"})
    read = log_of(b"x" * 3 * MAX_LOG_BYTES + f"\n{result}\n".encode())
    assert len(read) == MAX_LOG_BYTES
    assert read_log(read).wire() == {"model": "m"}


WAITING = 'container "agent" in pod "daily-1-0-x7k2p" is waiting to start: ContainerCreating'
NO_RIGHTS = 'pods "x" is forbidden: User "operator" cannot get resource "pods/log" in API group ""'


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        pytest.param(404, 'pods "daily-1-0-x7k2p" not found', NotFound, id="the pod is gone"),
        pytest.param(400, WAITING, Refused, id="it has not begun"),
        pytest.param(403, NO_RIGHTS, Forbidden, id="we may not"),
        pytest.param(500, "dial tcp 10.0.0.7:10250: i/o timeout", ClusterError, id="the node does not answer"),
    ],
)
def test_no_log_is_an_error_in_the_servers_words(status: int, message: str, kind: type[ClusterError]) -> None:
    body = {"kind": "Status", "message": message}
    with pytest.raises(ClusterError) as error:
        asyncio.run(ask(lambda _: web.json_response(body, status=status)))
    assert type(error.value) is kind
    assert message in str(error.value)


def test_a_page_in_words_is_what_the_error_says() -> None:
    with pytest.raises(ClusterError, match="bad gateway"):
        asyncio.run(ask(lambda _: web.Response(text="bad gateway", status=502)))


async def ask_one_that_hangs_up() -> str:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\nhalf")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server, aiohttp.ClientSession() as session:
        port = server.sockets[0].getsockname()[1]
        return await Client(session, f"http://127.0.0.1:{port}").log(resources.PODS, "analytics", "daily-1-0-x7k2p")


def test_a_log_that_breaks_off_is_an_error_and_no_log() -> None:
    with pytest.raises(ClusterError, match="GET /api/v1/namespaces/analytics/pods/"):
        asyncio.run(ask_one_that_hangs_up())
