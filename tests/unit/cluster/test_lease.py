"""The Lease on the wire: over what was read, and with what others have put on it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from agentschedule.cluster import resources
from agentschedule.cluster.client import Client, Reply, Resource
from agentschedule.cluster.lease import DEFAULT_SECONDS, Leases, lease
from agentschedule.errors import NotFound
from agentschedule.plan.lease import Lease

Body = dict[str, Any]
TIME = "2026-11-28T12:00:00.000000Z"
MINE = Lease("me", 10, 3, TIME, TIME, "7")
SPEC = {
    "holderIdentity": "me",
    "leaseDurationSeconds": 10,
    "leaseTransitions": 3,
    "acquireTime": TIME,
    "renewTime": TIME,
}
META = {"name": "agentschedule", "namespace": "system"}


@dataclass
class Api:
    """Says ``stored``, and notes what is written."""

    stored: Body | None = None
    written: list[tuple[str, Body]] = field(default_factory=list)

    async def get(self, resource: Resource, namespace: str, name: str) -> Body:
        assert (resource, namespace, name) == (resources.LEASES, "system", "agentschedule")
        if self.stored is None:
            raise NotFound("no such Lease")
        return self.stored

    async def create(self, resource: Resource, body: Body) -> Reply:
        assert resource == resources.LEASES
        self.written.append(("create", body))
        return Reply(body | {"metadata": body["metadata"] | {"resourceVersion": "1"}}, cast("Any", None))

    async def patch(self, resource: Resource, namespace: str, name: str, body: Body) -> Body:
        assert (resource, namespace, name) == (resources.LEASES, "system", "agentschedule")
        self.written.append(("patch", body))
        return body | {"metadata": META | {"resourceVersion": "8"}}


def leases(api: Api) -> Leases:
    return Leases(cast("Client", api), "system", "agentschedule")


def test_it_is_written_over_the_version_that_was_seen_and_nothing_else_of_it_is_touched() -> None:
    api = Api()
    assert asyncio.run(leases(api).write(MINE)).version == "8"
    assert api.written == [("patch", {"metadata": {"resourceVersion": "7"}, "spec": SPEC})]


def test_it_is_made_where_there_is_none() -> None:
    api = Api()
    fresh = Lease("me", 10, 3, TIME, TIME)
    assert asyncio.run(leases(api).write(fresh)).version == "1"
    (verb, body) = api.written[0]
    assert (verb, body["metadata"], body["spec"]) == ("create", META, SPEC)


def test_what_was_written_is_read_again() -> None:
    assert asyncio.run(leases(Api()).read()) is None
    stored = {"metadata": META | {"resourceVersion": "7", "labels": {"a": "b"}}, "spec": SPEC}
    assert asyncio.run(leases(Api(stored)).read()) == MINE


@pytest.mark.parametrize("said", [{}, {"spec": None}, {"spec": {}}, {"spec": {"holderIdentity": None}}])
def test_one_that_says_nothing_is_nobodys(said: Body) -> None:
    read = lease({"metadata": {"resourceVersion": "1"}} | said)
    assert (read.holder, read.seconds, read.version) == ("", DEFAULT_SECONDS, "1")
