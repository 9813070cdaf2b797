"""What Kopf sees of the API server: names, and nothing that could end it; a real Kopf client reads it here."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import aiohttp
import kopf
import pytest
from aiohttp import web
from kopf._cogs.clients import api
from kopf._cogs.clients.auth import APIContext

from agentschedule.cluster.store import Store
from agentschedule.errors import ClusterError
from agentschedule.handlers.wire import KopfSession

Body = dict[str, Any]
RUNS = "/apis/agentschedule.dev/v1alpha1/scheduleruns"
MINE = "/apis/agentschedule.dev/v1alpha1/namespaces/mine/scheduleruns"
META: Body = {"name": "one", "namespace": "mine", "uid": "u", "resourceVersion": "5"}
Use = Callable[[KopfSession, str], Any]


class Cluster:
    """A server that says ``raw`` to everything; what was heard and listed through the session."""

    def __init__(self, raw: bytes = b"", status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.answer = {"body": raw, "status": status, "headers": headers}
        self.heard: list[tuple[str, str, Body]] = []
        self.listed: list[tuple[str, str | None]] = []
        self.asked: list[str] = []
        self.refuses = False

    async def relist(self, table: Any, namespace: str | None) -> int:
        self.listed.append((table.resource.plural, namespace))
        if self.refuses:
            raise ClusterError("no")
        return 77

    def hear(self, table: Any, event: Body) -> None:
        self.heard.append((table.resource.plural, event["type"], event["object"]))

    def use(self, use: Use) -> Any:
        return asyncio.run(self._use(use))

    async def _use(self, use: Use) -> Any:
        async def handle(request: web.Request) -> web.Response:
            self.asked.append(request.path)
            answer: Any = self.answer
            return web.Response(**answer)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        server = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            async with aiohttp.ClientSession() as session:
                return await use(KopfSession(session, server, Store().tables, self.hear, self.relist), server)
        finally:
            await runner.cleanup()


def watched(cluster: Cluster) -> list[Body]:
    """What Kopf's own reader makes of a watch."""

    async def watch(session: KopfSession, server: str) -> list[Body]:
        response = await session.request("get", f"{server}{RUNS}?watch=true")
        async with response:
            return [json.loads(line) async for line in api.iter_jsonlines(response.content)]

    found: list[Body] = cluster.use(watch)
    return found


def bookmark(version: str) -> Body:
    return {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": version}}}


def event(kind: str = "MODIFIED", **more: Any) -> bytes:
    return json.dumps({"type": kind, "object": {"metadata": META, **more}}).encode() + b"\n"


def test_an_object_is_heard_whole_and_kopf_hears_how_far_its_watch_has_come() -> None:
    cluster = Cluster(event(spec={"params": "x" * 300_000}) + event("DELETED"))
    assert watched(cluster) == [bookmark(META["resourceVersion"])] * 2
    assert [(plural, kind) for plural, kind, _ in cluster.heard] == [
        ("scheduleruns", "MODIFIED"),
        ("scheduleruns", "DELETED"),
    ]
    assert len(cluster.heard[0][2]["spec"]["params"]) == 300_000


@pytest.mark.parametrize("levels", [1_200, 100_000])
def test_an_object_that_nests_too_deep_is_heard_and_so_is_what_follows(levels: int) -> None:
    deep = '{"a":' * levels + "1" + "}" * levels
    cluster = Cluster(event(spec=0).replace(b'"spec": 0', b'"spec": ' + deep.encode()) + event(spec=2))
    assert len(watched(cluster)) == 2
    assert [type(body["spec"]) for _, _, body in cluster.heard] == [dict, int]


def test_a_bookmark_is_handed_on_and_heard_by_nobody() -> None:
    cluster = Cluster(b'{"type":"BOOKMARK","object":{"kind":"ScheduleRun","metadata":{"resourceVersion":"9"}}}\n')
    assert watched(cluster) == [bookmark("9")]
    assert not cluster.heard


@pytest.mark.parametrize(
    "raw",
    [
        b'{"type":"ERROR","object":{"code":410}}',
        b'{"type":"ERROR","object":{"code":500,"message":"no"}}',
        b"<html>",
        b"[]",
        event()[:-20],
    ],
)
def test_whatever_ends_a_watch_it_begins_anew(raw: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentschedule.handlers.wire.ERROR_PAUSE_SECONDS", 0)
    assert watched(Cluster(raw)) == [{"type": "ERROR", "object": {"code": 410}}]


@pytest.mark.parametrize(("path", "namespace"), [(RUNS, None), (MINE, "mine")])
def test_a_list_is_ours_and_to_kopf_it_is_empty(path: str, namespace: str | None) -> None:
    cluster = Cluster()

    async def listed(session: KopfSession, server: str) -> Any:
        response = await session.request("get", f"{server}{path}?limit=500")
        async with response:
            return await response.json()

    assert cluster.use(listed) == {"items": [], "metadata": {"resourceVersion": "77"}}
    assert cluster.listed == [("scheduleruns", namespace)]
    assert not cluster.asked
    cluster.refuses = True
    with pytest.raises(aiohttp.ClientConnectionError):  # Kopf tries again
        cluster.use(listed)


@pytest.mark.parametrize(
    "server", ["https://10.96.0.1:443", "https://[fd00::1]:443", "https://Proxy.test/k8s/clusters/c-1/", "http://x:80"]
)
def test_what_is_ours_is_known_however_the_servers_address_is_written(server: str) -> None:
    cluster = Cluster()
    session = KopfSession(None, server, Store().tables, cluster.hear, cluster.relist)  # type: ignore[arg-type]
    asyncio.run(session.request("get", f"{server.rstrip('/')}{RUNS}?limit=500"))
    assert cluster.listed == [("scheduleruns", None)]


def test_a_watch_that_nobody_would_hear_is_none() -> None:
    async def watch(session: KopfSession, server: str) -> None:
        await session.request("get", f"{server}/api/v1/secrets?watch=true")

    with pytest.raises(LookupError, match="/api/v1/secrets is watched"):
        Cluster().use(watch)


def test_what_is_not_ours_goes_to_the_server_and_a_redirect_is_no_answer() -> None:
    cluster = Cluster(b"{}", status=307, headers={"Location": "http://localhost/stolen"})

    async def ask(session: KopfSession, server: str) -> Any:
        return await session.request("get", f"{server}/apis")

    with pytest.raises(aiohttp.ClientConnectionError, match="leads to 'http://localhost/stolen'"):
        cluster.use(ask)
    assert cluster.asked == ["/apis"]


def test_kopf_asks_its_session_for_no_more_than_ours_has() -> None:
    """A Kopf that reads answers another way is noticed here."""
    cluster = Cluster(event())

    async def stream(session: KopfSession, server: str) -> list[Any]:
        context = kopf.AiohttpSession(server=server, aiohttp_session=session)  # type: ignore[arg-type]
        more: Any = {"settings": kopf.OperatorSettings(), "logger": logging.getLogger(__name__)}
        answer = await api.request("get", f"{RUNS}?watch=true", context=APIContext(context), **more)
        async with answer:
            return [line async for line in api.iter_jsonlines(answer.content)]

    assert len(cluster.use(stream)) == 1


def test_kopf_may_still_ask_while_it_stops() -> None:
    """It closes its session first, and ends what uses it later."""
    cluster = Cluster(b"{}")

    async def ask(session: KopfSession, server: str) -> int:
        await session.close()
        return int((await session.request("get", f"{server}/apis")).status)

    assert cluster.use(ask) == 200
