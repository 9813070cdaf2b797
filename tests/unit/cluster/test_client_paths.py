"""Names come from specs that anybody may write: each stays a name on its way, and the answer is about it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from agentschedule.cluster import client as module
from agentschedule.cluster import resources
from agentschedule.cluster.client import Client
from agentschedule.errors import ClusterError, ImpossibleName

Body = dict[str, Any]
Answer = Callable[[web.Request], web.StreamResponse]
PREFIX = "/apis/agentschedule.dev/v1alpha1/namespaces/mine/agentschedules/"
MINE: Body = {"name": "report", "namespace": "mine", "uid": "u", "resourceVersion": "5"}


@asynccontextmanager
async def server(answer: Answer) -> AsyncIterator[Client]:
    async def handle(request: web.Request) -> web.StreamResponse:
        return answer(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with aiohttp.ClientSession() as session:
            yield Client(session, f"http://127.0.0.1:{runner.addresses[0][1]}")
    finally:
        await runner.cleanup()


def get(answer: Answer, name: str = "report") -> Body:
    async def ask() -> Body:
        async with server(answer) as client:
            return await client.get(resources.SCHEDULES, "mine", name)

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("?watch=true", "%3Fwatch%3Dtrue"),
        ("#", "%23"),
        ("a/b", "a%2Fb"),
        ("a b", "a%20b"),
        ("%2e%2e", "%252e%252e"),
        ("../../victim/agentschedules/x", "..%2F..%2Fvictim%2Fagentschedules%2Fx"),
        ("a\tb", "a%09b"),
        ("für\u202e", "f%C3%BCr%E2%80%AE"),
        ("\ud800", "%3F"),
    ],
)
def test_a_name_is_one_part_of_a_path_whatever_is_in_it(name: str, sent: str) -> None:
    asked: list[str] = []

    def answer(request: web.Request) -> web.Response:
        asked.append(request.raw_path)
        return web.json_response({"message": "not found"}, status=404)

    with pytest.raises(ClusterError):
        get(answer, name)
    assert asked == [PREFIX + sent]


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_what_no_object_can_be_called_is_never_asked_for(name: str) -> None:
    for names in (("mine", name), (name, "report")):
        with pytest.raises(ImpossibleName):
            resources.SCHEDULES.path(*names)


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param({"metadata": MINE | {"namespace": "victim"}}, id="of another namespace"),
        pytest.param({"metadata": MINE | {"name": "other"}}, id="of another name"),
        pytest.param({"metadata": MINE, "kind": "Secret"}, id="of another kind"),
        pytest.param({"kind": "AgentScheduleList", "metadata": {"resourceVersion": "1"}, "items": []}, id="a list"),
        pytest.param({}, id="nothing"),
    ],
)
def test_an_answer_about_something_else_is_an_error(odd: Body) -> None:
    with pytest.raises(ClusterError, match="the answer is another object"):
        get(lambda _: web.json_response(odd, headers={"Date": "Mon, 02 Mar 2026 08:00:00 GMT"}))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_error_and_the_token_goes_nowhere(status: int) -> None:
    asked: list[str] = []

    def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        headers = {"Location": f"http://localhost:{request.url.port}/stolen"}
        return web.json_response({"metadata": MINE}, status=status, headers=headers)

    with pytest.raises(ClusterError, match=r"leads to 'http://localhost:\d+/stolen', where the operator does not"):
        get(answer)
    assert asked == [f"{PREFIX}report"]


def listed(answer: Answer) -> list[list[str]]:
    """The names of each page."""

    async def ask() -> list[list[str]]:
        async with server(answer) as client:
            pages = client.list(resources.SCHEDULES, "mine")
            return [[body["metadata"]["name"] for body in page.items] async for page in pages]

    return asyncio.run(ask())


def test_a_list_with_others_objects_is_an_error() -> None:
    items = [{"metadata": MINE}, {"metadata": MINE | {"namespace": "victim"}}]
    with pytest.raises(ClusterError, match="other objects"):
        listed(lambda _: web.json_response({"metadata": {"resourceVersion": "1"}, "items": items}))


def test_pages_are_as_large_as_fits_whatever_the_objects_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE_BYTES", 10_000)
    monkeypatch.setattr(module, "MAX_PAGE_BYTES", 40_000)
    sizes = [100] * 400 + [50_000] * 3 + [100] * 400
    limits: list[int] = []

    def answer(request: web.Request) -> web.Response:
        begin, limit = int(request.query.get("continue", 0)), int(request.query["limit"])
        limits.append(limit)
        part = list(enumerate(sizes))[begin : begin + limit]
        items = [{"metadata": MINE | {"name": str(number)}, "spec": "x" * size} for number, size in part]
        more = str(begin + limit) if begin + limit < len(sizes) else ""
        meta = {"resourceVersion": "1", "continue": more}
        return web.Response(body=json.dumps({"metadata": meta, "items": items}).encode())

    pages = listed(answer)
    assert [name for page in pages for name in page] == [str(number) for number in range(len(sizes))]
    assert max(sum(sizes[int(name)] for name in page) for page in pages) <= 50_000
    assert limits[0] == 500
    assert min(limits) == 1
    assert len(limits) < 100


def test_one_deep_object_hides_no_other_of_its_list() -> None:
    deep = b'{"a":' * 5_000 + b"1" + b"}" * 5_000
    item = b'{"metadata":{"name":"%s","namespace":"mine"},"spec":%s}'
    items = b",".join(item % pair for pair in ((b"one", b"{}"), (b"deep", deep), (b"two", b"{}")))
    raw = b'{"metadata":{"resourceVersion":"1"},"items":[' + items + b"]}"
    assert listed(lambda _: web.Response(body=raw)) == [["one", "deep", "two"]]
