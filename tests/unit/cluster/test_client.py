"""Whose mistake is it? Answers of the API server, and what the operator makes of them."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from agentschedule.cluster import resources
from agentschedule.cluster.client import Client
from agentschedule.cluster.refusals import error_of
from agentschedule.errors import (
    AlreadyExists,
    ClusterError,
    Conflict,
    Forbidden,
    NamespaceTerminating,
    NotFound,
    Refused,
)
from tests.unit.bodies import Body

NO_RIGHTS = 'cronjobs.batch is forbidden: User "x" cannot create resource "cronjobs" in API group "batch"'
QUOTA = 'pods "x" is forbidden: exceeded quota: small, requested: count/jobs.batch=1, used: 1, limited: 1'
TERMINATING = {"causes": [{"reason": "NamespaceTerminating", "message": "namespace x is being terminated"}]}


async def ask(raw: bytes, status: int = 200) -> list[Body]:
    """A list, of a server that answers with these bytes."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=raw, status=status)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        async with aiohttp.ClientSession() as session:
            client = Client(session, f"http://127.0.0.1:{runner.addresses[0][1]}")
            return [body async for page in client.list(resources.SCHEDULES) for body in page.items]
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("status", "answer", "kind"),
    [
        pytest.param(404, {"message": "not found"}, NotFound, id="gone"),
        pytest.param(409, {"reason": "AlreadyExists"}, AlreadyExists, id="the name is taken"),
        pytest.param(409, {"reason": "Conflict"}, Conflict, id="someone wrote in between"),
        pytest.param(422, {"message": "spec: Invalid value"}, Refused, id="an invalid object is the author's to mend"),
        pytest.param(400, {"message": "cannot unmarshal"}, Refused, id="so is one that cannot be read"),
        pytest.param(403, {"message": QUOTA}, Refused, id="and one that a quota or a policy refuses"),
        pytest.param(403, {"message": NO_RIGHTS}, Forbidden, id="missing rights are ours to mend"),
        pytest.param(403, {"details": TERMINATING}, NamespaceTerminating, id="a namespace that goes is no mistake"),
        pytest.param(429, {"message": "too many requests"}, ClusterError, id="a busy server is asked again"),
        pytest.param(500, {}, ClusterError, id="so is a broken one"),
    ],
)
def test_an_answer_is_the_error_of_whoever_can_mend_it(
    status: int, answer: dict[str, Any], kind: type[ClusterError]
) -> None:
    assert type(error_of(status, answer, "POST /x")) is kind


@pytest.mark.parametrize("raw", [b"<html>", b"", b"[]", b"null", b"{}", b'{"metadata": null}', b'{"kind": "Status"}'])
def test_an_answer_that_is_no_list_is_an_error_of_the_cluster(raw: bytes) -> None:
    with pytest.raises(ClusterError, match=r"GET /apis/.*/agentschedules: "):
        asyncio.run(ask(raw))


def test_the_page_of_a_proxy_is_what_the_error_says() -> None:
    with pytest.raises(ClusterError, match="bad gateway"):
        asyncio.run(ask(b"<html>bad gateway", status=502))
