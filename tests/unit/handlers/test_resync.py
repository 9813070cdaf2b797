"""The comparison with lists: what goes wrong with one kind is of this kind alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, cast

import pytest

from agentschedule.cluster import resources
from agentschedule.cluster.client import Client, Resource
from agentschedule.cluster.store import Key, Store
from agentschedule.handlers import resync as module
from agentschedule.handlers.queue import Queue
from agentschedule.handlers.resync import Resync
from agentschedule.handlers.watches import Watches

Body = dict[str, Any]


class Lists:
    """A client whose list of schedules has one object, and whose list of CronJobs is nothing that we know."""

    async def list(self, resource: Resource, selector: str = "") -> tuple[Iterable[Body], str]:  # noqa: ARG002
        if resource == resources.CRONJOBS:
            return [{"kind": "what?"}], "9"
        meta = {"name": "report", "namespace": "team", "uid": "u", "resourceVersion": "7"}
        body = {"metadata": meta, "spec": {"schedule": "0 * * * *", "agent": {"image": "a:1"}}}
        return ([body] if resource == resources.SCHEDULES else []), "9"


async def nothing(_key: Key) -> None:
    """Work that needs none."""


def test_a_list_that_breaks_us_is_told_once_and_the_other_kinds_are_compared(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, queue = Store(), Queue(nothing)
    monkeypatch.setattr(module, "RELIST_DELAY_SECONDS", 0)

    async def run() -> None:
        watches = Watches(synced=True)
        resync = Resync(cast("Client", Lists()), store, queue, watches, seconds=0.02)
        task = asyncio.create_task(resync.run())
        await asyncio.sleep(0.2)
        assert not task.done()
        task.cancel()

    asyncio.run(run())
    assert store.schedules.keys() == {Key("team", "report")}
    assert len(queue._turns) == 1
    assert sum(record.exc_info is not None for record in caplog.records) == 1
