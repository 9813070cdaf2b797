"""A reconcile with the real plan and store; the API server is a dict of objects here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from agentschedule import names
from agentschedule.api.base import rfc3339
from agentschedule.cluster.client import Page, Reply, Resource
from agentschedule.cluster.store import Key, Store
from agentschedule.errors import Refused
from agentschedule.handlers.reconcile import Reconciler
from agentschedule.plan.objects import build
from agentschedule.plan.spec.timing import timing
from tests.unit.builders import CRONJOB_UID, NAME, NAMESPACE, SCHEDULE_UID, a_schedule, at

Body = dict[str, Any]
KEY = Key(NAMESPACE, NAME)
NOW = at("07:30:00")


@dataclass
class Server:
    """The schedule and its CronJob; the spec of a CronJob is refused where ``refuses``. ``calls`` are in order."""

    objects: dict[str, Body]
    refuses: bool = False
    calls: list[str] = field(default_factory=list)

    async def list(self, resource: Resource, _namespace: str, fields: str) -> AsyncIterator[Page]:
        self.calls.append(f"list {resource.plural} {fields}")
        yield Page([], 1)

    async def replace(self, resource: Resource, body: Body, dry_run: bool = False) -> Reply:
        if self.refuses:
            raise Refused("spec.jobTemplate: no")
        live = self.objects[resource.plural]
        made = live | body | {"metadata": live["metadata"] | body["metadata"]}
        if dry_run:
            return Reply(made, NOW)
        self.calls.append(f"replace {resource.plural}")
        made["metadata"]["generation"] = live["metadata"]["generation"] + 1
        return Reply(self._keep(resource.plural, made), NOW)

    async def patch(
        self, resource: Resource, _namespace: str, _name: str, body: Body, _subresource: str | None = None
    ) -> Body:
        plural = resource.plural
        self.calls.append(f"patch {plural}")
        live = self.objects[plural]
        return self._keep(plural, live | {"status": live.get("status", {}) | body["status"]})

    def _keep(self, plural: str, body: Body) -> Body:
        version = str(int(self.objects[plural]["metadata"]["resourceVersion"]) + 1)
        self.objects[plural] = body | {"metadata": body["metadata"] | {"resourceVersion": version}}
        return self.objects[plural]


@dataclass
class Events:
    """The reasons of what was recorded."""

    reasons: list[str] = field(default_factory=list)

    async def record(self, _kind: str, _about: Any, events: Any, _now: datetime) -> None:
        self.reasons += [event.reason for event in events]


def cronjob_body(last_schedule_time: datetime) -> Body:
    """The CronJob of the schedule as it was before its edit: hourly."""
    schedule = a_schedule()
    body = build.cronjob(schedule, timing(schedule.spec, seed=""), suspend=False)
    body["metadata"] |= {
        "uid": CRONJOB_UID,
        "resourceVersion": "100",
        "generation": 1,
        "creationTimestamp": "2026-03-01T00:00:00Z",
    }
    body["metadata"]["annotations"] |= {names.ANNOTATION_SPEC_GENERATION: "1"}
    return body | {"status": {"lastScheduleTime": rfc3339(last_schedule_time)}}


def edited_schedule() -> Body:
    meta = {"name": NAME, "namespace": NAMESPACE, "uid": SCHEDULE_UID, "generation": 2, "resourceVersion": "100"}
    return {
        "metadata": meta | {"creationTimestamp": "2026-03-01T00:00:00Z"},
        "spec": {"schedule": "0 9 * * *", "agent": {"image": "agent.test/none:1"}},
        "status": {"observedGeneration": 1},
    }


def reconcile(server: Server) -> list[str]:
    """The reasons of the events of one reconcile, in order."""
    store, events = Store(), Events()
    store.schedules.put(server.objects["agentschedules"])
    store.cronjobs.put(server.objects["cronjobs"])
    reconciler = Reconciler(server, store, events, lambda _key, _moment: None, lambda: NOW)  # type: ignore[arg-type]
    asyncio.run(reconciler(KEY))
    return events.reasons


def run_body(name: str) -> Body:
    meta = {"name": name, "namespace": NAMESPACE, "uid": f"u-{name}", "resourceVersion": "5"}
    return {"metadata": meta | {"creationTimestamp": "2026-03-01T00:00:00Z"}, "spec": {"scheduleName": NAME}}


def reconcile_with_runs(server: Server, *runs: str) -> list[Key]:
    """What is looked at again later."""
    store, asked = Store(), list[Key]()
    store.schedules.put(server.objects["agentschedules"])
    store.cronjobs.put(server.objects["cronjobs"])
    for name in runs:
        store.runs.put(run_body(name))
    reconciler = Reconciler(server, store, Events(), lambda key, _moment: asked.append(key), lambda: NOW)  # type: ignore[arg-type]
    try:
        asyncio.run(reconciler(KEY))
    finally:
        assert asked == [KEY]
    return asked
