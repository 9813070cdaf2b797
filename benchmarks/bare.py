"""The anchor of the benchmarks on a cluster: a bare client over one pool of connections, and nothing else."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
import orjson
import yaml

from agentschedule import names
from tools.cluster.base import Cluster

Body = dict[str, Any]
BUSY, PAUSE = 429, 0.2  # seconds
AT_ONCE = 50  # requests, as many as the operator has workers
CUSTOM = f"/apis/{names.API_VERSION}/namespaces"
BATCH, CORE = "/apis/batch/v1/namespaces", "/api/v1/namespaces"


class Bare:
    """Requests as admin, each timed by whoever asks for it."""

    def __init__(self, session: aiohttp.ClientSession, server: str) -> None:
        self._session, self._server = session, server

    async def send(self, method: str, path: str, body: Body | None = None) -> Body:
        """The answer. Raises RuntimeError for a refusal."""
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        data = None if body is None else orjson.dumps(body)
        async with self._session.request(
            method, self._server + path, data=data, headers={"Content-Type": kind}
        ) as answer:
            raw = await answer.read()
            if answer.status >= 400:
                raise RuntimeError(f"{method} {path}: {raw[:300]!r}")
            found: Body = orjson.loads(raw)
            return found

    async def timed(self, method: str, path: str, body: Body | None = None) -> float:
        """Seconds that it takes."""
        begun = time.perf_counter()
        await self.send(method, path, body)
        return time.perf_counter() - begun

    async def watch(self, path: str, selector: str = "") -> AsyncIterator[Body]:
        """Events from now on, until whoever asked has seen enough. Raises RuntimeError for a refusal."""
        params = {"watch": "true", "labelSelector": selector} if selector else {"watch": "true"}
        timeout = aiohttp.ClientTimeout(total=None)
        while True:
            async with self._session.get(self._server + path, params=params, timeout=timeout) as answer:
                if answer.status == BUSY:  # the kind is very new
                    await asyncio.sleep(PAUSE)
                    continue
                if answer.status >= 400:
                    raise RuntimeError(f"watch {path}: {(await answer.text())[:300]}")
                async for line in answer.content:
                    yield json.loads(line)
                return


@asynccontextmanager
async def bare(cluster: Cluster) -> AsyncIterator[Bare]:
    """A client of a cluster of the harness."""
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    there, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    trust = ssl.create_default_context(cadata=base64.b64decode(there["certificate-authority-data"]).decode())
    connector = aiohttp.TCPConnector(limit=2 * AT_ONCE, ssl=trust)
    headers = {"Authorization": f"Bearer {user['token']}"}
    # A line of a watch is an object.
    async with aiohttp.ClientSession(connector=connector, headers=headers, read_bufsize=2**22) as session:
        yield Bare(session, there["server"])


async def many(work: Iterable[Callable[[], Awaitable[Any]]], at_once: int = AT_ONCE) -> float:
    """Seconds until all of it is done, so much at once."""
    turns = asyncio.Semaphore(at_once)

    async def one(do: Callable[[], Awaitable[Any]]) -> None:
        async with turns:
            await do()

    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for do in work:
            group.create_task(one(do))
    return time.perf_counter() - begun


def ended_pod() -> Body:
    """The status of a pod whose agent has done its work, as a kubelet writes it."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    terminated = {"exitCode": 0, "message": "done", "startedAt": now, "finishedAt": now}
    agent = {"name": names.AGENT_CONTAINER, "image": "", "imageID": "", "ready": False, "restartCount": 0}
    return {
        "phase": "Succeeded",
        "startTime": now,
        "conditions": [{"type": "PodScheduled", "status": "True"}],
        "containerStatuses": [agent | {"state": {"terminated": terminated}}],
    }
