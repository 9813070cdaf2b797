"""What the watches bring: a bug met over one object hides no other, and none of its own later events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import kopf
import pytest

from agentschedule import names
from agentschedule.cluster.client import Client, Page, Resource
from agentschedule.cluster.observe import compare
from agentschedule.cluster.resources import OURS
from agentschedule.cluster.store import Key, Store
from agentschedule.handlers.metrics import Metrics
from agentschedule.handlers.operator import Operator, configure
from agentschedule.handlers.queue import Queue
from agentschedule.handlers.resync import Resync
from agentschedule.handlers.timer import Timer
from agentschedule.handlers.watches import Watches


async def nothing(_key: Key) -> None:
    """Work that needs none."""


def an_operator(work: Callable[[Key], Awaitable[None]] = nothing, asleep: bool = False) -> Operator:
    store, queue, watches = Store(), Queue(work, asleep=asleep), Watches(synced=True)
    resync = Resync(cast("Client", None), store, queue, watches, seconds=300)
    return Operator(store, queue, Timer(), watches, resync, resync.scope, Metrics())


def event(name: str, **meta: Any) -> Any:
    metadata = {"name": name, "namespace": "team", "uid": f"u-{name}", "resourceVersion": "7"} | meta
    spec = {"schedule": "0 * * * *", "agent": {"image": "a:1"}}
    return {"type": "ADDED", "object": {"metadata": metadata, "spec": spec}}


def test_an_event_that_breaks_us_is_logged_once_and_the_next_ones_are_heard(caplog: pytest.LogCaptureFixture) -> None:
    operator = an_operator()
    table = operator.store.schedules
    for _ in range(3):
        operator.hear(table, event("bad", resourceVersion="no number"))
    operator.hear(table, event("good"))
    operator.hear(table, event("bad"))
    assert table.keys() == {Key("team", "good"), Key("team", "bad")}
    assert sum(record.exc_info is not None for record in caplog.records) == 1


def test_of_kubernetes_own_kinds_only_what_bears_our_label_is_watched() -> None:
    """A Job, pod or CronJob of somebody else never reaches the operator: it costs nothing."""
    settings = kopf.OperatorSettings()
    configure(settings)
    ours = {(names.GROUP, names.VERSION, names.SCHEDULE_PLURAL), (names.GROUP, names.VERSION, names.RUN_PLURAL)}
    watched = {table.resource.address for table in Store().tables} - ours
    assert watched == {("batch", "v1", "cronjobs"), ("batch", "v1", "jobs"), ("", "v1", "pods")}
    assert {kind: settings.watching.label_selectors[kind] for kind in watched} == dict.fromkeys(watched, OURS)


def test_a_standby_takes_everything_in_decides_nothing_and_looks_at_all_schedules_once_it_leads() -> None:
    looked_at: list[Key] = []

    async def look(key: Key) -> None:
        looked_at.append(key)

    async def story() -> None:
        leader: Any = SimpleNamespace(elected=asyncio.Event())
        operator = replace(an_operator(look, asleep=True), leader=leader)
        background = asyncio.create_task(operator.background(workers=2))
        for name in ("one", "two", "gone"):
            operator.hear(operator.store.schedules, event(name))
        operator.timer.set(Key("team", "one"), datetime.now(UTC))
        operator.hear(operator.store.schedules, event("gone", resourceVersion="8") | {"type": "DELETED"})
        await asyncio.sleep(0.1)
        assert operator.store.schedules.keys() == {Key("team", "one"), Key("team", "two")}
        assert looked_at == []
        leader.elected.set()
        operator.timer.set(Key("team", "one"), None)
        await asyncio.sleep(0.1)
        assert sorted(looked_at) == [Key("team", "one"), Key("team", "two")]
        operator.hear(operator.store.schedules, event("three"))
        await asyncio.sleep(0.1)
        assert Key("team", "three") in looked_at
        background.cancel()
        await asyncio.gather(background, return_exceptions=True)

    asyncio.run(story())


def test_of_kubernetes_own_kinds_only_what_bears_our_label_is_listed() -> None:
    asked: dict[str, str] = {}

    class Lister:
        async def list(self, resource: Resource, _namespace: str | None, selector: str) -> AsyncIterator[Page]:
            asked[resource.plural] = selector
            yield Page([], 1)

    for table in Store().tables:
        asyncio.run(compare(cast("Client", Lister()), table))
    assert asked == {
        "cronjobs": OURS, "jobs": OURS, "pods": OURS, names.SCHEDULE_PLURAL: "", names.RUN_PLURAL: "",
    }  # fmt: skip


def test_a_standby_looks_after_the_signs_of_the_controller_too() -> None:
    async def story() -> None:
        leader: Any = SimpleNamespace(elected=asyncio.Event())
        looks = asyncio.Event()

        async def look() -> None:
            looks.set()

        controller: Any = SimpleNamespace(run=look)
        operator = replace(an_operator(asleep=True), leader=leader, controller=controller)
        background = asyncio.create_task(operator.background(workers=2))
        async with asyncio.timeout(1):
            await looks.wait()
        background.cancel()
        await asyncio.gather(background, return_exceptions=True)

    asyncio.run(story())
