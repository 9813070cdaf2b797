"""Writes about the schedule's CronJob, and the Job that it owes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agentschedule import names
from agentschedule.api.base import rfc3339
from agentschedule.cluster import observe, resources
from agentschedule.cluster.write import Writes
from agentschedule.errors import AlreadyExists, Conflict, Refused
from agentschedule.plan.actions import CreateCronJob, RepairCronJob, StartDue, UpdateCronJob
from agentschedule.plan.answers import CronJobRefused, JobRefused
from agentschedule.plan.objects import build
from agentschedule.plan.observed import CronJob, Job
from agentschedule.plan.schedule.cronjob import mark_at

Body = dict[str, Any]


@dataclass(frozen=True)
class CronJobWriter:
    """Each raises Conflict if the CronJob is not as it was decided on, ClusterError for what a retry may mend."""

    writes: Writes

    async def create(self, action: CreateCronJob) -> CronJobRefused | None:
        try:
            await self.writes.create(self.writes.store.cronjobs, action.body)
        except Refused as error:
            return CronJobRefused(action.body["metadata"]["name"], str(error))
        return None

    async def update(self, action: UpdateCronJob) -> CronJobRefused | None:
        """A dry run asks the API's opinion, and the time; then the mark, then the spec: the controller sees both."""
        client, current, body = self.writes.client, action.current, action.body
        meta: Body = body["metadata"] | {"resourceVersion": current.resource_version}
        meta["finalizers"] = list(current.finalizers)
        meta["annotations"] = meta["annotations"] | _annotations(current, current.in_force_since)
        try:
            asked = await client.replace(resources.CRONJOBS, body | {"metadata": meta}, dry_run=True)
        except Refused as error:
            return CronJobRefused(body["metadata"]["name"], str(error))
        if action.before and asked.date >= action.before:
            raise Conflict("a due time came near meanwhile")
        if action.mark:
            since = max(asked.date, action.not_before or asked.date)
            mark = rfc3339(mark_at(current, since, asked.date))
            marked = await self._patch_status(current, {"lastScheduleTime": mark})
            meta["resourceVersion"] = marked["metadata"]["resourceVersion"]
            meta["annotations"] = meta["annotations"] | _annotations(current, since)
        written = (await client.replace(resources.CRONJOBS, body | {"metadata": meta})).body
        self.writes.store.cronjobs.put(await self._correct_generation(written))
        return None

    async def _correct_generation(self, written: Body) -> Body:
        """The annotation foretells the generation; where the API found nothing to change, write what it is."""
        meta = written["metadata"]
        if meta["annotations"].get(names.ANNOTATION_SPEC_GENERATION) == str(meta["generation"]):
            return written
        actual = {names.ANNOTATION_SPEC_GENERATION: str(meta["generation"])}
        body = {"metadata": {"resourceVersion": meta["resourceVersion"], "annotations": actual}}
        return await self.writes.client.patch(resources.CRONJOBS, meta["namespace"], meta["name"], body)

    async def repair(self, action: RepairCronJob) -> None:
        """Nothing, if one of the Jobs has ended: the next plan knows it. The watches do not run in step, so that a Job
        that the controller has just taken off the list looks like one that it forgot."""
        if not await self._are_at_work(action.add):
            return
        await self._list(action.current, [(job.name, job.uid) for job in action.add], action.last_schedule_time)

    async def _list(self, cronjob: CronJob, jobs: list[tuple[str, str]], last_schedule_time: datetime | None) -> None:
        """Add Jobs, by name and uid, to ``status.active``, and move the mark, in one patch."""
        listed = [(ref.name, ref.uid) for ref in cronjob.active] + jobs
        status: Body = {"active": [_job_reference(name, cronjob.namespace, uid) for name, uid in listed]}
        if last_schedule_time:
            status["lastScheduleTime"] = rfc3339(last_schedule_time)
        self.writes.store.cronjobs.put(await self._patch_status(cronjob, status))

    async def _are_at_work(self, jobs: tuple[Job, ...]) -> bool:
        """Asked once for all of them; not at all where all are held, for what is held cannot have ended."""
        writes, store = self.writes, self.writes.store
        if all(job.suspended for job in jobs):
            return True
        await observe.refresh_jobs(writes.client, store, writes.key)
        known = [store.jobs.get(job.uid) for job in jobs]
        return all(job is not None and not job.finished for job in known)

    async def _patch_status(self, cronjob: CronJob, status: Body) -> Body:
        """Returns the CronJob, which the caller puts into the store: not between the mark and the spec."""
        body = {"metadata": {"resourceVersion": cronjob.resource_version}, "status": status}
        client = self.writes.client
        return await client.patch(resources.CRONJOBS, cronjob.namespace, cronjob.name, body, "status")

    async def start_due(self, action: StartDue) -> JobRefused | None:
        """From the CronJob as it is on the cluster now, exactly as its controller would: the Job, then the status. If
        it is as it was, and due by the API server's clock."""
        cronjob, client = action.current, self.writes.client
        live = await client.look(resources.CRONJOBS, cronjob.namespace, cronjob.name)
        if live.body["metadata"]["resourceVersion"] != cronjob.resource_version:
            raise Conflict("the CronJob changed meanwhile")
        body = build.due_job(live.body, action.due)
        name = body["metadata"]["name"]
        if not action.due <= live.date <= action.due + cronjob.starting_deadline:
            return JobRefused(name, f"by the API server's clock it is {rfc3339(live.date)}")
        try:
            made = (await client.create(resources.JOBS, body)).body
        except AlreadyExists:
            return await self._started_by_another(name)
        except Refused as error:
            return JobRefused(name, str(error))
        self.writes.store.jobs.put(made, schedule=self.writes.key.schedule)
        # At once: until it knows, the controller tries the same again and again, in vain.
        await self._list(cronjob, [(name, made["metadata"]["uid"])], action.due)
        return None

    async def _started_by_another(self, name: str) -> JobRefused | None:
        """Whoever took the name has started it, if it is a Job of this schedule; what is to be written of it, a repair
        writes, when the controller has had its time."""
        key, jobs = self.writes.key, self.writes.store.jobs
        found = await self.writes.client.get(resources.JOBS, key.namespace, name)
        jobs.put(found, schedule=key.schedule)
        if any(job.uid == found["metadata"]["uid"] for job in jobs.of(key)):
            return None
        return JobRefused(name, f"a Job {name} exists that is another schedule's")


def _annotations(current: CronJob, effective_from: datetime | None) -> dict[str, str]:
    since = {names.ANNOTATION_EFFECTIVE_FROM: rfc3339(effective_from)} if effective_from else {}
    return since | {names.ANNOTATION_SPEC_GENERATION: str(current.generation + 1)}


def _job_reference(name: str, namespace: str, uid: str) -> Body:
    return {"apiVersion": "batch/v1", "kind": "Job", "name": name, "namespace": namespace, "uid": uid}
