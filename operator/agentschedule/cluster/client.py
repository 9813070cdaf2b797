"""Requests to the API server: raw JSON over one aiohttp session, and errors in the project's own terms.

The session is made in ``handlers.login``; everything in ``cluster`` goes through here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import aiohttp
import orjson

from agentschedule.errors import (
    AlreadyExists,
    ClusterError,
    Conflict,
    Forbidden,
    NamespaceTerminating,
    NotFound,
    Refused,
)
from agentschedule.names import AGENT_CONTAINER
from agentschedule.plan.run.result import LOG_LINES

Body = dict[str, Any]
MERGE_PATCH: Final = "application/merge-patch+json"
PLAIN: Final = "text/plain"
PAGE = 500  # objects of a list in one request
# Of a log. More than the 320 KiB that containerd's last lines can have, should another runtime not split lines.
MAX_LOG_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Resource:
    """A kind of object, as its address in the API."""

    prefix: str  # such as apis/batch/v1
    plural: str

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        parts = [self.prefix, *(["namespaces", namespace] if namespace else []), self.plural, name, subresource]
        return "/" + "/".join(part for part in parts if part)


@dataclass(frozen=True)
class Reply:
    """An answer of the API server: the object, and the server's clock (whole seconds, UTC)."""

    body: Body
    date: datetime


@dataclass(frozen=True)
class _Answer:
    raw: bytes
    date: str | None


class Client:
    """The API server, as far as the operator needs it. Every failure is a ``ClusterError``."""

    def __init__(self, session: aiohttp.ClientSession, server: str) -> None:
        self._session = session
        self._server = server.rstrip("/")

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Body:
        return (await self._request("GET", resource.path(namespace, name))).body

    async def list(
        self, resource: Resource, namespace: str | None = None, selector: str = "", fields: str = ""
    ) -> tuple[list[Body], str]:
        """All objects, uncached, and the resourceVersion of the list; by labels, and by fields."""
        items: list[Body] = []
        params = {"limit": str(PAGE)} | ({"labelSelector": selector} if selector else {})
        params |= {"fieldSelector": fields} if fields else {}
        while True:
            page = (await self._request("GET", resource.path(namespace), params=params)).body
            items += page.get("items") or []
            metadata = page.get("metadata") or {}
            if "resourceVersion" not in metadata:
                raise ClusterError(f"GET {resource.path(namespace)}: the answer is no list: is a proxy in between?")
            if not metadata.get("continue"):
                return items, metadata["resourceVersion"]
            params["continue"] = metadata["continue"]

    async def create(self, resource: Resource, body: Body) -> Reply:
        return await self._request("POST", resource.path(body["metadata"].get("namespace")), body)

    async def replace(self, resource: Resource, body: Body, dry_run: bool = False) -> Reply:
        path = resource.path(body["metadata"]["namespace"], body["metadata"]["name"])
        return await self._request("PUT", path, body, params=_dry(dry_run))

    async def patch(self, path: str, body: Body) -> Body:
        """A JSON merge patch; put a resourceVersion into its metadata to lose against any other write."""
        return (await self._request("PATCH", path, body)).body

    async def delete(self, resource: Resource, namespace: str, name: str, uid: str) -> Body:
        """Delete the object of this very uid; its dependents follow."""
        options = {"propagationPolicy": "Background", "preconditions": {"uid": uid}}
        return (await self._request("DELETE", resource.path(namespace, name), options)).body

    async def log(self, namespace: str, pod: str) -> str:
        """The last lines of the agent's log, as ``plan.result.read_log`` takes them. Invalid UTF-8 is replaced."""
        params = {"container": AGENT_CONTAINER, "tailLines": str(LOG_LINES)}
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
        return (await self._send("GET", path, params=params)).raw.decode(errors="replace")

    async def _request(
        self, method: str, path: str, body: Body | None = None, params: Mapping[str, str] | None = None
    ) -> Reply:
        sent = await self._send(method, path, body, params)
        answer = _json(sent.raw)
        if answer is None:
            raise ClusterError(f"{method} {path}: the answer is no JSON object: {_page(sent.raw)['message']}")
        return Reply(answer, _date(sent.date))

    async def _send(
        self, method: str, path: str, body: Body | None = None, params: Mapping[str, str] | None = None
    ) -> _Answer:
        """One request; an answer that is no refusal. Of a log, which has no length that we know, the end is kept."""
        content_type = MERGE_PATCH if method == "PATCH" else "application/json"
        headers = {"Content-Type": content_type} if body is not None else {}
        data = orjson.dumps(body) if body is not None else None
        try:
            async with self._session.request(
                method, self._server + path, data=data, params=params, headers=headers
            ) as response:
                raw = await (_tail(response) if response.content_type == PLAIN else response.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ClusterError(f"{method} {path}: {error or type(error).__name__}") from error
        if response.status >= 400:
            raise error_of(response.status, _json(raw) or _page(raw), f"{method} {path}")
        return _Answer(raw, response.headers.get("Date"))


async def _tail(response: aiohttp.ClientResponse) -> bytes:
    kept = b""
    async for chunk in response.content.iter_chunked(MAX_LOG_BYTES):
        kept = (kept + chunk)[-MAX_LOG_BYTES:]
    return kept


def _dry(dry_run: bool) -> dict[str, str]:
    return {"dryRun": "All"} if dry_run else {}


def _json(raw: bytes) -> Body | None:
    """The object that was sent; None for anything else."""
    try:
        answer = orjson.loads(raw)
    except orjson.JSONDecodeError:
        answer = _deep_json(raw)
    return answer if isinstance(answer, dict) else None


def _deep_json(raw: bytes) -> Any:
    """The API takes objects that nest deeper than orjson reads. One of these must not hide all others of its list."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _page(raw: bytes) -> Body:
    """Something else than JSON, such as a proxy's error page."""
    return {"message": raw[:200].decode(errors="replace")}


def _date(header: str | None) -> datetime:
    """The server's clock: it, and not ours, decides what is past in marks and deadlines."""
    if header is None:
        raise ClusterError("the API server's answer has no Date header: is a proxy in between?")
    return parsedate_to_datetime(header).astimezone(UTC)


def error_of(status: int, answer: Body, what: str) -> ClusterError:
    """A failed answer in the project's terms: whose it is to mend decides."""
    message = str(answer.get("message") or f"HTTP {status}")
    if status == 404:
        return NotFound(message)
    if status == 409:
        return AlreadyExists(message) if answer.get("reason") == "AlreadyExists" else Conflict(message)
    if status == 403 and _is_terminating(answer):
        return NamespaceTerminating(message)
    if status in (400, 422) or (status == 403 and not _lacks_rights(message)):
        return Refused(message)
    if status == 403:
        return Forbidden(f"{what}: {message}")
    return ClusterError(f"{what}: {message}")


def _is_terminating(answer: Body) -> bool:
    causes = (answer.get("details") or {}).get("causes") or ()
    return any(cause.get("reason") == "NamespaceTerminating" for cause in causes)


def _lacks_rights(message: str) -> bool:
    """True for a 403 by RBAC: ours to mend. Others come from admission (quota, policies): the author's to mend."""
    return 'User "' in message and " cannot " in message
