"""The owner of what the operator fails at is told, past everything that may be what fails."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from agentschedule import names
from agentschedule.api.base import ObjectMeta
from agentschedule.cluster.client import Client, Reply, Resource
from agentschedule.cluster.events import Recorder
from agentschedule.cluster.store import Key
from agentschedule.cluster.tell import Teller, stalled
from agentschedule.errors import NotFound

Body = dict[str, Any]
NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
BEFORE = "2026-03-01T00:00:00Z"
READY = {"type": "Ready", "status": "True", "lastTransitionTime": BEFORE, "reason": "Scheduled", "message": "m"}
WELL = {"type": "Stalled", "status": "False", "lastTransitionTime": BEFORE, "reason": "AsExpected", "message": ""}
RUN = ObjectMeta(name="now", namespace="team", uid="u-run")


def schedule(**status: Any) -> Body:
    """As it is stored; its spec is one that no model takes."""
    meta = {"name": "report", "namespace": "team", "uid": "u", "resourceVersion": "7", "generation": 3}
    return {"metadata": meta, "spec": {"schedule": {"no": ["model"]}}, "status": status}


@dataclass
class Server:
    """One schedule, or none."""

    schedule: Body | None
    patches: list[tuple[str, Body]] = field(default_factory=list)
    events: list[tuple[str, str, str]] = field(default_factory=list)

    async def get(self, _resource: Resource, _namespace: str, _name: str) -> Body:
        if self.schedule is None:
            raise NotFound("no such schedule")
        return self.schedule

    async def patch(self, resource: Resource, namespace: str, name: str, body: Body, subresource: str) -> Body:
        self.patches.append((resource.path(namespace, name, subresource), body))
        return {}

    async def create(self, _resource: Resource, body: Body) -> Reply:
        about = body["regarding"]
        self.events.append((about["kind"], about["name"], body["reason"]))
        return Reply(body, NOW)


def tell(server: Server, run: ObjectMeta | None = None) -> None:
    client = cast("Client", server)
    teller = Teller(client, Recorder(client, "pod"))
    asyncio.run(teller.tell(Key("team", "report"), "It is our fault.", run, NOW))


def test_a_schedule_that_no_model_takes_says_that_it_is_stalled_and_the_rest_stays() -> None:
    server = Server(schedule(phase="Active", conditions=[READY, WELL]))
    tell(server)
    ((path, body),) = server.patches
    assert path == "/apis/agentschedule.dev/v1alpha1/namespaces/team/agentschedules/report/status"
    assert body["metadata"] == {"resourceVersion": "7"}
    ready, now_stalled = body["status"].pop("conditions")
    assert body["status"] == {}
    assert ready == READY
    assert now_stalled == {
        "type": "Stalled",
        "status": "True",
        "observedGeneration": 3,
        "lastTransitionTime": "2026-03-02T08:00:00Z",
        "reason": "InternalError",
        "message": "It is our fault.",
    }
    assert server.events == [(names.SCHEDULE_KIND, "report", "InternalError")]


def test_a_run_without_a_schedule_has_an_event() -> None:
    server = Server(None)
    tell(server, RUN)
    assert server.events == [(names.RUN_KIND, "now", "InternalError")]
    assert not server.patches


def test_a_run_and_its_schedule_are_both_told() -> None:
    server = Server(schedule())
    tell(server, RUN)
    assert {kind for kind, _, _ in server.events} == {names.RUN_KIND, names.SCHEDULE_KIND}
    assert len(server.patches) == 1


@pytest.mark.parametrize("status", [None, {}, {"conditions": None}, {"conditions": []}])
def test_a_schedule_without_conditions_gets_one(status: Body | None) -> None:
    (said,) = stalled(schedule() | {"status": status}, "x", NOW)
    assert said["lastTransitionTime"] == "2026-03-02T08:00:00Z"


def test_what_was_stalled_before_keeps_its_time() -> None:
    old = WELL | {"status": "True", "reason": "InvalidSpec"}
    (said,) = stalled(schedule(conditions=[old]), "x", NOW)
    assert said["lastTransitionTime"] == BEFORE
    assert said["reason"] == "InternalError"
