"""Writes about ScheduleRuns: made, claimed, cancelled, deleted."""

from __future__ import annotations

from dataclasses import dataclass

from agentschedule import names
from agentschedule.cluster import resources
from agentschedule.cluster.write import Writes
from agentschedule.errors import AlreadyExists, Refused
from agentschedule.plan.actions import CancelRun, ClaimRun, CreateRun, DeleteRun
from agentschedule.plan.answers import RunNameTaken, RunRefused


@dataclass(frozen=True)
class RunWriter:
    """Each raises Conflict if the run is not as it was decided on, ClusterError for what a retry may mend."""

    writes: Writes

    async def create(self, action: CreateRun) -> RunRefused | RunNameTaken | None:
        client, runs, meta = self.writes.client, self.writes.store.runs, action.body["metadata"]
        try:
            body = (await client.create(resources.RUNS, action.body)).body
        except Refused as error:
            return RunRefused(meta["name"], str(error))
        except AlreadyExists as error:
            body = await client.get(resources.RUNS, meta["namespace"], meta["name"])
            if body["spec"]["scheduleName"] != self.writes.key.schedule:
                return RunNameTaken(meta["name"], str(error))
        runs.put(body)
        if runs.holds(body["metadata"]["uid"]):
            return None
        return RunRefused(meta["name"], f"a ScheduleRun {meta['name']} exists that cannot be read; delete it")

    async def claim(self, action: ClaimRun) -> None:
        meta = action.run.metadata
        owners = [ref.wire() for ref in meta.owner_references]
        claim = {
            "resourceVersion": meta.resource_version,
            "ownerReferences": [*owners, action.owner],
            "labels": action.labels,
            # Whose Job it records is ours to say: a copied record is a new run.
            "annotations": {names.ANNOTATION_JOB_UID: None},
        }
        await self.writes.patch(self.writes.store.runs, meta.name, {"metadata": claim})

    async def cancel(self, action: CancelRun) -> None:
        meta = action.run.metadata
        by = {"resourceVersion": meta.resource_version, "annotations": {names.ANNOTATION_REPLACED_BY: action.by}}
        await self.writes.patch(self.writes.store.runs, meta.name, {"metadata": by, "spec": {"cancel": True}})

    async def delete(self, action: DeleteRun) -> None:
        meta = action.run.metadata
        await self.writes.delete(self.writes.store.runs, meta.name, meta.uid)
