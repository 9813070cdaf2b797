"""No write leaves an operator that does not lead: neither a new one, nor one that waited for its connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from agentschedule.cluster import resources
from agentschedule.cluster.client import Client
from agentschedule.cluster.fence import Fence
from agentschedule.errors import ClusterError, NotLeading

Body = dict[str, Any]
META = {"name": "report", "namespace": "mine", "uid": "u", "resourceVersion": "5"}
CRONJOB: Body = {"kind": "CronJob", "metadata": META, "spec": {}}
WRITES = [
    pytest.param(lambda client: client.create(resources.CRONJOBS, CRONJOB), id="create"),
    pytest.param(lambda client: client.replace(resources.CRONJOBS, CRONJOB), id="replace"),
    pytest.param(lambda client: client.replace(resources.CRONJOBS, CRONJOB, dry_run=True), id="replace, for trial"),
    pytest.param(lambda client: client.patch(resources.CRONJOBS, "mine", "report", {}), id="patch"),
    pytest.param(lambda client: client.patch(resources.CRONJOBS, "mine", "report", {}, "status"), id="patch a status"),
    pytest.param(lambda client: client.delete(resources.CRONJOBS, "mine", "report", "u"), id="delete"),
]
Ask = Callable[[Client], Awaitable[Any]]


@dataclass
class Api:
    """An API server that notes what comes, and answers after a while."""

    fence: Fence
    asked: list[str] = field(default_factory=list)
    seconds: float = 0.0

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.method)
        await asyncio.sleep(self.seconds)
        return web.json_response(CRONJOB, headers={"Date": "Mon, 05 Jan 2026 08:00:00 GMT"})

    @asynccontextmanager
    async def client(self, **session: Any) -> AsyncIterator[Client]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            async with aiohttp.ClientSession(**session) as opened:
                yield Client(opened, f"http://127.0.0.1:{runner.addresses[0][1]}", self.fence)
        finally:
            await runner.cleanup()


@pytest.mark.parametrize("write", WRITES)
def test_each_write_passes_while_it_leads_and_none_after_that(write: Ask) -> None:
    leads = True
    api = Api(Fence(lambda: leads))

    async def story() -> None:
        nonlocal leads
        async with api.client() as client:
            await write(client)
            assert len(api.asked) == 1
            leads = False
            with pytest.raises(NotLeading):
                await write(client)
            assert len(api.asked) == 1
            leads = True
            await api.fence.close(0)
            with pytest.raises(NotLeading):
                await write(client)
            assert len(api.asked) == 1

    asyncio.run(story())


def test_it_reads_on_while_it_stands_by() -> None:
    api = Api(Fence(lambda: False))

    async def story() -> Body:
        async with api.client() as client:
            return await client.get(resources.CRONJOBS, "mine", "report")

    assert asyncio.run(story()) == CRONJOB


@pytest.mark.parametrize("write", WRITES)
def test_a_write_that_waited_for_its_connection_does_not_go_out_once_the_lease_is_lost(write: Ask) -> None:
    leads = True
    api = Api(Fence(lambda: leads))

    async def lose(*_: Any) -> None:
        nonlocal leads
        leads = False

    connected = aiohttp.TraceConfig()
    connected.on_connection_create_end.append(lose)

    async def story() -> None:
        async with api.client(trace_configs=[connected]) as client:
            with pytest.raises(ClusterError, match="another operator leads"):
                await write(client)

    asyncio.run(story())
    assert api.asked == []


@pytest.mark.parametrize(("seconds", "answered"), [(0.1, True), (1.0, False)])
def test_it_is_known_whether_all_that_has_passed_is_answered(seconds: float, answered: bool) -> None:
    api = Api(Fence(), seconds=seconds)

    async def story() -> bool:
        async with api.client() as client:
            under_way = asyncio.create_task(client.create(resources.CRONJOBS, CRONJOB))
            while not api.asked:
                await asyncio.sleep(0.01)
            done = await api.fence.close(0.5)
            under_way.cancel()
            api.seconds = 0
            return done

    assert asyncio.run(story()) is answered


def test_one_operator_alone_has_no_fence() -> None:
    Fence().check()
