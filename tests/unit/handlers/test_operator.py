"""What the watches bring: a bug met over one object hides no other, and none of its own later events."""

from __future__ import annotations

from typing import Any, cast

import pytest

from agentschedule.cluster.client import Client
from agentschedule.cluster.store import Key, Store
from agentschedule.handlers.metrics import Metrics
from agentschedule.handlers.operator import Operator
from agentschedule.handlers.queue import Queue
from agentschedule.handlers.resync import Resync
from agentschedule.handlers.timer import Timer
from agentschedule.handlers.watches import Watches


async def nothing(_key: Key) -> None:
    """Work that needs none."""


def an_operator() -> Operator:
    store, queue, watches = Store(), Queue(nothing), Watches(synced=True)
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
