"""Writes about pods: one attempt is stopped."""

from __future__ import annotations

from dataclasses import dataclass

from agentschedule import names
from agentschedule.cluster import parse
from agentschedule.cluster.write import Writes, condition
from agentschedule.plan.actions import AT_ONCE, StopPod


@dataclass(frozen=True)
class PodWriter:
    writes: Writes

    async def stop(self, action: StopPod) -> None:
        """First that no attempt follows, then its deadline: SIGTERM, its grace period, and the pod stays. Raises
        Conflict if somebody wrote the pod meanwhile, ClusterError for what a retry may mend."""
        pods = self.writes.store.pods
        live = await self.writes.live(pods, action.pod)
        if live and not parse.pod(live).ended:
            await self.writes.add_condition(pods, live, condition(names.NO_RETRY, action), {})
            await self.writes.patch(pods, action.pod.name, {"spec": {"activeDeadlineSeconds": AT_ONCE}})
