"""A hand-written server, for what real ones do too seldom. It runs in a thread and keeps what it was asked."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Asked:
    method: str
    path: str  # with its query, as it was sent
    headers: dict[str, str]
    text: str


class Fake:
    def __init__(
        self, handler: Handler, tls: ssl.SSLContext | None = None, port: int = 0, host: str = "127.0.0.1"
    ) -> None:
        self.asked: list[Asked] = []
        self._handler = handler
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self.port = self._call(self._start(tls, host, port))
        self.url = f"{'https' if tls else 'http'}://{host}:{self.port}"

    async def _start(self, tls: ssl.SSLContext | None, host: str, port: int) -> int:
        self._runner = web.ServerRunner(web.Server(self._handle, handler_cancellation=True), shutdown_timeout=0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, ssl_context=tls)
        await site.start()
        return int(self._runner.addresses[0][1])

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        text = await request.text()
        self.asked.append(Asked(request.method, request.path_qs, dict(request.headers), text))
        return await self._handler(request)  # type: ignore[arg-type]

    def _call(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def stop(self) -> None:
        if self._loop.is_running():
            self._call(self._runner.cleanup())
            self._loop.call_soon_threadsafe(self._loop.stop)


def reply(body: Any, status: int = 200, **headers: str) -> web.Response:
    """JSON, or text as it is."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    if isinstance(body, str):
        return web.Response(text=body, status=status, headers=names)
    return web.json_response(body, status=status, headers=names)


def always(body: Any, status: int = 200, **headers: str) -> Handler:
    async def handle(_: web.Request) -> web.StreamResponse:
        return reply(body, status, **headers)

    return handle


def in_turn(*answers: web.Response) -> Handler:
    """One answer after the other; the last one stays."""
    left = list(answers)

    async def handle(_: web.Request) -> web.StreamResponse:
        answer = left.pop(0) if len(left) > 1 else left[0]
        return web.Response(body=answer.body, status=answer.status, headers=answer.headers)

    return handle
