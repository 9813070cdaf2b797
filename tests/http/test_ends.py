"""How an attempt ends when things go wrong on the way: each end has a code, a sentence, and says whether to retry."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web

from tests.http.fake import Fake, Handler, always, in_turn, reply
from tests.http.pod import Ended, Pod

Serve = Callable[..., Fake]
PodOf = Callable[..., Pod]
SECRETS = {"bank/token": 's3cr"t/=token\n'}
BEARER = [{"name": "Authorization", "prefix": "Bearer ", "secretKeyRef": {"name": "bank", "key": "token"}}]


def outcome(ended: Ended) -> tuple[int, str, bool | None]:
    return ended.code, ended.error["code"], ended.error.get("retryable")


def test_nobody_listens(pod: PodOf) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/run"
    ended = pod({"url": url}).impatient().run()
    assert outcome(ended) == (1, "Unreachable", True)
    assert ended.error["message"].startswith(f"{url}: no connection: ")
    assert ended.log.count("again in") == 2
    assert "status_code" not in ended.result


def test_a_server_that_is_just_starting_is_called_once_it_listens(serve: Serve, pod: PodOf) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    attempt = pod({"url": f"http://127.0.0.1:{port}/run"}).start().says("again in 1 s")
    fake = serve(always({"output": "here"}), port=port)
    assert attempt.end().result["output"] == "here"
    assert len(fake.asked) == 1


def test_a_host_that_does_not_exist(pod: PodOf) -> None:
    ended = pod({"url": "http://agent.invalid/run"}).impatient().run()
    assert outcome(ended) == (1, "DNS", True)


@pytest.fixture
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(serve: Serve, ca: trustme.CA) -> Fake:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    return serve(always({"output": "private"}), tls=context)


def test_a_certificate_of_a_private_ca_is_refused_and_ca_from_is_named(tls: Fake, pod: PodOf) -> None:
    ended = pod({"url": tls.url}).run()
    assert outcome(ended) == (78, "TLS", False)
    assert "set caFrom" in ended.error["message"]
    assert tls.asked == []


def test_a_private_ca_is_trusted_where_ca_from_names_it(tls: Fake, ca: trustme.CA, pod: PodOf, tmp_path: Path) -> None:
    ca.cert_pem.write_to_path(str(tmp_path / "ca.crt"))
    http = {"url": tls.url, "caFrom": {"configMapKeyRef": {"name": "ca", "key": "ca.crt"}}}
    assert pod(http).run().result["output"] == "private"


def test_a_ca_file_that_is_none(tls: Fake, pod: PodOf, tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("no PEM")
    ended = pod({"url": tls.url, "caFrom": {"secretKeyRef": {"name": "ca", "key": "ca.crt"}}}).run()
    assert outcome(ended) == (78, "TLS", False)
    assert "caFrom holds no PEM certificate" in ended.error["message"]


def test_https_to_a_server_without_tls(serve: Serve, pod: PodOf) -> None:
    ended = pod({"url": serve(always({})).url.replace("http:", "https:")}).run()
    assert outcome(ended) == (78, "TLS", False)
    assert "is it http://?" in ended.error["message"]


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [(400, 78, False), (401, 77, False), (404, 78, False), (409, 1, True)],
)
def test_a_refusal_is_final_unless_another_time_may_do(
    serve: Serve, pod: PodOf, status: int, code: int, retryable: bool
) -> None:
    fake = serve(always({"detail": "not like this"}, status))
    ended = pod({"url": f"{fake.url}/run?q=long"}).impatient().run()
    assert outcome(ended) == (code, f"HTTP{status}", retryable)
    assert ended.error["message"].startswith(f"{fake.url}/run answered {status}: not like this")
    assert ended.result["status_code"] == status
    assert len(fake.asked) == 1


@pytest.mark.parametrize("status", [500, 503])
def test_a_post_that_may_have_been_executed_is_not_repeated(serve: Serve, pod: PodOf, status: int) -> None:
    fake = serve(always("oops", status))
    ended = pod({"url": fake.url}).impatient().run()
    assert outcome(ended) == (1, f"HTTP{status}", True)
    assert len(fake.asked) == 1


def test_a_get_is_repeated_after_a_server_error(serve: Serve, pod: PodOf) -> None:
    fake = serve(in_turn(reply("oops", 500), reply("oops", 502), reply({"output": "fine"})))
    ended = pod({"url": fake.url, "method": "GET"}).impatient().run()
    assert (ended.code, ended.result["output"], len(fake.asked)) == (0, "fine", 3)


def in_seconds(seconds: int) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(("status", "when"), [(429, "2"), (503, "a date")])
def test_a_server_that_is_busy_is_called_when_it_asks_to(serve: Serve, pod: PodOf, status: int, when: str) -> None:
    asked: list[float] = []

    async def handle(_: web.Request) -> web.StreamResponse:
        asked.append(time.time())
        later = in_seconds(3) if when == "a date" else when
        return reply("busy", status, Retry_After=later) if len(asked) == 1 else reply({"output": "now"})

    ended = pod({"url": serve(handle).url}).impatient().run()
    assert (ended.code, ended.result["output"], len(asked)) == (0, "now", 2)
    assert asked[1] - asked[0] >= 1.5


@pytest.mark.parametrize("later", ["9" * 400, "Fri, 31 Dec 9999 23:59:59 -2359"])
def test_a_server_that_is_busy_for_ever_is_not_waited_for(serve: Serve, pod: PodOf, later: str) -> None:
    ended = pod({"url": serve(always("busy", 429, Retry_After=later)).url}).impatient().run()
    assert outcome(ended) == (1, "HTTP429", True)


def test_a_server_that_is_busy_beyond_the_time_limit_ends_the_attempt(serve: Serve, pod: PodOf) -> None:
    fake = serve(always("busy", 429, Retry_After="60"))
    ended = pod({"url": fake.url}).given(AGENT_TIMEOUT_SECONDS="30").run()
    assert outcome(ended) == (1, "HTTP429", True)
    assert "Retry-After: 60 s" in ended.error["message"]


def redirects(status: int, to: str) -> Handler:
    """The first request is sent elsewhere."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if request.path == "/run":
            return reply("", status, Location=to)
        return reply({"output": f"{request.method} {request.path}"})

    return handle


@pytest.mark.parametrize("status", [307, 308])
def test_a_post_follows_a_redirect_on_its_host(serve: Serve, pod: PodOf, status: int) -> None:
    ended = pod({"url": f"{serve(redirects(status, '/run/')).url}/run"}).run()
    assert ended.result["output"] == "POST /run/"


@pytest.mark.parametrize("status", [301, 303])
def test_a_post_never_becomes_a_get(serve: Serve, pod: PodOf, status: int) -> None:
    fake = serve(redirects(status, "/run/"))
    ended = pod({"url": f"{fake.url}/run"}).run()
    assert outcome(ended) == (78, "Redirected", False)
    assert f"answered {status}, a redirect to {fake.url}/run/" in ended.error["message"]
    assert len(fake.asked) == 1


def test_a_post_is_not_carried_to_another_host(serve: Serve, pod: PodOf) -> None:
    other = serve(always({}))
    fake = serve(redirects(308, f"{other.url}/run/"))
    ended = pod({"url": f"{fake.url}/run", "headersFrom": BEARER}, SECRETS).run()
    assert outcome(ended) == (78, "Redirected", False)
    assert f"{other.url}/run/" in ended.error["message"]
    assert other.asked == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_nor_is_a_get(serve: Serve, pod: PodOf, status: int) -> None:
    other = serve(always({"output": "there"}))
    fake = serve(redirects(status, f"{other.url}/run/"))
    http = {"url": f"{fake.url}/run", "method": "GET", "headersFrom": BEARER}
    ended = pod(http, SECRETS).run()
    assert outcome(ended) == (78, "Redirected", False)
    assert f"a redirect to {other.url}/run/: write the right url" in ended.error["message"]
    assert other.asked == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_get_follows_a_redirect_on_its_server_with_its_headers(serve: Serve, pod: PodOf, status: int) -> None:
    fake = serve(redirects(status, "/there"))
    http = {"url": f"{fake.url}/run", "method": "GET", "headersFrom": BEARER}
    assert pod(http, SECRETS).run().result["output"] == "GET /there"
    assert [asked.headers["Authorization"] for asked in fake.asked] == ['Bearer s3cr"t/=token'] * 2


@pytest.mark.parametrize("way", ["Location", "urlPath"])
def test_an_answer_does_not_choose_another_server_to_be_asked(serve: Serve, pod: PodOf, way: str) -> None:
    other = serve(always({"output": "there"}))
    fake = serve(always({"at": f"{other.url}/runs/r1"}, 202, Location=f"{other.url}/runs/r1"))
    poll = {"urlPath": "at"} if way == "urlPath" else {}
    ended = pod({"url": fake.url, "poll": poll, "headersFrom": BEARER}, SECRETS).run()
    assert outcome(ended) == (78, "Redirected", False)
    assert "write poll.url if that is meant" in ended.error["message"]
    assert other.asked == []


def test_the_author_may_choose_one_and_its_headers_stay_at_home(serve: Serve, pod: PodOf) -> None:
    other = serve(always({"output": "there"}))
    fake = serve(always({}, 202))
    http = {
        "url": fake.url,
        "poll": {"url": f"{other.url}/state"},
        "headers": {"X-Api-Key": "k"},
        "headersFrom": BEARER,
    }
    assert pod(http, SECRETS).run().result["output"] == "there"
    assert fake.asked[0].headers["Authorization"] == 'Bearer s3cr"t/=token'
    assert not {"Authorization", "X-Api-Key", "Idempotency-Key"} & set(other.asked[0].headers)


def test_an_answer_that_says_to_look_at_what_is_no_url(serve: Serve, pod: PodOf) -> None:
    ended = pod({"url": serve(always({}, 202, Location="http://[")).url, "poll": {}}).run()
    assert outcome(ended) == (78, "UnexpectedAnswer", False)


def test_redirects_in_a_circle(serve: Serve, pod: PodOf) -> None:
    ended = pod({"url": f"{serve(redirects(307, '/run')).url}/run", "method": "GET"}).run()
    assert outcome(ended) == (78, "Redirected", False)


async def hangs_up(request: web.Request) -> web.StreamResponse:
    assert request.transport
    request.transport.abort()
    return reply("")


def test_a_server_that_hangs_up_may_have_begun(serve: Serve, pod: PodOf) -> None:
    fake = serve(hangs_up)
    ended = pod({"url": fake.url}).impatient().run()
    assert outcome(ended) == (1, "Disconnected", True)
    assert len(fake.asked) == 1


def endless(content_type: str) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": content_type})
        await answer.prepare(request)
        while True:
            await answer.write(b" " * 1024 * 1024)

    return handle


def test_an_answer_without_end_is_cut_off(serve: Serve, pod: PodOf) -> None:
    ended = pod({"url": serve(endless("application/json")).url}).run()
    assert outcome(ended) == (78, "TooLarge", False)


def test_a_stream_of_events_is_no_answer(serve: Serve, pod: PodOf) -> None:
    ended = pod({"url": serve(endless("text/event-stream")).url}).run()
    assert outcome(ended) == (78, "Stream", False)
    assert "stream: false" in ended.error["message"]


def test_an_answer_may_take_its_time_and_a_stop_does_not_wait_for_it(serve: Serve, pod: PodOf) -> None:
    async def slow(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        return reply({})

    ended = pod({"url": serve(slow).url}).start().says("calling").stop()
    assert (ended.code, ended.error["code"]) == (143, "Stopped")


def test_what_is_no_http_at_all(pod: PodOf) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        attempt = pod({"url": f"http://127.0.0.1:{server.getsockname()[1]}"}).start()
        server.settimeout(10)
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"220 mail.example ESMTP\r\n\r\n")
        ended = attempt.end()
    assert outcome(ended) == (78, "UnexpectedAnswer", False)


@pytest.mark.parametrize("body", ["<html>Welcome</html>", '{"output": ', "[" * 100_000], ids=["page", "half", "deep"])
def test_an_answer_that_is_no_json(serve: Serve, pod: PodOf, body: str) -> None:
    async def handle(_: web.Request) -> web.StreamResponse:
        return web.Response(text=body, content_type="text/html")

    ended = pod({"url": serve(handle).url}).run()
    assert outcome(ended) == (78, "UnexpectedAnswer", False)
    assert "answered with text/html, not with JSON" in ended.error["message"]


@pytest.mark.parametrize("protocol", ["Agno", "A2A", "LangGraph"])
@pytest.mark.parametrize("body", ["hello", {"result": {"run_id": 0}}], ids=["text", "object"])
def test_a_server_that_speaks_otherwise(serve: Serve, pod: PodOf, protocol: str, body: Any) -> None:
    http = {"url": f"{serve(always(body)).url}/agents/x", "protocol": protocol}
    ended = pod({**http, "assistant": "a"} if protocol == "LangGraph" else http).run()
    assert outcome(ended) == (78, "UnexpectedAnswer", False)


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


def test_a_server_that_vanishes_while_it_runs(serve: Serve, pod: PodOf) -> None:
    fake = serve(always({"id": "r1"}, 202, Location="/runs/r1"))
    attempt = pod({"url": fake.url, "poll": {"intervalSeconds": 1}, "result": {"runID": "id"}}).impatient().start()
    attempt.says("run r1")
    fake.stop()
    ended = attempt.end()
    assert outcome(ended) == (1, "Unreachable", True)
    assert ended.result["run_id"] == "r1"


def test_a_server_that_comes_back_while_it_runs(serve: Serve, pod: PodOf) -> None:
    answers = [reply({}, 202, Location="/runs/r1"), reply("no", 502), reply("?", 404), reply({"output": "done"})]
    ended = pod({"url": serve(in_turn(*answers)).url, "poll": {}}).impatient().run()
    assert (ended.code, ended.result["output"]) == (0, "done")


@pytest.mark.parametrize("value", ["", "{}", "no json", '{"url": "http://a", "protocol": "SOAP"}'])
def test_a_pod_without_its_orders_says_so(pod: PodOf, value: str) -> None:
    ended = pod({"url": "http://a"}).given(AGENT_HTTP=value).run()
    assert outcome(ended) == (64, "Usage", False)
    assert "AGENT_HTTP must be" in ended.error["message"]


def agent_os(*events: dict[str, Any]) -> Handler:
    """Answers a start with a stream that stays open, and a look with a run that has ended."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if request.method == "GET":
            return reply({"status": "COMPLETED", "content": request.path_qs})
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        for event in events:
            await answer.write(f"event: x\ndata: {json.dumps(event)}\n\n".encode())
        if "error" not in events[-1]:
            await asyncio.sleep(60)
        return answer

    return handle


def test_an_agentos_that_replays_a_run_names_it_later(serve: Serve, pod: PodOf) -> None:
    fake = serve(agent_os({"event": "replay", "run_id": "r/1"}, {"run_id": "r/1", "session_id": "s&1"}))
    ended = pod({"url": f"{fake.url}/agents/x", "protocol": "Agno"}).run()
    assert ended.result["output"] == "/agents/x/runs/r%2F1?session_id=s%261"


def test_an_agentos_that_fails_before_a_run_has_begun_is_quoted(serve: Serve, pod: PodOf) -> None:
    fake = serve(agent_os({"error": "no such tool"}))
    ended = pod({"url": f"{fake.url}/agents/x", "protocol": "Agno"}).run()
    assert outcome(ended) == (78, "UnexpectedAnswer", False)
    assert ended.error["message"].endswith("answered without run_id and session_id: no such tool")


def test_a_server_that_accepts_nobody_is_not_waited_for(pod: PodOf) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as callers:
        for _ in range(2):  # its queue holds one more than its backlog; who comes later hears nothing
            caller = callers.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(full.getsockname())
        ended = pod({"url": f"http://127.0.0.1:{full.getsockname()[1]}"}).impatient().run()
    assert outcome(ended) == (1, "Unreachable", True)
    assert ended.error["message"].endswith("no connection within 1 s")
