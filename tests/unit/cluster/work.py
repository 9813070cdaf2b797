"""A server with one Job and its pod, for the tests of what is done to a run at work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from agentschedule import names
from agentschedule.cluster.apply import Applier
from agentschedule.cluster.client import Page, Resource
from agentschedule.cluster.store import Key, Store
from agentschedule.errors import NotFound
from tests.unit.builders import NAME, NAMESPACE

Body = dict[str, Any]
KEY = Key(NAMESPACE, NAME)
RUNNING = {"state": {"running": {"startedAt": "2026-03-02T07:30:02Z"}}}
READY = {"type": "Ready", "status": "True"}


def meta(name: str, kind: str = "job") -> Body:
    owner = {"uid": "uid-of-report-now", "controller": True}
    return {
        "name": name,
        "namespace": NAMESPACE,
        "uid": f"uid-of-{name}",
        "resourceVersion": "500",
        "creationTimestamp": "2026-03-02T07:30:00Z",
        "labels": {names.LABEL_SCHEDULE: NAME},
        "ownerReferences": [owner] if kind == "pod" else [],
        "annotations": {names.COMPLETION_INDEX: "0"} if kind == "pod" else {},
    }


def job_body(suspend: bool = False, **status: Any) -> Body:
    spec = {"suspend": suspend, "template": {"spec": {}}}
    return {"metadata": meta("report-now"), "spec": spec, "status": status}


def pod_body(phase: str, **agent: Any) -> Body:
    agent_status = [{"name": names.AGENT_CONTAINER, **agent}] if agent else []
    status = {"phase": phase, "containerStatuses": agent_status, "conditions": [READY]}
    return {"metadata": meta("report-now-0", "pod"), "spec": {}, "status": status}


@dataclass
class Server:
    """One Job and its pod, as they are; ``logs`` are its answers to who asks for the log."""

    job: Body | None = None
    pod: Body | None = None
    logs: list[str | Exception] = field(default_factory=list)
    patches: list[tuple[str, Body]] = field(default_factory=list)
    listed: list[str] = field(default_factory=list)

    async def get(self, resource: Resource, _namespace: str, _name: str) -> Body:
        found = self.job if resource.plural == "jobs" else self.pod
        if found is None:
            raise NotFound("it is gone")
        return found

    async def list(self, resource: Resource, _namespace: str, _selector: str) -> AsyncIterator[Page]:
        self.listed.append(resource.plural)
        found = self.job if resource.plural == "jobs" else self.pod
        yield Page([found] if found else [], 600)

    async def patch(
        self, resource: Resource, _namespace: str, name: str, body: Body, subresource: str | None = None
    ) -> Body:
        self.patches.append((subresource or name, body))
        return (self.pod if resource.plural == "pods" else self.job) or {"metadata": meta("report")}

    async def log(self, _resource: Resource, _namespace: str, _pod: str) -> str:
        said = self.logs.pop(0)
        if isinstance(said, Exception):
            raise said
        return said


def do(server: Server, action: Any) -> Any:
    return asyncio.run(Applier(server, Store(), KEY).apply(action))  # type: ignore[arg-type]
