"""The machinery of the edge: queue, timer, and the watch over the watches."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from agentschedule.cluster.store import Key
from agentschedule.errors import ClusterError
from agentschedule.handlers.queue import Queue
from agentschedule.handlers.timer import Timer
from agentschedule.handlers.watches import PATIENCE_SECONDS, Watches

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


def test_a_key_has_one_worker_at_a_time_and_news_meanwhile_is_not_lost() -> None:
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


def test_the_timer_calls_each_key_once_when_its_last_moment_comes() -> None:
    called: list[Key] = []
    timer = Timer()
    now = datetime.now(UTC)
    timer.set(A, now + timedelta(hours=1))
    timer.set(A, now + timedelta(milliseconds=30))
    timer.set(B, now + timedelta(milliseconds=10))
    timer.set(B, None)

    async def run() -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(timer.run(called.append), 0.2)

    asyncio.run(run())

    assert called == [A]


def test_moments_that_are_set_anew_do_not_pile_up() -> None:
    timer, now = Timer(), datetime.now(UTC)
    for number in range(10_000):
        timer.set(A, now + timedelta(days=300 + number % 2))
        timer.set(B, now + timedelta(milliseconds=number))
    assert len(timer._heap) <= 1004

    called: list[Key] = []

    async def run() -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(timer.run(called.append), 0.01)

    timer.set(B, now)
    asyncio.run(run())
    assert called == [B]


def test_a_moment_that_is_set_while_the_timer_waits_is_heeded() -> None:
    called: list[Key] = []
    timer = Timer()
    timer.set(A, datetime.now(UTC) + timedelta(hours=1))

    async def run() -> None:
        task = asyncio.create_task(timer.run(called.append))
        await asyncio.sleep(0.02)
        timer.set(B, datetime.now(UTC))
        await asyncio.sleep(0.05)
        task.cancel()

    asyncio.run(run())

    assert called == [B]


def test_a_watch_that_stays_silent_though_there_is_news_is_dead() -> None:
    now = 0.0
    watches = Watches(clock=lambda: now)
    watches.missed("jobs")
    now = PATIENCE_SECONDS
    assert watches.dead() == []
    now = PATIENCE_SECONDS + 1
    assert watches.dead() == ["jobs"]


def test_a_watch_that_brings_its_news_late_is_alive() -> None:
    now = 0.0
    watches = Watches(clock=lambda: now)
    watches.missed("jobs")
    now = PATIENCE_SECONDS - 1
    watches.heard("jobs")
    now = 10 * PATIENCE_SECONDS
    assert watches.dead() == []


def test_a_watch_without_news_may_be_silent_for_ever() -> None:
    watches = Watches(clock=lambda: 10 * PATIENCE_SECONDS)
    assert watches.dead() == []


def _note(done: list[Key]) -> Callable[[Key], Awaitable[None]]:
    async def work(key: Key) -> None:
        done.append(key)

    return work
