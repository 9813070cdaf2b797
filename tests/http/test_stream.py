"""A stream of events has an end, whatever the server does: in bytes, in lines, in events and in time."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterable

import pytest
from aiohttp import web

from tests.http.fake import Fake, Handler, always, reply
from tests.http.pod import Pod
from tests.http.test_ends import outcome

Serve = Callable[..., Fake]
PodOf = Callable[..., Pod]


def streams(pieces: Iterable[bytes], pause: float = 0) -> Handler:
    """An AgentOS whose stream of events is this, and that knows the run r of session s as completed."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if request.method == "GET":
            return reply({"status": "COMPLETED", "content": "done"})
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        for piece in pieces:
            await answer.write(piece)
            await asyncio.sleep(pause)
        return answer

    return handle


def agno(fake: Fake) -> dict[str, str]:
    return {"url": f"{fake.url}/agents/x", "protocol": "Agno"}


@pytest.mark.parametrize(
    ("piece", "code", "sentence"),
    [
        (b"data: " + b"x" * 65536, "TooLarge", "sends an event of more than 1 MiB in one line"),
        (b": " + b"x" * 65536 + b"\n", "TooLarge", "answers with more than 16 MiB"),
        (b'data: {"event": "x"}\n\n' * 50, "Stream", "sent 1000 events, and none of them says run_id and session_id"),
        (b"data:\n" * 500, "Stream", "sent 1000 events"),
    ],
    ids=["a line", "comments", "events", "empty events"],
)
def test_what_never_ends_is_cut_off(serve: Serve, pod: PodOf, piece: bytes, code: str, sentence: str) -> None:
    ended = pod(agno(serve(streams(itertools.repeat(piece))))).run()
    assert outcome(ended) == (78, code, False)
    assert sentence in ended.error["message"]


@pytest.mark.parametrize("piece", [b": ping\n\n", b"x", b"\r\n"])
def test_a_trickle_ends_with_the_time_limit(serve: Serve, pod: PodOf, piece: bytes) -> None:
    began = time.monotonic()
    ended = pod(agno(serve(streams(itertools.repeat(piece), pause=0.05)))).given(AGENT_TIMEOUT_SECONDS="2").run()
    assert (ended.code, ended.error["code"]) == (142, "Stopped")
    assert ended.error["message"] == "stopped by SIGALRM after 2 s (its time limit is 2 s)"
    assert time.monotonic() - began < 10


def test_a_run_that_goes_on_for_ever_is_cancelled_at_the_time_limit(serve: Serve, pod: PodOf) -> None:
    fake = serve(always({"run_id": "r1"}, 202))
    http = {"url": fake.url, "poll": {"url": "/runs/$(RUN_ID)"}, "cancelUrl": "/runs/$(RUN_ID)/cancel"}
    ended = pod(http).given(AGENT_TIMEOUT_SECONDS="2").run()
    assert (ended.code, ended.error["code"], ended.result["run_id"]) == (142, "Stopped", "r1")
    assert fake.asked[-1].path == "/runs/r1/cancel"


@pytest.mark.parametrize("size", [1, 7, 65536])
def test_events_arrive_in_pieces_of_any_size(serve: Serve, pod: PodOf, size: int) -> None:
    sent = (
        b': hello\r\n\r\ndata: {"event": "x"}\n\ndata: {"run_id": "r",\ndata:  {"run_id": "r", "session_id": "s"}\n\n'
    )
    pieces = [sent[at : at + size] for at in range(0, len(sent), size)]
    fake = serve(streams(pieces))
    assert pod(agno(fake)).run().result["output"] == "done"
    assert fake.asked[1].path == "/agents/x/runs/r?session_id=s"
