"""Decisions are made in turn: a namespace with one waits for one of each other, not for all."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from agentschedule.handlers.floor import Floor


def test_one_of_a_neighbour_comes_after_one_of_a_hundred() -> None:
    floor, order = Floor(), list[str]()

    async def decide(namespace: str) -> None:
        await floor.turn(namespace)
        order.append(namespace)

    async def run() -> None:
        tasks = [asyncio.create_task(decide("noisy")) for _ in range(100)]
        await asyncio.sleep(0)
        tasks.append(asyncio.create_task(decide("quiet")))
        await asyncio.gather(*tasks)

    asyncio.run(run())
    assert order.index("quiet") <= 3
    assert order.count("noisy") == 100


def test_answers_are_heard_between_two_decisions() -> None:
    floor, order = Floor(), list[str]()

    async def decide(number: int) -> None:
        await floor.turn("noisy")
        order.append(f"decision {number}")

    async def hear() -> None:
        for _ in range(4):
            order.append("heard")
            await asyncio.sleep(0)

    async def run() -> None:
        await asyncio.gather(*(decide(number) for number in range(3)), hear())

    asyncio.run(run())
    decisions = [position for position, what in enumerate(order) if what != "heard"]
    assert all("heard" in order[first:last] for first, last in pairwise(decisions))


def test_the_floor_is_free_at_once_when_nobody_has_it_and_one_who_leaves_holds_up_nobody() -> None:
    floor, order = Floor(), list[str]()

    async def decide(name: str) -> None:
        await floor.turn(name)
        order.append(name)

    async def run() -> None:
        given, waits, stays = (asyncio.create_task(decide(name)) for name in ("given", "waits", "stays"))
        await floor.turn("a")
        await asyncio.sleep(0)
        given.cancel()
        waits.cancel()
        await asyncio.wait_for(stays, 1)
        await asyncio.wait_for(floor.turn("a"), 1)
        assert not floor._lines

    asyncio.run(run())
    assert order == ["stays"]
