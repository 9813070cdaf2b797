"""The queue: each key once, one worker for a key at a time, and what fails is tried again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import pairwise

import pytest

from agentschedule.cluster.store import Key
from agentschedule.errors import ClusterError
from agentschedule.handlers.failures import Failures
from agentschedule.handlers.queue import GATHER_SECONDS, REST_SECONDS, Queue

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


def test_what_changes_while_it_is_refused_is_tried_at_once_and_leaves_one_try_to_come() -> None:
    tries = 0

    async def work(_key: Key) -> None:
        nonlocal tries
        tries += 1
        if tries < 20:
            queue.add(A)  # an event of its own write
        raise ClusterError("not now")

    queue = Queue(work=work, failures=Failures())
    queue.failures._times[A] = 100  # refused for long: the next try is far away
    queue.add(A)

    async def run() -> int:
        task = asyncio.create_task(queue.run(2))
        await asyncio.sleep(0.2)
        handles = vars(asyncio.get_running_loop())["_scheduled"]
        waiting = [handle for handle in handles if not handle.cancelled()]
        task.cancel()
        return len(waiting)

    assert asyncio.run(run()) == 1
    assert tries == 20


@pytest.mark.parametrize(
    "bug", [ZeroDivisionError, RecursionError, MemoryError, AssertionError, ExceptionGroup("", [OSError()])]
)
def test_a_bug_met_over_one_key_leaves_all_others_at_work(bug: Exception) -> None:
    done: list[Key] = []

    async def work(key: Key) -> None:
        if key == A:
            raise bug
        done.append(key)

    queue = Queue(work=work)
    for number in range(20):
        queue.add(A)
        queue.add(Key("team", str(number)))

    work_through(queue, lambda: len(done) == 20)


def test_what_met_a_bug_is_tried_again_when_it_changes_but_not_more_often_than_once_a_second() -> None:
    tries: list[float] = []

    async def work(_key: Key) -> None:
        tries.append(time.monotonic())
        raise ZeroDivisionError

    queue = Queue(work=work)

    async def run() -> None:
        task = asyncio.create_task(queue.run(2))
        for _ in range(60):
            queue.add(A)
            queue.add(A)  # also while it is worked on
            await asyncio.sleep(0.03)
        task.cancel()

    asyncio.run(run())
    assert len(tries) >= 2
    assert all(later - earlier >= REST_SECONDS for earlier, later in pairwise(tries))


def test_a_bug_of_the_queue_itself_ends_the_process_and_is_not_hidden() -> None:
    class Broken(Failures):
        async def failed(self, key: Key, error: Exception) -> float:  # noqa: ARG002
            raise ZeroDivisionError from error

    async def work(_key: Key) -> None:
        raise ClusterError

    queue = Queue(work=work, failures=Broken())
    queue.add(A)

    with pytest.raises(ExceptionGroup) as ended:
        work_through(queue, lambda: False)
    assert ended.group_contains(ZeroDivisionError)


def test_a_trigger_of_a_neighbour_comes_before_the_ten_thousand_of_one_namespace() -> None:
    """However slow the work on each is, and though the noisy one came first."""
    order: list[Key] = []

    async def work(key: Key) -> None:
        order.append(key)
        await asyncio.sleep(0.001)

    queue = Queue(work=work)
    for number in range(10_000):
        queue.add(Key("noisy", str(number)))

    async def run() -> None:
        task = asyncio.create_task(queue.run(8))
        await asyncio.sleep(0.05)
        before = len(order)
        queue.add(Key("quiet", "report"))
        while Key("quiet", "report") not in order:
            await asyncio.sleep(0)
        assert order.index(Key("quiet", "report")) - before <= 8
        task.cancel()

    asyncio.run(run())


def test_of_one_namespace_all_but_one_worker_are_at_work_however_long_it_takes() -> None:
    begun: list[Key] = []

    async def work(key: Key) -> None:
        begun.append(key)
        if key.namespace == "noisy":
            await asyncio.sleep(60)

    queue = Queue(work=work)
    for number in range(10):
        queue.add(Key("noisy", str(number)))

    async def run() -> None:
        task = asyncio.create_task(queue.run(4))
        await asyncio.sleep(0.02)
        assert len(begun) == 3
        queue.add(Key("quiet", "report"))
        await asyncio.sleep(0.02)
        assert begun[3] == Key("quiet", "report")
        task.cancel()

    asyncio.run(run())


def _note(done: list[Key]) -> Callable[[Key], Awaitable[None]]:
    async def work(key: Key) -> None:
        done.append(key)

    return work


def gathered(*news: str) -> list[list[Key]]:
    """What was worked on before time could pass after this news, and in the end."""
    done: list[Key] = []
    queue, seen = Queue(work=_note(done)), list[list[Key]]()

    async def run() -> None:
        task = asyncio.create_task(queue.run(2))
        for how in news:
            getattr(queue, how)(A)
            await asyncio.sleep(0)
        seen.append([*done])
        await asyncio.sleep(3 * GATHER_SECONDS)
        seen.append([*done])
        task.cancel()

    asyncio.run(run())
    return seen


def test_news_that_nobody_waits_for_is_gathered() -> None:
    assert gathered(*["add_soon"] * 10) == [[], [A]]


def test_what_somebody_waits_for_takes_all_other_news_along() -> None:
    assert gathered("add_soon", "add_soon", "add") == [[A], [A]]


def test_news_that_comes_during_the_work_is_not_lost() -> None:
    begun: list[float] = []

    async def work(key: Key) -> None:
        begun.append(time.monotonic())
        if len(begun) == 1:
            queue.add_soon(key)
            await asyncio.sleep(0.01)

    queue = Queue(work=work)
    queue.add(A)
    work_through(queue, lambda: len(begun) == 2)
    assert begun[1] - begun[0] >= GATHER_SECONDS


def test_while_it_is_asleep_nothing_is_kept_and_who_wakes_it_says_what_there_is() -> None:
    done: list[Key] = []
    queue = Queue(work=_note(done), asleep=True)
    for number in range(1000):
        queue.add(Key("team", f"gone-{number}"))

    queue.wake([A])
    queue.add(B)
    work_through(queue, lambda: len(done) >= 2)

    assert done == [A, B]
