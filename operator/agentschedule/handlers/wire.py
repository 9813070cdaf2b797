"""What Kopf asks of the API server, and what it gets to see of the answers.

Kopf would hold each object whole, list pages of 500 however large they are, follow redirects with our token, and end
the process over a line that nests too deep; and its own work on each event, for handlers that we have none of, cost
half of the operator's CPU. So its session is ours: an object is taken into the store as it comes off the wire, and Kopf
hears how far its watch has come, as from a bookmark; and where it asks for a list, we list, and tell it where its watch
may begin.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import aiohttp
import orjson
from yarl import URL

from agentschedule.cluster.client import redirected
from agentschedule.cluster.reader import read
from agentschedule.cluster.store import Table
from agentschedule.errors import ClusterError

logger = logging.getLogger(__name__)
Body = dict[str, Any]
Hear = Callable[[Table[Any], Any], None]
Relist = Callable[[Table[Any], str | None], Awaitable[int]]
# Of one event; several times what the API takes for an object.
MAX_LINE_BYTES = 16 * 1024 * 1024
ERROR_PAUSE_SECONDS = 1.0
GONE = 410


class KopfSession:
    """The part of an aiohttp session that Kopf uses."""

    def __init__(
        self, session: aiohttp.ClientSession, server: str, tables: Iterable[Table[Any]], hear: Hear, relist: Relist
    ) -> None:
        """``hear`` takes in an event; ``relist`` lists a kind, of a namespace or of all, and returns the
        resourceVersion that a watch of it begins at."""
        self._session, self._base = session, URL(server).path.rstrip("/")
        self._tables, self._hear, self._relist = tuple(tables), hear, relist

    @property
    def headers(self) -> Mapping[str, str]:
        return self._session.headers

    @property
    def closed(self) -> bool:
        return self._session.closed

    async def close(self) -> None:
        """Nothing: Kopf closes it when it stops, while it still looks which kinds there are. We do, after that."""

    async def request(self, method: str, url: str, **more: Any) -> Any:
        """An answer as far as Kopf reads it. Raises aiohttp.ClientConnectionError for what Kopf is to try again, and
        LookupError, which ends the process, for a watch of what is not ours."""
        asked = URL(url)
        table, namespace = self._about(asked)
        watched = "watch" in asked.query
        if watched and not table:
            raise LookupError(f"{asked.path} is watched, and nobody would hear of it")
        if table and not watched:
            return Listed(await self._list(table, namespace))
        response = await self._session.request(method, url, allow_redirects=False, **more)
        if 300 <= response.status < 400:
            response.close()
            raise aiohttp.ClientConnectionError(f"{method} {asked.path}: {redirected(response)}")
        return Watch(response, table, self._hear) if table and response.status < 300 else response

    def _about(self, asked: URL) -> tuple[Table[Any] | None, str | None]:
        """The kind that is listed or watched, if it is one of ours, and the namespace, if it is one alone."""
        path = asked.path.removeprefix(self._base).lstrip("/")
        for table in self._tables:
            prefix, plural = table.resource.prefix, table.resource.plural
            if path == f"{prefix}/{plural}":
                return table, None
            space, _, last = path.removeprefix(f"{prefix}/namespaces/").partition("/")
            if path.startswith(f"{prefix}/namespaces/") and last == plural:
                return table, space
        return None, None

    async def _list(self, table: Table[Any], namespace: str | None) -> int:
        try:
            return await self._relist(table, namespace)
        except ClusterError as error:
            raise aiohttp.ClientConnectionError(str(error)) from error


@dataclass(frozen=True)
class Listed:
    """A list that was taken in already: to Kopf it is empty, and its watch begins here."""

    version: int
    status: int = 200

    async def json(self) -> Body:
        return {"items": [], "metadata": {"resourceVersion": str(self.version)}}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return


class Watch:
    """The stream of a watch: each object is heard whole, and handed on as a bookmark."""

    def __init__(self, response: aiohttp.ClientResponse, table: Table[Any], hear: Hear) -> None:
        self._response, self._table, self._hear = response, table, hear
        self.status = response.status

    @property
    def content(self) -> Self:
        return self

    def close(self) -> None:
        self._response.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    async def iter_chunked(self, _size: int) -> AsyncIterator[bytes]:
        """Lines, as Kopf reads them."""
        async for line in lines(self._response.content):
            if event := await self._take(line):
                yield orjson.dumps(event) + b"\n"

    async def _take(self, line: bytes) -> Body | None:
        """How far the watch has come. A broken line, such as one that a proxy cut off, ends the watch: what it said
        comes with the next list."""
        try:
            event = await read(line)
            kind, body = event["type"], event["object"]
            version = body["metadata"]["resourceVersion"] if kind != "ERROR" else None
        except (ValueError, TypeError, KeyError):
            logger.warning("the watch of %s sent what is no event; it begins anew", self._table.resource.plural)
            return _begin_anew()
        if kind == "ERROR":
            return await self._failed(body)
        if kind != "BOOKMARK":
            self._hear(self._table, event)
        return {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": version}}}

    async def _failed(self, status: Body) -> Body:
        """The server ends the watch. To Kopf every reason is the one that it outlives: too old, begin anew."""
        if status.get("code") != GONE:
            logger.warning("the watch of %s: %s", self._table.resource.plural, str(status.get("message"))[:200])
            await asyncio.sleep(ERROR_PAUSE_SECONDS)
        return _begin_anew()


def _begin_anew() -> Body:
    return {"type": "ERROR", "object": {"code": GONE}}


async def lines(stream: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """The lines of a stream, however long; raises ClientPayloadError for one that no object makes."""
    kept: list[bytes] = []
    size = 0
    async for chunk in stream.iter_any():
        first, *rest = chunk.split(b"\n")
        kept.append(first)
        size += len(first)
        for part in rest:
            if line := b"".join(kept):
                yield line
            kept, size = [part], len(part)
        if size > MAX_LINE_BYTES:
            raise aiohttp.ClientPayloadError(f"a line of more than {MAX_LINE_BYTES} bytes")
    if line := b"".join(kept):
        yield line
