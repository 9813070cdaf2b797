"""Writes about the schedule's Jobs: made, released, held, resumed, ended, deleted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agentschedule import names
from agentschedule.api.base import rfc3339
from agentschedule.cluster import observe, parse, resources
from agentschedule.cluster.write import Writes, condition
from agentschedule.errors import AlreadyExists, Refused
from agentschedule.plan.actions import CreateJob, DeleteJob, EndJob, HoldJob, ReleaseJob, ResumeJob
from agentschedule.plan.answers import JobNameTaken, JobRefused
from agentschedule.plan.observed import Job
from agentschedule.plan.run.end import may_end

Body = dict[str, Any]


@dataclass(frozen=True)
class JobWriter:
    """Each raises Conflict if the Job is not as it was decided on, ClusterError for what a retry may mend."""

    writes: Writes

    async def create(self, action: CreateJob) -> JobRefused | JobNameTaken | None:
        """A Job of that name without our label is never in the store, which mirrors what the watch shows."""
        client, store, meta = self.writes.client, self.writes.store, action.body["metadata"]
        try:
            store.jobs.put((await client.create(resources.JOBS, action.body)).body)
        except Refused as error:
            return JobRefused(meta["name"], str(error))
        except AlreadyExists as error:
            there = await client.get(resources.JOBS, meta["namespace"], meta["name"])
            if (there["metadata"].get("labels") or {}).get(names.LABEL_SCHEDULE) != self.writes.key.schedule:
                return JobNameTaken(meta["name"], str(error))
            store.jobs.put(there)
        return None

    async def release(self, action: ReleaseJob) -> None:
        await self._patch(action.job, {"ownerReferences": list(action.owners)}, suspend=False)

    async def hold(self, action: HoldJob) -> None:
        """With the resourceVersion that was judged: since then no pod has been made."""
        until = {names.ANNOTATION_HELD_UNTIL: rfc3339(action.until)}
        await self._patch(action.job, {"annotations": until}, suspend=True)

    async def resume(self, action: ResumeJob) -> None:
        await self._patch(action.job, {"annotations": {names.ANNOTATION_HELD_UNTIL: None}}, suspend=False)

    async def _patch(self, job: Job, metadata: Body, suspend: bool) -> None:
        meta = {"resourceVersion": job.resource_version} | metadata
        await self.writes.patch(self.writes.store.jobs, job.name, {"metadata": meta, "spec": {"suspend": suspend}})

    async def end(self, action: EndJob) -> None:
        """The condition FailureTarget: the Job controller adds Failed, with the same words."""
        writes, store = self.writes, self.writes.store
        await observe.refresh_pods(writes.client, store, writes.key)
        if not may_end(store.observed(writes.key).pods_of(action.job)):
            return
        live = await writes.live(store.jobs, action.job)
        if live and not parse.job(live).finished:
            # The controller refuses to end a suspended Job that does not say when it began.
            began = {} if live["status"].get("startTime") else {"startTime": rfc3339(action.now)}
            await writes.add_condition(store.jobs, live, condition(names.FAILURE_TARGET, action), began)

    async def delete(self, action: DeleteJob) -> None:
        await self.writes.delete(self.writes.store.jobs, action.job.name, action.job.uid)
