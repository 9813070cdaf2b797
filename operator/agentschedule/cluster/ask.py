"""Questions that a plan asks of the cluster: events, logs, pods, the namespace. Nothing is written."""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass
from typing import Any

from agentschedule import names
from agentschedule.api.base import rfc3339
from agentschedule.cluster import observe, resources
from agentschedule.cluster.client import Client
from agentschedule.cluster.store import Key, Store
from agentschedule.errors import ClusterError, NotFound, Refused
from agentschedule.plan.actions import AskNamespace, AskWhyMissed, AskWhyWaiting, LookAtPods, ReadLog
from agentschedule.plan.answers import LogTail, MissReason, NamespaceState, PodsListed, WaitingReason

logger = logging.getLogger(__name__)
Body = dict[str, Any]
LOG_PAUSE_SECONDS = 1.0
MAX_REASON, MAX_WORDS = 128, 1024  # of an event, in characters
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
        since, newest = rfc3339(action.due), ("", "")
        async for page in self.client.list(resources.CORE_EVENTS, self.key.namespace, fields=fields):
            newest = max([newest, *((_when(e), _words(e)) for e in page.items if _when(e) >= since)])
        return MissReason(action.current.uid, newest[1])

    async def why_waiting(self, action: AskWhyWaiting) -> WaitingReason:
        """The newest warning about a Job or pod. Anybody may post events, also without a reason or words."""
        fields = f"involvedObject.uid={action.uid},type=Warning"
        newest = ("", "")
        async for page in self.client.list(resources.CORE_EVENTS, self.key.namespace, fields=fields):
            telling = (event for event in page.items if event.get("reason") and event.get("message"))
            said = ((_when(e), f"{e['reason'][:MAX_REASON]}: {_RANDOM_NAME.sub('', _words(e))}") for e in telling)
            newest = max([*said, newest], key=lambda at_and_words: at_and_words[0])
        return WaitingReason(action.uid, newest[1])

    async def log(self, action: ReadLog) -> LogTail:
        """The end of the agent's log; empty if there is none to be had, and never an error."""
        pod = action.pod
        for last_try in (False, False, True):
            try:
                return LogTail(pod.uid, await self.client.log(resources.PODS, pod.namespace, pod.name))
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


def _when(event: Body) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")


def _words(event: Body) -> str:
    """What it says, as far as a status repeats it: of the core kind, the API does not limit the length."""
    return str(event.get("message") or "")[:MAX_WORDS]
