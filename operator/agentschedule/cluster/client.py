"""Requests to the API server: raw JSON over one aiohttp session, and errors in the project's own terms.

The session is made in ``handlers.login``; everything in ``cluster`` goes through here. Names come from specs that
anybody may write: each is quoted on its way into a path, and each answer must be about what was asked for.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import aiohttp
import orjson
from yarl import URL

from agentschedule.cluster.fence import Fence, FencedPayload
from agentschedule.cluster.reader import read
from agentschedule.cluster.refusals import error_of
from agentschedule.errors import (
    ClusterError,
    ImpossibleName,
)
from agentschedule.names import AGENT_CONTAINER
from agentschedule.plan.run.result import LOG_LINES

Body = dict[str, Any]
MERGE_PATCH: Final = "application/merge-patch+json"
PLAIN: Final = "text/plain"
# Of a list, in one request: objects; and bytes, for how large an object is decides whoever writes it.
PAGE, PAGE_BYTES = 500, 1024 * 1024
# Beyond this, a page is asked for anew with fewer objects; a page of one object is taken as it is.
MAX_PAGE_BYTES = 4 * PAGE_BYTES
# Of a log. More than the 320 KiB that containerd's last lines can have, should another runtime not split lines.
MAX_LOG_BYTES = 1024 * 1024
UNNAMEABLE: Final = frozenset({"", ".", ".."})


@dataclass(frozen=True)
class Resource:
    """A kind of object, as its address in the API."""

    prefix: str  # such as apis/batch/v1
    plural: str
    kind: str

    @property
    def address(self) -> tuple[str, str, str]:
        """Group (empty for the core), version and plural."""
        group, _, version = self.prefix.partition("/")[2].rpartition("/")
        return group, version, self.plural

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """The address of all objects, those of a namespace, or one; ready to be sent. Raises ImpossibleName."""
        space = ["namespaces", _part(namespace)] if namespace is not None else []
        one = [_part(name)] if name is not None else []
        return "/" + "/".join([self.prefix, *space, self.plural, *one, *([subresource] if subresource else [])])


def _part(name: str) -> str:
    if name in UNNAMEABLE:
        raise ImpossibleName(f"no object has the name {name!r}")
    return quote(name, safe="", errors="replace")


@dataclass(frozen=True)
class Reply:
    """An answer of the API server: the object, and the server's clock (whole seconds, UTC)."""

    body: Body
    date: datetime


class Page(NamedTuple):
    """A part of a list, and the resourceVersion of the whole."""

    items: list[Body]
    version: int


@dataclass(frozen=True)
class _Answer:
    raw: bytes
    date: str | None


class _TooLargeError(Exception):
    """An answer of more bytes than were allowed for."""


class Client:
    """The API server, as far as the operator needs it. Every failure is a ``ClusterError``; ``ImpossibleName`` is a
    caller's mistake."""

    def __init__(self, session: aiohttp.ClientSession, server: str, fence: Fence | None = None) -> None:
        """Each write must pass the fence, also one that is for trial only; without one, all pass."""
        self._session = session
        self._server = server.rstrip("/")
        self._fence = fence or Fence()

    async def close(self) -> None:
        """End the session."""
        await self._session.close()

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Body:
        return (await self.look(resource, namespace, name)).body

    async def look(self, resource: Resource, namespace: str | None, name: str) -> Reply:
        """The same, with the server's clock."""
        reply = await self._request("GET", resource.path(namespace, name))
        return _same(reply, resource, namespace, name)

    async def list(
        self, resource: Resource, namespace: str | None = None, selector: str = "", fields: str = ""
    ) -> AsyncIterator[Page]:
        """All objects, uncached, by labels and by fields, a page at a time: take in one before you ask for the next,
        and what is in memory does not depend on how large others make their objects."""
        path, limit = resource.path(namespace), PAGE
        params = {"labelSelector": selector} if selector else {}
        params |= {"fieldSelector": fields} if fields else {}
        while True:
            try:
                most = MAX_PAGE_BYTES if limit > 1 else None
                sent = await self._send("GET", path, params=params | {"limit": str(limit)}, most=most)
            except _TooLargeError:
                limit = max(1, limit // 4)
                continue
            page, more = await _page(sent.raw, path)
            _all_same(page, resource, namespace, path)
            limit = min(PAGE, max(1, PAGE_BYTES * len(page.items) // len(sent.raw)))
            del sent
            yield page
            if not more:
                return
            params["continue"] = more

    async def create(self, resource: Resource, body: Body) -> Reply:
        meta = body["metadata"]
        reply = await self._request("POST", resource.path(meta.get("namespace")), body)
        return _same(reply, resource, meta.get("namespace"), meta["name"])

    async def replace(self, resource: Resource, body: Body, dry_run: bool = False) -> Reply:
        namespace, name = body["metadata"]["namespace"], body["metadata"]["name"]
        reply = await self._request("PUT", resource.path(namespace, name), body, params=_dry(dry_run))
        return _same(reply, resource, namespace, name)

    async def patch(
        self, resource: Resource, namespace: str, name: str, body: Body, subresource: str | None = None
    ) -> Body:
        """A JSON merge patch; put a resourceVersion into its metadata to lose against any other write."""
        reply = await self._request("PATCH", resource.path(namespace, name, subresource), body)
        return _same(reply, resource, namespace, name).body

    async def delete(self, resource: Resource, namespace: str, name: str, uid: str) -> Body:
        """Delete the object of this very uid; its dependents follow. Returns it, or a Status once it is gone."""
        options = {"propagationPolicy": "Background", "preconditions": {"uid": uid}}
        reply = await self._request("DELETE", resource.path(namespace, name), options)
        return reply.body if reply.body.get("kind") == "Status" else _same(reply, resource, namespace, name).body

    async def log(self, resource: Resource, namespace: str, pod: str) -> str:
        """The last lines of the agent's log, as ``plan.result.read_log`` takes them. Invalid UTF-8 is replaced."""
        params = {"container": AGENT_CONTAINER, "tailLines": str(LOG_LINES)}
        sent = await self._send("GET", resource.path(namespace, pod, "log"), params=params)
        return sent.raw.decode(errors="replace")

    async def _request(
        self, method: str, path: str, body: Body | None = None, params: Mapping[str, str] | None = None
    ) -> Reply:
        sent = await self._send(method, path, body, params)
        answer = await _json(sent.raw)
        if answer is None:
            raise ClusterError(f"{method} {path}: the answer is no JSON object: {_words(sent.raw)['message']}")
        return Reply(answer, _date(sent.date))

    async def _send(
        self,
        method: str,
        path: str,
        body: Body | None = None,
        params: Mapping[str, str] | None = None,
        most: int | None = None,
    ) -> _Answer:
        """One request; an answer that is no refusal. Of a log, which has no length that we know, the end is kept.
        Raises _TooLargeError for an answer of more than ``most`` bytes."""
        content_type = MERGE_PATCH if method == "PATCH" else "application/json"
        headers = {"Content-Type": content_type} if body is not None else {}
        data = FencedPayload(orjson.dumps(body), self._fence) if body is not None else None
        url = URL(self._server + path, encoded=True)  # else it would be normalised, and a name be another
        passing = self._fence.passing() if method != "GET" else nullcontext()
        try:
            with passing:
                async with self._session.request(
                    method, url, data=data, params=params, headers=headers, allow_redirects=False
                ) as response:
                    raw = await (_tail(response) if response.content_type == PLAIN else _whole(response, most))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ClusterError(f"{method} {path}: {error or type(error).__name__}") from error
        if 300 <= response.status < 400:
            raise ClusterError(f"{method} {path}: {redirected(response)}")
        if response.status >= 400:
            raise error_of(response.status, await _json(raw) or _words(raw), f"{method} {path}")
        return _Answer(raw, response.headers.get("Date"))


def redirected(response: aiohttp.ClientResponse) -> str:
    """What is wrong with an answer that leads elsewhere: the operator's token would go along."""
    there = response.headers.get("Location", "nowhere")[:200]
    return f"the answer leads to {there!r}, where the operator does not follow: its token is for the API server alone"


async def _page(raw: bytes, path: str) -> tuple[Page, str]:
    """A page of a list, and where the next one begins; empty after the last."""
    answer = await _json(raw)
    if answer is None:
        raise ClusterError(f"GET {path}: the answer is no JSON object: {_words(raw)['message']}")
    metadata = answer.get("metadata") or {}
    if "resourceVersion" not in metadata:
        raise ClusterError(f"GET {path}: the answer is no list: is a proxy in between?")
    return Page(answer.get("items") or [], int(metadata["resourceVersion"])), metadata.get("continue") or ""


def _same(reply: Reply, resource: Resource, namespace: str | None, name: str) -> Reply:
    """The reply, which must be about the object that was asked about."""
    if not _is_of(reply.body, resource, namespace) or reply.body["metadata"].get("name") != name:
        raise ClusterError(f"{resource.path(namespace, name)}: the answer is another object: is a proxy in between?")
    return reply


def _all_same(page: Page, resource: Resource, namespace: str | None, path: str) -> None:
    if not all(_is_of(body, resource, namespace) for body in page.items):
        raise ClusterError(f"GET {path}: the list has other objects in it: is a proxy in between?")


def _is_of(body: Body, resource: Resource, namespace: str | None) -> bool:
    """Objects in a list of Kubernetes' own kinds do not say of which kind they are."""
    meta = body.get("metadata") if isinstance(body, dict) else None
    if not isinstance(meta, dict) or body.get("kind", resource.kind) != resource.kind:
        return False
    return namespace is None or meta.get("namespace") == namespace


async def _whole(response: aiohttp.ClientResponse, most: int | None) -> bytes:
    if most is None:
        return await response.read()
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if size > most:
            response.close()
            raise _TooLargeError
    return b"".join(chunks)


async def _tail(response: aiohttp.ClientResponse) -> bytes:
    kept = b""
    async for chunk in response.content.iter_chunked(MAX_LOG_BYTES):
        kept = (kept + chunk)[-MAX_LOG_BYTES:]
    return kept


def _dry(dry_run: bool) -> dict[str, str]:
    return {"dryRun": "All"} if dry_run else {}


async def _json(raw: bytes) -> Body | None:
    """The object that was sent; None for anything else."""
    try:
        answer = await read(raw)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _words(raw: bytes) -> Body:
    """Something else than JSON, such as a proxy's error page."""
    return {"message": raw[:200].decode(errors="replace")}


def _date(header: str | None) -> datetime:
    """The server's clock: it, and not ours, decides what is past in marks and deadlines."""
    if header is None:
        raise ClusterError("the API server's answer has no Date header: is a proxy in between?")
    return parsedate_to_datetime(header).astimezone(UTC)
