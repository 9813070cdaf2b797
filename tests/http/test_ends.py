"""How an attempt ends when things go wrong on the way: each end has a code, a sentence, and says whether to retry."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web

from tests.http.ends import BEARER, SECRETS, PodOf, Serve, outcome
from tests.http.fake import Handler, always, in_turn, reply


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


@pytest.mark.parametrize("value", ["", "{}", "no json", '{"url": "http://a", "protocol": "SOAP"}'])
def test_a_pod_without_its_orders_says_so(pod: PodOf, value: str) -> None:
    ended = pod({"url": "http://a"}).given(AGENT_HTTP=value).run()
    assert outcome(ended) == (64, "Usage", False)
    assert "AGENT_HTTP must be" in ended.error["message"]
