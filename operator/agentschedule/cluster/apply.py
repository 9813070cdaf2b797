"""Carries out what a plan asks for; the only place that writes. Called by ``handlers``.

Each write's answer goes into the store at once, so that the next plan sees it. What the API refuses because of what
the user wrote comes back as an ``Answer``, which is data; anything else is a ``ClusterError``, to be retried.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from agentschedule import names
from agentschedule.api.base import ObjectMeta, rfc3339
from agentschedule.cluster import resources
from agentschedule.cluster.client import Client
from agentschedule.cluster.steer import Steering
from agentschedule.cluster.store import Table
from agentschedule.errors import AlreadyExists, Conflict, NotFound, Refused
from agentschedule.plan import actions
from agentschedule.plan.answers import (
    Answer,
    CronJobRefused,
    JobNameTaken,
    JobRefused,
    MissReason,
    RunNameTaken,
    RunRefused,
)
from agentschedule.plan.objects import build
from agentschedule.plan.observed import CronJob

Body = dict[str, Any]


class Applier(Steering):
    """Writes for one schedule."""

    async def apply(self, action: actions.Action) -> Answer | None:
        """Do one action. Returns what the API has against it, if that is the user's to mend."""
        return await _DO[type(action)](self, action)

    async def _create_cronjob(self, action: actions.CreateCronJob) -> Answer | None:
        try:
            await self._create(self.store.cronjobs, action.body)
        except Refused as error:
            return CronJobRefused(action.body["metadata"]["name"], str(error))
        return None

    async def _create_job(self, action: actions.CreateJob) -> Answer | None:
        """A Job of that name without our label is never in the store, which mirrors what the watch shows."""
        meta = action.body["metadata"]
        try:
            self.store.jobs.put((await self.client.create(resources.JOBS, action.body)).body)
        except Refused as error:
            return JobRefused(meta["name"], str(error))
        except AlreadyExists as error:
            there = await self.client.get(resources.JOBS, meta["namespace"], meta["name"])
            if (there["metadata"].get("labels") or {}).get(names.LABEL_SCHEDULE) != self.key.schedule:
                return JobNameTaken(meta["name"], str(error))
            self.store.jobs.put(there)
        return None

    async def _create_run(self, action: actions.CreateRun) -> Answer | None:
        meta = action.body["metadata"]
        try:
            body = (await self.client.create(resources.RUNS, action.body)).body
        except Refused as error:
            return RunRefused(meta["name"], str(error))
        except AlreadyExists as error:
            body = await self.client.get(resources.RUNS, meta["namespace"], meta["name"])
            if body["spec"]["scheduleName"] != self.key.schedule:
                return RunNameTaken(meta["name"], str(error))
        self.store.runs.put(body)
        if self.store.runs.holds(body["metadata"]["uid"]):
            return None
        return RunRefused(meta["name"], f"a ScheduleRun {meta['name']} exists that cannot be read; delete it")

    async def _create(self, table: Table[Any], body: Body) -> str:
        """Create; if the name is taken, look who has it: the next plan decides. Returns the uid of who has it."""
        meta = body["metadata"]
        try:
            created = (await self.client.create(table.resource, body)).body
        except AlreadyExists:
            created = await self.client.get(table.resource, meta["namespace"], meta["name"])
        table.put(created, schedule=self.key.schedule)
        return str(created["metadata"]["uid"])

    async def _update_cronjob(self, action: actions.UpdateCronJob) -> Answer | None:
        """A dry run asks the API's opinion, and the time; then the mark, then the spec: the controller sees both."""
        current, body = action.current, action.body
        meta: Body = body["metadata"] | {"resourceVersion": current.resource_version}
        meta["finalizers"] = list(current.finalizers)
        meta["annotations"] = meta["annotations"] | _annotations(current, current.in_force_since)
        try:
            asked = await self.client.replace(resources.CRONJOBS, body | {"metadata": meta}, dry_run=True)
        except Refused as error:
            return CronJobRefused(action.body["metadata"]["name"], str(error))
        if action.before and asked.date >= action.before:
            raise Conflict("a due time came near meanwhile")
        if action.mark:
            since = max(asked.date, action.not_before or asked.date)
            marked = await self._patch_status(current, {"lastScheduleTime": rfc3339(_mark(current, since, asked.date))})
            meta["resourceVersion"] = marked["metadata"]["resourceVersion"]
            meta["annotations"] = meta["annotations"] | _annotations(current, since)
        written = (await self.client.replace(resources.CRONJOBS, body | {"metadata": meta})).body
        self.store.cronjobs.put(await self._settle_generation(written))
        return None

    async def _settle_generation(self, written: Body) -> Body:
        """The annotation foretells the generation; where the API found nothing to change, say what it is."""
        meta = written["metadata"]
        if meta["annotations"].get(names.ANNOTATION_SPEC_GENERATION) == str(meta["generation"]):
            return written
        path = resources.CRONJOBS.path(meta["namespace"], meta["name"])
        told = {names.ANNOTATION_SPEC_GENERATION: str(meta["generation"])}
        return await self.client.patch(
            path, {"metadata": {"resourceVersion": meta["resourceVersion"], "annotations": told}}
        )

    async def _repair(self, action: actions.RepairCronJob) -> None:
        listed = [(ref.name, ref.uid) for ref in action.current.active] + [(job.name, job.uid) for job in action.add]
        status: Body = {"active": [_job_reference(name, self.key.namespace, uid) for name, uid in listed]}
        if action.last_schedule_time:
            status["lastScheduleTime"] = rfc3339(action.last_schedule_time)
        self.store.cronjobs.put(await self._patch_status(action.current, status))

    async def _patch_status(self, cronjob: CronJob, status: Body) -> Body:
        path = resources.CRONJOBS.path(cronjob.namespace, cronjob.name, "status")
        body = {"metadata": {"resourceVersion": cronjob.resource_version}, "status": status}
        return await self.client.patch(path, body)

    async def _start_due(self, action: actions.StartDue) -> Answer | None:
        """From the CronJob as it is on the cluster now, exactly as its controller would; if it is as it was."""
        cronjob = action.current
        live = await self.client.get(resources.CRONJOBS, cronjob.namespace, cronjob.name)
        if live["metadata"]["resourceVersion"] != cronjob.resource_version:
            raise Conflict("the CronJob changed meanwhile")
        body = build.due_job(live, action.due)
        try:
            uid = await self._create(self.store.jobs, body)
        except Refused as error:
            return JobRefused(body["metadata"]["name"], str(error))
        if any(job.uid == uid for job in self.store.jobs.of(self.key)):
            return None
        return JobRefused(
            body["metadata"]["name"], f"a Job {body['metadata']['name']} exists that is another schedule's"
        )

    async def _ask_why_missed(self, action: actions.AskWhyMissed) -> Answer:
        """The newest refusal that the controller met since the due time; without words if there is none."""
        fields = f"involvedObject.uid={action.current.uid},reason={names.FAILED_CREATE}"
        events, _ = await self.client.list(resources.CORE_EVENTS, self.key.namespace, fields=fields)
        since = rfc3339(action.due)
        found = sorted((e.get("lastTimestamp") or e.get("eventTime") or "", e.get("message") or "") for e in events)
        return MissReason(action.current.uid, next((text for at, text in reversed(found) if at >= since), ""))

    async def _claim(self, action: actions.ClaimRun) -> None:
        meta = action.run.metadata
        owners = [ref.wire() for ref in meta.owner_references]
        claim = {
            "resourceVersion": meta.resource_version,
            "ownerReferences": [*owners, action.owner],
            "labels": action.labels,
            # Whose Job it records is ours to say: a copied record is a new run.
            "annotations": {names.ANNOTATION_JOB_UID: None},
        }
        path = resources.RUNS.path(meta.namespace, meta.name)
        self.store.runs.put(await self.client.patch(path, {"metadata": claim}))

    async def _cancel_run(self, action: actions.CancelRun) -> None:
        meta = action.run.metadata
        by = {"resourceVersion": meta.resource_version, "annotations": {names.ANNOTATION_REPLACED_BY: action.by}}
        path = resources.RUNS.path(meta.namespace, meta.name)
        self.store.runs.put(await self.client.patch(path, {"metadata": by, "spec": {"cancel": True}}))

    async def _delete_job(self, action: actions.DeleteJob) -> None:
        await self._delete(self.store.jobs, action.job.name, action.job.uid)

    async def _delete_run(self, action: actions.DeleteRun) -> None:
        await self._delete(self.store.runs, action.run.metadata.name, action.run.metadata.uid)

    async def _delete(self, table: Table[Any], name: str, uid: str) -> None:
        try:
            answer = await self.client.delete(table.resource, self.key.namespace, name, uid)
        except NotFound:
            answer = {}
        if answer.get("kind", "Status") == "Status":
            table.drop(uid)
        else:  # it goes once its finalizers are done
            table.put(answer)


_DO: dict[type[actions.Action], Callable[[Applier, Any], Awaitable[Answer | None]]] = {
    actions.CreateCronJob: Applier._create_cronjob,
    actions.UpdateCronJob: Applier._update_cronjob,
    actions.RepairCronJob: Applier._repair,
    actions.StartDue: Applier._start_due,
    actions.AskWhyMissed: Applier._ask_why_missed,
    actions.CreateRun: Applier._create_run,
    actions.ClaimRun: Applier._claim,
    actions.CreateJob: Applier._create_job,
    actions.CancelRun: Applier._cancel_run,
    actions.ReleaseJob: Applier.release,
    actions.HoldJob: Applier.hold,
    actions.ResumeJob: Applier.resume,
    actions.EndJob: Applier.end_job,
    actions.StopPod: Applier.stop_pod,
    actions.ReadLog: Applier.read_log,
    actions.AskWhyWaiting: Applier.ask_why_waiting,
    actions.LookAtPods: Applier.look_at_pods,
    actions.AskNamespace: Applier.ask_namespace,
    actions.DeleteJob: Applier._delete_job,
    actions.DeleteRun: Applier._delete_run,
}


def _mark(current: CronJob, since: datetime, now: datetime) -> datetime:
    """Where lastScheduleTime goes: never back behind a run, but a mark that lay ahead makes way for the new one."""
    last = current.last_schedule_time
    return max(since, last) if last and last <= now else since


def _annotations(current: CronJob, effective_from: datetime | None) -> dict[str, str]:
    since = {names.ANNOTATION_EFFECTIVE_FROM: rfc3339(effective_from)} if effective_from else {}
    return since | {names.ANNOTATION_SPEC_GENERATION: str(current.generation + 1)}


def _job_reference(name: str, namespace: str, uid: str) -> Body:
    return {"apiVersion": "batch/v1", "kind": "Job", "name": name, "namespace": namespace, "uid": uid}


async def write_status(client: Client, table: Table[Any], meta: ObjectMeta, old: Body, new: Body) -> bool:
    """Write what differs between two whole statuses, unless someone else wrote in between. False: nothing differs."""
    changes = merge_patch(old, new)
    if not changes:
        return False
    path = table.resource.path(meta.namespace, meta.name, "status")
    body = {"metadata": {"resourceVersion": meta.resource_version}, "status": changes}
    table.put(await client.patch(path, body))
    return True


def merge_patch(old: Body, new: Body) -> Body:
    """The JSON merge patch (RFC 7386) from one object to another; what is gone becomes null."""
    patch: Body = dict.fromkeys(old.keys() - new.keys())
    for field, value in new.items():
        before = old.get(field)
        if isinstance(value, dict) and isinstance(before, dict):
            if inner := merge_patch(before, value):
                patch[field] = inner
        elif value != before:
            patch[field] = value
    return patch
