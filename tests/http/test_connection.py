"""A server that cannot be reached, hangs up, or vanishes: who may have begun is not called twice."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from aiohttp import web

from tests.http.ends import PodOf, Serve, outcome
from tests.http.fake import always, in_turn, reply


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


async def hangs_up(request: web.Request) -> web.StreamResponse:
    assert request.transport
    request.transport.abort()
    return reply("")


def test_a_server_that_hangs_up_may_have_begun(serve: Serve, pod: PodOf) -> None:
    fake = serve(hangs_up)
    ended = pod({"url": fake.url}).impatient().run()
    assert outcome(ended) == (1, "Disconnected", True)
    assert len(fake.asked) == 1


def test_an_answer_may_take_its_time_and_a_stop_does_not_wait_for_it(serve: Serve, pod: PodOf) -> None:
    async def slow(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        return reply({})

    ended = pod({"url": serve(slow).url}).start().says("calling").stop()
    assert (ended.code, ended.error["code"]) == (143, "Stopped")


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


def test_a_server_that_accepts_nobody_is_not_waited_for(pod: PodOf) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as callers:
        for _ in range(2):  # its queue holds one more than its backlog; who comes later hears nothing
            caller = callers.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(full.getsockname())
        ended = pod({"url": f"http://127.0.0.1:{full.getsockname()[1]}"}).impatient().run()
    assert outcome(ended) == (1, "Unreachable", True)
    assert ended.error["message"].endswith("no connection within 1 s")
