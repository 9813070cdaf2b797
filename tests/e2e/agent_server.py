"""An agent behind HTTP, as ``test_http_agents`` runs it in a pod. Answers at once, or keeps a run of /slow going until
it is cancelled; prints each request as a line of JSON.
"""

from __future__ import annotations

import json

from aiohttp import web

runs: dict[str, str] = {}


async def ask(request: web.Request) -> web.Response:
    body, key, auth = await request.json(), request.headers["Idempotency-Key"], request.headers.get("Authorization")
    print(json.dumps({"path": request.path, "body": body, "key": key, "auth": auth}), flush=True)
    if request.path == "/echo":
        answer = {"run_id": "r-1", "session_id": body["session_id"], "output": f"You said: {body['message']}"}
        return web.json_response(answer | {"cost_usd": "0.02", "usage": {"input_tokens": 3}})
    if request.path == "/leak":
        return web.json_response({"error": {"message": f"bad token {auth}", "retryable": False}}, status=500)
    if request.path == "/broken":
        return web.Response(status=503)
    runs[key] = "running"
    return web.json_response({"run_id": key, "status": "running"}, status=202)


async def look(request: web.Request) -> web.Response:
    return web.json_response({"status": runs.get(request.match_info["key"], "gone")})


async def cancel(request: web.Request) -> web.Response:
    key = request.match_info["key"]
    print(json.dumps({"path": "cancel", "key": key}), flush=True)
    runs[key] = "cancelled"
    return web.json_response({})


app = web.Application()
app.router.add_get("/slow/{key}", look)
app.router.add_post("/slow/{key}/cancel", cancel)
app.router.add_post("/{path}", ask)
if __name__ == "__main__":
    web.run_app(app, port=8000, print=None)
