"""aiohttp sessions for Kopf and for ``cluster``, over one pool.

In a cluster the ServiceAccount's token is read anew now and then, so that its rotation needs no new login.
"""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import kopf

from agentschedule import names
from agentschedule.cluster.store import Table
from agentschedule.handlers.wire import Hear, KopfSession, Relist
from agentschedule.settings import Settings

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
# The kubelet writes a new token well before the old one ends: a minute's delay is nothing.
TOKEN_SECONDS = 60.0
# Each watch holds one; the rest is for the workers.
CONNECTIONS = 100
WATCHES = 5  # of a namespace
FEW = 2  # connections for what must not wait
# A request that hangs must not hold its schedule, nor a worker.
REQUEST = aiohttp.ClientTimeout(total=60, sock_connect=10)


@dataclass(frozen=True)
class Connection:
    """Where the API server is, and the sessions that talk to it."""

    server: str
    session: aiohttp.ClientSession
    kopfs: aiohttp.ClientSession
    apart: Callable[[], aiohttp.ClientSession]  # over a pool of its own, for what must not wait

    def for_kopf(self, tables: Iterable[Table[Any]], hear: Hear, relist: Relist) -> kopf.AiohttpSession:
        session: Any = KopfSession(self.kopfs, self.server, tables, hear, relist)
        return kopf.AiohttpSession(server=self.server, aiohttp_session=session)

    async def close(self) -> None:
        await self.kopfs.close()
        await self.session.close()


async def connect(settings: Settings) -> Connection:
    """Log in with the ServiceAccount, else with the kubeconfig. Raises kopf.LoginError without either."""
    limit = CONNECTIONS + WATCHES * len(settings.watch_namespaces)
    # By its name, audit logs tell one operator from another; the part before the slash is the manager of fields.
    headers = {"User-Agent": f"{names.MANAGER}/{settings.pod_name}"}
    token = SERVICE_ACCOUNT / "token"
    if settings.service_host and token.exists():
        host = f"[{settings.service_host}]" if ":" in settings.service_host else settings.service_host
        context = ssl.create_default_context(cafile=str(SERVICE_ACCOUNT / "ca.crt"))
        return _connection(f"https://{host}:{settings.service_port}", context, headers, limit, _bearer(token))
    info = kopf.login_with_kubeconfig(settings=kopf.OperatorSettings(), logger=logging.getLogger(__name__))
    if info is None:
        raise kopf.LoginError("no ServiceAccount and no kubeconfig: set KUBECONFIG, or run in a cluster")
    return _connection(info.server, info.as_ssl_context(), info.as_http_headers() | headers, limit)


def _connection(
    server: str,
    context: ssl.SSLContext,
    headers: dict[str, str],
    limit: int,
    *middlewares: aiohttp.ClientMiddlewareType,
) -> Connection:
    pool = aiohttp.TCPConnector(limit=limit, ssl=context)

    def session(pool: aiohttp.TCPConnector, owner: bool, timeout: aiohttp.ClientTimeout) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=pool,
            connector_owner=owner,
            timeout=timeout,
            # A few bytes that are packed can be any number of bytes: how many we read must be known.
            headers=headers | {"Accept-Encoding": "identity"},
            middlewares=middlewares,
            trust_env=False,
        )

    def apart() -> aiohttp.ClientSession:
        return session(aiohttp.TCPConnector(limit=FEW, ssl=context), True, REQUEST)

    # A watch lasts; Kopf sets its own limits.
    kopfs = session(pool, False, aiohttp.ClientTimeout(total=None))
    return Connection(server, session(pool, True, REQUEST), kopfs, apart)


def _bearer(token: Path) -> aiohttp.ClientMiddlewareType:
    value, read_at = "", 0.0

    async def authorize(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        nonlocal value, read_at
        if not value or time.monotonic() - read_at > TOKEN_SECONDS:
            value, read_at = token.read_text().strip(), time.monotonic()
        request.headers["Authorization"] = f"Bearer {value}"
        return await handler(request)

    return authorize
