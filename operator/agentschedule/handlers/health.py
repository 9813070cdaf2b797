"""/healthz and /readyz, for the kubelet."""

from __future__ import annotations

from aiohttp import web

from agentschedule.handlers.watches import Watches


async def serve(watches: Watches, port: int) -> web.AppRunner:
    """Serve until the runner is cleaned up. An event loop that is stuck answers neither, and is restarted."""

    async def healthz(_request: web.Request) -> web.Response:
        dead = watches.dead()
        return _answer(not dead, f"the watch of {', '.join(dead)} is dead" if dead else "ok")

    async def readyz(_request: web.Request) -> web.Response:
        ready = watches.synced and not watches.dead()
        return _answer(ready, "ok" if ready else "not all objects are listed yet, or a watch is dead")

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    return runner


def _answer(good: bool, text: str) -> web.Response:
    return web.Response(status=200 if good else 503, text=text + "\n")
