"""What is done to Jobs and pods that are there: let go, held, ended, stopped; and what is asked about them. The half of
``cluster.apply`` that is about runs at work.
"""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass
from typing import Any

from agentschedule import names
from agentschedule.api.base import rfc3339
from agentschedule.cluster import observe, parse, resources
from agentschedule.cluster.client import Client
from agentschedule.cluster.store import Key, Store, Table
from agentschedule.errors import ClusterError, NotFound, Refused
from agentschedule.plan import actions
from agentschedule.plan.answers import LogTail, NamespaceState, PodsListed, WaitingReason
from agentschedule.plan.observed import Job, Pod

logger = logging.getLogger(__name__)
Body = dict[str, Any]
LOG_PAUSE_SECONDS = 1.0
# Each try of the Job controller to make a pod has a name of its own, and says it.
_RANDOM_NAME = re.compile(r'^Error creating: (pods "[^"]*" is forbidden: )?')


@dataclass(frozen=True)
class Steering:
    """Writes for one schedule's Jobs and pods. What is gone meanwhile needs no more steering."""

    client: Client
    store: Store
    key: Key

    async def release(self, action: actions.ReleaseJob) -> None:
        await self._patch_job(action.job, {"ownerReferences": list(action.owners)}, suspend=False)

    async def hold(self, action: actions.HoldJob) -> None:
        """With the resourceVersion that was judged: since then no pod has been made."""
        until = {names.ANNOTATION_HELD_UNTIL: rfc3339(action.until)}
        await self._patch_job(action.job, {"annotations": until}, suspend=True)

    async def resume(self, action: actions.ResumeJob) -> None:
        await self._patch_job(action.job, {"annotations": {names.ANNOTATION_HELD_UNTIL: None}}, suspend=False)

    async def _patch_job(self, job: Job, metadata: Body, suspend: bool) -> None:
        meta = {"resourceVersion": job.resource_version} | metadata
        body = {"metadata": meta, "spec": {"suspend": suspend}}
        self.store.jobs.put(await self.client.patch(resources.JOBS.path(job.namespace, job.name), body))

    async def end_job(self, action: actions.EndJob) -> None:
        """The condition FailureTarget: the Job controller adds Failed, with the same words."""
        await observe.refresh_pods(self.client, self.store, self.key)
        if any(_counts(pod) for pod in self.store.observed(self.key).pods_of(action.job)):
            return  # the watch was behind: an agent at work would be killed, a success called a failure
        condition = _condition(names.FAILURE_TARGET, action)
        live = await self._live(self.store.jobs, action.job)
        if live and not parse.job(live).finished:
            # The controller refuses to end a suspended Job that does not say when it began.
            began = {} if live["status"].get("startTime") else {"startTime": rfc3339(action.now)}
            await self._add_condition(self.store.jobs, live, condition, began)

    async def stop_pod(self, action: actions.StopPod) -> None:
        """First that no attempt follows, then its deadline: SIGTERM, its grace period, and the pod stays."""
        pods, pod = self.store.pods, action.pod
        live = await self._live(pods, pod)
        if live and not parse.pod(live).ended:
            await self._add_condition(pods, live, _condition(names.NO_RETRY, action), {})
            body = {"spec": {"activeDeadlineSeconds": actions.AT_ONCE}}
            pods.put(await self.client.patch(pods.resource.path(pod.namespace, pod.name), body))

    async def _live(self, table: Table[Any], item: Job | Pod) -> Body | None:
        """The object as it is now; what is gone needs no steering."""
        try:
            live = await self.client.get(table.resource, item.namespace, item.name)
        except NotFound:
            live = None
        if live is None or live["metadata"]["uid"] != item.uid:
            table.drop(item.uid)
            return None
        table.put(live)
        return live

    async def _add_condition(self, table: Table[Any], live: Body, condition: Body, more: Body) -> None:
        """A merge patch replaces lists: ours goes among the others, or nothing does."""
        meta, others = live["metadata"], live["status"].get("conditions") or []
        others = [other for other in others if other["type"] != condition["type"]]
        status = {"conditions": [*others, condition]} | more
        path = table.resource.path(meta["namespace"], meta["name"], "status")
        body = {"metadata": {"resourceVersion": meta["resourceVersion"]}, "status": status}
        table.put(await self.client.patch(path, body))

    async def look_at_pods(self, action: actions.LookAtPods) -> PodsListed:
        await observe.refresh_pods(self.client, self.store, self.key)
        return PodsListed(action.job.uid)

    async def read_log(self, action: actions.ReadLog) -> LogTail:
        """The end of the agent's log; empty if there is none to be had."""
        pod = action.pod
        for last_try in (False, False, True):
            try:
                return LogTail(pod.uid, await self.client.log(pod.namespace, pod.name))
            except (NotFound, Refused):
                break
            except ClusterError as error:
                # A kubelet that does not answer for a moment must not cost a run its result.
                logger.warning("log of pod %s/%s: %s", pod.namespace, pod.name, error)
            await asyncio.sleep(0 if last_try else LOG_PAUSE_SECONDS)
        return LogTail(pod.uid, "")

    async def ask_why_waiting(self, action: actions.AskWhyWaiting) -> WaitingReason:
        """The newest warning about a Job or pod. Anybody may post events, also without a reason or words."""
        fields = f"involvedObject.uid={action.uid},type=Warning"
        events, _ = await self.client.list(resources.CORE_EVENTS, self.key.namespace, fields=fields)
        telling = (event for event in events if event.get("reason") and event.get("message"))
        said = max(telling, key=lambda e: e.get("lastTimestamp") or e.get("eventTime") or "", default=None)
        why = f"{said['reason']}: {_RANDOM_NAME.sub('', said['message'])}" if said else ""
        return WaitingReason(action.uid, why)

    async def ask_namespace(self, action: actions.AskNamespace) -> NamespaceState:
        namespace = await self.client.get(resources.NAMESPACES, None, action.name)
        return NamespaceState(action.name, "deletionTimestamp" in namespace["metadata"])


def _counts(pod: Pod) -> bool:
    """True for a pod whose agent runs, or has succeeded."""
    return bool(pod.started_at) and not pod.failed


def _condition(kind: str, action: actions.EndJob | actions.StopPod) -> Body:
    now = rfc3339(action.now)
    times = {"lastTransitionTime": now, "lastProbeTime": now}
    return {"type": kind, "status": "True", "reason": action.reason, "message": action.message} | times
