"""The queue: each key once, one worker for a key at a time, and what fails is tried again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from agentschedule.cluster.store import Key
from agentschedule.errors import ClusterError
from agentschedule.handlers.queue import Queue

A, B = Key("team", "a"), Key("team", "b")


def work_through(queue: Queue, until: Callable[[], bool], workers: int = 4) -> None:
    """Run the queue until a condition holds, or fail after five seconds."""

    async def run() -> None:
        task = asyncio.create_task(queue.run(workers))
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                while not until() and not task.done():
                    await asyncio.sleep(0.005)
        if task.done():
            await task
        task.cancel()
        assert until()

    asyncio.run(run())


def test_a_key_that_is_added_often_is_worked_on_once() -> None:
    done: list[Key] = []
    queue = Queue(work=_note(done))
    for key in (A, B, A, A):
        queue.add(key)

    work_through(queue, lambda: len(done) >= 2)

    assert done == [A, B]


def test_a_key_has_one_worker_at_a_time_and_what_is_added_meanwhile_is_not_lost() -> None:
    at_work, most, rounds = 0, 0, 0

    async def work(key: Key) -> None:
        nonlocal at_work, most, rounds
        at_work += 1
        most = max(most, at_work)
        if rounds < 3:
            queue.add(key)
        await asyncio.sleep(0.01)
        at_work -= 1
        rounds += 1

    queue = Queue(work=work)
    queue.add(A)

    work_through(queue, lambda: rounds == 4)

    assert most == 1


def test_what_the_cluster_refuses_for_now_is_tried_again() -> None:
    tries = 0

    async def work(_key: Key) -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise ClusterError("not now")

    queue = Queue(work=work)
    queue.add(A)

    work_through(queue, lambda: tries == 3)


def test_a_key_that_has_failed_for_a_day_is_still_tried_again() -> None:
    async def work(_key: Key) -> None:
        raise ClusterError("not now")

    queue = Queue(work=work)
    queue._failures[A] = 5_000
    queue.add(A)

    work_through(queue, lambda: queue._failures[A] == 5_001)


def test_a_bug_ends_the_process_and_is_not_hidden() -> None:
    async def work(_key: Key) -> None:
        raise ZeroDivisionError

    queue = Queue(work=work)
    queue.add(A)

    with pytest.raises(ExceptionGroup):
        work_through(queue, lambda: False)


def _note(done: list[Key]) -> Callable[[Key], Awaitable[None]]:
    async def work(key: Key) -> None:
        done.append(key)

    return work
