"""A secret in a header is seen nowhere, though the server sends it back."""

from __future__ import annotations

import pytest
from aiohttp import web

from tests.http.ends import BEARER, SECRETS, PodOf, Serve
from tests.http.fake import reply


def test_a_secret_that_comes_back_is_seen_nowhere(serve: Serve, pod: PodOf) -> None:
    async def echo(request: web.Request) -> web.StreamResponse:
        token = request.headers["Authorization"]
        body = {"output": {"echo": token, token: 1}, "error": f"bad token {token}" * 50, "run_id": token}
        return web.json_response(body, headers={"Location": f"/runs/{token}"})

    fake = serve(echo)
    ended = pod({"url": fake.url, "headersFrom": BEARER}, SECRETS).run()
    assert fake.asked[0].headers["Authorization"] == 'Bearer s3cr"t/=token'
    assert ended.error["message"].startswith("bad token Bearer [secret]")
    for seen in (ended.log, ended.raw.decode()):
        assert "s3cr" not in seen
        assert "t/=token" not in seen


@pytest.mark.parametrize("status", [400, 302])
def test_nor_in_the_words_of_a_failure(serve: Serve, pod: PodOf, status: int) -> None:
    async def echo(request: web.Request) -> web.StreamResponse:
        token = request.headers["Authorization"]
        return reply("x" * 290 + token, status, Location=f"/login/{token}?{token}")

    ended = pod({"url": serve(echo).url, "headersFrom": BEARER}, SECRETS).run()
    assert ended.code == 78
    assert "s3cr" not in ended.log + ended.raw.decode()
