"""What is listed, and what becomes of namespaces that cannot be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from agentschedule.cluster import resources
from agentschedule.cluster.client import Client, Page, Resource
from agentschedule.cluster.store import Key, Store
from agentschedule.errors import Forbidden
from agentschedule.handlers import resync
from agentschedule.handlers.queue import Queue
from agentschedule.handlers.resync import Resync
from agentschedule.handlers.scope import Scope
from agentschedule.handlers.watches import Watches
from tests.unit.bodies import cronjob_body


class Cluster(Client):
    """A schedule's CronJob in each namespace; some cannot be read."""

    def __init__(self, *shut: str) -> None:
        self.shut = set(shut)
        self.listed = list[str | None]()

    async def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        selector: str = "",  # noqa: ARG002
        fields: str = "",  # noqa: ARG002
    ) -> AsyncIterator[Page]:
        self.listed.append(namespace)
        if namespace in self.shut:
            raise Forbidden(f"cannot list {resource.plural}")
        yield Page([_cronjob(str(namespace))] if resource is resources.CRONJOBS else [], 9)


class Broken(Cluster):
    """A list of CronJobs that is nothing that we know."""

    async def list(self, resource: Resource, *_args: Any, **_more: Any) -> AsyncIterator[Page]:
        yield Page([{"kind": "what?"}] if resource is resources.CRONJOBS else [], 9)


def _cronjob(namespace: str) -> dict[str, Any]:
    body: dict[str, Any] = cronjob_body()
    meta = body["metadata"] | {"namespace": namespace, "uid": namespace, "resourceVersion": "5", "name": "report"}
    return body | {"metadata": meta}


async def _nothing(_key: Key) -> None:
    return


def make(cluster: Cluster, *wanted: str) -> Resync:
    return Resync(cluster, Store(), Queue(_nothing), Watches(), 300, Scope(wanted))


def queued(made: Resync) -> set[str]:
    return {key.namespace for key in made.queue._turns._waiting}


async def begin(made: Resync) -> None:
    task = asyncio.create_task(made.run())
    await asyncio.sleep(0.05)
    task.cancel()


def test_only_the_named_namespaces_are_listed() -> None:
    cluster = Cluster()
    made = make(cluster, "a", "b")
    asyncio.run(begin(made))
    assert set(cluster.listed) == {"a", "b"}
    assert (made.watches.synced, made.scope.open, queued(made)) == (True, ("a", "b"), {"a", "b"})


def test_without_names_the_cluster_is_listed_as_a_whole() -> None:
    cluster = Cluster()
    made = make(cluster)
    asyncio.run(begin(made))
    assert set(cluster.listed) == {None}
    assert made.watches.synced


def test_one_that_cannot_be_read_is_named_once_and_the_others_are_worked_on(caplog: pytest.LogCaptureFixture) -> None:
    made = make(Cluster("b"), "a", "b")
    asyncio.run(begin(made))
    assert (made.watches.synced, made.scope.open, queued(made)) == (True, ("a",), {"a"})
    assert caplog.text.count("namespace b of watchNamespaces is not watched") == 1


def test_with_none_that_can_be_read_the_operator_is_not_ready() -> None:
    made = make(Cluster("a"), "a")
    asyncio.run(begin(made))
    assert not made.watches.synced


def test_one_that_lets_in_later_is_worked_on_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resync, "KNOCK_SECONDS", 0.01)
    cluster = Cluster("b")
    made = make(cluster, "a", "b")

    async def story() -> None:
        await begin(made)
        task = asyncio.create_task(made.knock())
        await asyncio.sleep(0.05)
        assert made.scope.shut == ("b",)
        cluster.shut.clear()
        await asyncio.sleep(0.05)
        task.cancel()

    asyncio.run(story())
    assert (made.scope.open, made.scope.insights.namespaces, queued(made)) == (("a", "b"), {"a", "b"}, {"a", "b"})


def test_one_that_shuts_us_out_keeps_what_is_known_and_owes_no_news() -> None:
    cluster = Cluster()
    made = make(cluster, "a", "b")

    async def story() -> None:
        await begin(made)
        made.watches.missed(made.scope.watch("jobs", "b"))
        cluster.shut.add("b")
        await made._compare_all("b")

    asyncio.run(story())
    assert (made.scope.open, made.scope.insights.namespaces) == (("a",), {"a"})
    assert made.store.cronjobs.keys() == {Key("a", "report"), Key("b", "report")}
    assert made.watches._behind == {}


def test_a_list_that_breaks_us_is_told_once_and_the_other_kinds_are_compared(caplog: pytest.LogCaptureFixture) -> None:
    made = make(Broken())

    async def story() -> None:
        for _ in range(2):
            await made._compare_all(None)

    asyncio.run(story())
    assert set(made.store.schedules.listed_at) == set(made.store.jobs.listed_at) == {None}
    assert sum(record.exc_info is not None for record in caplog.records) == 1
