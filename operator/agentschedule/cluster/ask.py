"""Questions that a plan asks of the cluster: events, logs, pods, the namespace. Nothing is written."""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass

from agentschedule import names
from agentschedule.api.base import rfc3339
from agentschedule.cluster import observe, resources
from agentschedule.cluster.client import Client
from agentschedule.cluster.store import Key, Store
from agentschedule.errors import ClusterError, NotFound, Refused
from agentschedule.plan.actions import AskNamespace, AskWhyMissed, AskWhyWaiting, LookAtPods, ReadLog
from agentschedule.plan.answers import LogTail, MissReason, NamespaceState, PodsListed, WaitingReason

logger = logging.getLogger(__name__)
LOG_PAUSE_SECONDS = 1.0
# Each try of the Job controller to make a pod has a name of its own, and its event repeats it.
_RANDOM_NAME = re.compile(r'^Error creating: (pods "[^"]*" is forbidden: )?')


@dataclass(frozen=True)
class Questions:
    """About one schedule. Each raises ClusterError if the API server does not answer."""

    client: Client
    store: Store
    key: Key

    async def why_missed(self, action: AskWhyMissed) -> MissReason:
        """The newest refusal that the controller met since the due time; without words if there is none."""
        fields = f"involvedObject.uid={action.current.uid},reason={names.FAILED_CREATE}"
        events, _ = await self.client.list(resources.CORE_EVENTS, self.key.namespace, fields=fields)
        since = rfc3339(action.due)
        found = sorted((e.get("lastTimestamp") or e.get("eventTime") or "", e.get("message") or "") for e in events)
        return MissReason(action.current.uid, next((text for at, text in reversed(found) if at >= since), ""))

    async def why_waiting(self, action: AskWhyWaiting) -> WaitingReason:
        """The newest warning about a Job or pod. Anybody may post events, also without a reason or words."""
        fields = f"involvedObject.uid={action.uid},type=Warning"
        events, _ = await self.client.list(resources.CORE_EVENTS, self.key.namespace, fields=fields)
        telling = (event for event in events if event.get("reason") and event.get("message"))
        newest = max(telling, key=lambda e: e.get("lastTimestamp") or e.get("eventTime") or "", default=None)
        why = f"{newest['reason']}: {_RANDOM_NAME.sub('', newest['message'])}" if newest else ""
        return WaitingReason(action.uid, why)

    async def log(self, action: ReadLog) -> LogTail:
        """The end of the agent's log; empty if there is none to be had, and never an error."""
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

    async def pods(self, action: LookAtPods) -> PodsListed:
        await observe.refresh_pods(self.client, self.store, self.key)
        return PodsListed(action.job.uid)

    async def namespace(self, action: AskNamespace) -> NamespaceState:
        namespace = await self.client.get(resources.NAMESPACES, None, action.name)
        return NamespaceState(action.name, "deletionTimestamp" in namespace["metadata"])
