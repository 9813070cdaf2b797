"""What the writers of all kinds share. Each write's answer goes into the store at once: the next plan sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agentschedule.api.base import rfc3339
from agentschedule.cluster.client import Client
from agentschedule.cluster.store import Key, Store, Table
from agentschedule.errors import AlreadyExists, NotFound
from agentschedule.plan.actions import EndJob, StopPod
from agentschedule.plan.observed import Job, Pod

Body = dict[str, Any]


@dataclass(frozen=True)
class Writes:
    """Writes about one schedule. Each raises ClusterError for what a retry may mend."""

    client: Client
    store: Store
    key: Key

    async def create(self, table: Table[Any], body: Body) -> str:
        """Create; if the name is taken, look who has it: the next plan decides. Returns the uid of who has it. Raises
        Refused."""
        meta = body["metadata"]
        try:
            created = (await self.client.create(table.resource, body)).body
        except AlreadyExists:
            created = await self.client.get(table.resource, meta["namespace"], meta["name"])
        table.put(created, schedule=self.key.schedule)
        return str(created["metadata"]["uid"])

    async def patch(self, table: Table[Any], name: str, body: Body, subresource: str | None = None) -> Body:
        """A JSON merge patch of an object of the schedule's namespace. Returns the object, which the store has too."""
        patched = await self.client.patch(table.resource, self.key.namespace, name, body, subresource)
        table.put(patched)
        return patched

    async def delete(self, table: Table[Any], name: str, uid: str) -> None:
        """Delete the object of this uid; what is gone already is well."""
        try:
            answer = await self.client.delete(table.resource, self.key.namespace, name, uid)
        except NotFound:
            answer = {}
        if answer.get("kind", "Status") == "Status":
            table.drop(uid)
        else:  # it goes once its finalizers are done
            table.put(answer)

    async def live(self, table: Table[Any], item: Job | Pod) -> Body | None:
        """The object as it is now; None if it is gone, or another has its name."""
        try:
            live = await self.client.get(table.resource, item.namespace, item.name)
        except NotFound:
            live = None
        if live is None or live["metadata"]["uid"] != item.uid:
            table.drop(item.uid)
            return None
        table.put(live)
        return live

    async def add_condition(self, table: Table[Any], live: Body, condition: Body, more: Body) -> None:
        """Add a condition, and ``more`` of the status. A merge patch replaces lists: ours goes among the others, or
        nothing does."""
        meta, others = live["metadata"], live["status"].get("conditions") or []
        others = [other for other in others if other["type"] != condition["type"]]
        status = {"conditions": [*others, condition]} | more
        body = {"metadata": {"resourceVersion": meta["resourceVersion"]}, "status": status}
        await self.patch(table, meta["name"], body, "status")


def condition(kind: str, action: EndJob | StopPod) -> Body:
    """The condition of type ``kind`` that tells why a Job or pod is ended."""
    now = rfc3339(action.now)
    times = {"lastTransitionTime": now, "lastProbeTime": now}
    return {"type": kind, "status": "True", "reason": action.reason, "message": action.message} | times
