"""The timer: each key at its last moment, once."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from agentschedule.cluster.store import Key
from agentschedule.handlers.timer import Timer

A, B = Key("team", "a"), Key("team", "b")


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


def test_a_moment_that_cannot_be_compared_with_others_holds_up_none_of_them() -> None:
    called: list[Key] = []
    timer, now = Timer(), datetime.now(UTC)
    timer.set(A, datetime(2026, 3, 2, 8))  # noqa: DTZ001
    timer.set(B, now)
    with suppress(OverflowError, ValueError):
        timer.set(Key("team", "c"), datetime.min)  # noqa: DTZ901

    async def run() -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(timer.run(called.append), 0.01)

    asyncio.run(run())
    assert B in called
