"""An API server that is a list of answers, for the tests of what is asked of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from agentschedule.cluster.apply import Applier
from agentschedule.cluster.client import Page, Reply, Resource
from agentschedule.cluster.store import Key, Store
from agentschedule.errors import AlreadyExists, Refused
from agentschedule.plan.objects import build
from agentschedule.plan.spec.timing import timing
from tests.unit.builders import NAME, NAMESPACE, a_schedule, at

Body = dict[str, Any]
KEY = Key(NAMESPACE, NAME)
DUE = at("08:00:00")


@dataclass
class Server:
    """Says ``live`` to each look, ``date`` for its clock, and refuses what ``refuses`` names."""

    live: Body
    date: datetime = field(default_factory=lambda: datetime.now(UTC))
    refuses: str = ""
    taken: Body | None = None  # a Job that has the name already
    events: list[Body] = field(default_factory=list)
    writes: list[tuple[str, Body]] = field(default_factory=list)

    async def get(self, resource: Resource, _namespace: str, _name: str) -> Body:
        return self.taken if self.taken and resource.plural == "jobs" else self.live

    async def look(self, _resource: Resource, _namespace: str, _name: str) -> Reply:
        return Reply(self.live, self.date)

    async def create(self, resource: Resource, body: Body) -> Reply:
        if self.taken:
            raise AlreadyExists("it exists")
        self._write(f"create {resource.plural}", body)
        meta = {"uid": "new", "resourceVersion": "200", "creationTimestamp": "2026-03-02T08:00:01Z"}
        return Reply(body | {"metadata": body["metadata"] | meta}, self.date)

    async def replace(self, _resource: Resource, body: Body, dry_run: bool = False) -> Reply:
        if not dry_run:
            self._write("replace", body)
        return Reply(self.live | body | {"metadata": self.live["metadata"] | body["metadata"]}, self.date)

    async def list(self, _resource: Resource, _namespace: str, fields: str) -> AsyncIterator[Page]:
        assert fields in ("involvedObject.uid=cronjob-uid,reason=FailedCreate", "involvedObject.uid=pod,type=Warning")
        yield Page(self.events, 1)

    async def patch(self, _resource: Resource, _namespace: str, _name: str, body: Body, subresource: str = "") -> Body:
        self._write(f"patch {subresource}", body)
        return self.live

    def _write(self, what: str, body: Body) -> None:
        if self.refuses and self.refuses in what:
            raise Refused("exceeded quota: small")
        self.writes.append((what, body))


def stored_cronjob(resource_version: str = "100") -> Body:
    schedule = a_schedule()
    body = build.cronjob(schedule, timing(schedule.spec, seed=""), suspend=False)
    server_side = {"uid": "cronjob-uid", "resourceVersion": resource_version, "generation": 1}
    body["metadata"] |= server_side | {"creationTimestamp": "2026-03-01T00:00:00Z"}
    return body


def apply(server: Server, action: Any) -> Any:
    return asyncio.run(Applier(server, Store(), KEY).apply(action))  # type: ignore[arg-type]
