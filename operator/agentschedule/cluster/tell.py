"""Tells the owner of a schedule or run that the operator fails at it.

It goes past all that may be what fails: nothing is parsed but names, nothing is decided, and the rest of the status
stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agentschedule import names
from agentschedule.api.base import ObjectMeta, rfc3339
from agentschedule.cluster import resources
from agentschedule.cluster.client import Client
from agentschedule.cluster.events import Recorder
from agentschedule.cluster.store import Key
from agentschedule.errors import NotFound
from agentschedule.plan.actions import Event

Body = dict[str, Any]


@dataclass(frozen=True)
class Teller:
    """Writes the condition Stalled, and posts events."""

    client: Client
    recorder: Recorder

    async def tell(self, key: Key, sentence: str, run: ObjectMeta | None, now: datetime) -> None:
        """Say it on the schedule, if there is one, and on the run that it is about. Raises ClusterError; Conflict, if
        somebody else wrote the status."""
        event = Event(True, names.Reason.INTERNAL_ERROR, sentence)
        if run:
            await self.recorder.record(names.RUN_KIND, run, [event], now)
        try:
            schedule = await self.client.get(resources.SCHEDULES, key.namespace, key.schedule)
        except NotFound:
            return
        meta = schedule["metadata"]
        status = {"conditions": stalled(schedule, sentence, now)}
        body = {"metadata": {"resourceVersion": meta["resourceVersion"]}, "status": status}
        await self.client.patch(resources.SCHEDULES, key.namespace, key.schedule, body, "status")
        about = ObjectMeta(
            name=key.schedule, namespace=key.namespace, uid=meta["uid"], resource_version=meta["resourceVersion"]
        )
        await self.recorder.record(names.SCHEDULE_KIND, about, [event], now)


def stalled(schedule: Body, sentence: str, now: datetime) -> list[Body]:
    """A schedule's conditions as they stand, with Stalled saying this; it keeps its time if it was true before."""
    conditions: list[Body] = (schedule.get("status") or {}).get("conditions") or []
    old = next((said for said in conditions if said.get("type") == names.Condition.STALLED), None)
    new = {
        "type": names.Condition.STALLED,
        "status": "True",
        "observedGeneration": schedule["metadata"].get("generation"),
        "lastTransitionTime": old["lastTransitionTime"] if old and old.get("status") == "True" else rfc3339(now),
        "reason": names.Reason.INTERNAL_ERROR,
        "message": sentence,
    }
    return [new if said is old else said for said in conditions] + ([] if old else [new])
