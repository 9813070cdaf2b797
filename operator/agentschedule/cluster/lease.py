"""The Lease in the cluster: read, and written over what was read or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agentschedule.cluster import resources
from agentschedule.cluster.client import Client
from agentschedule.errors import NotFound
from agentschedule.plan.lease import Lease

Body = dict[str, Any]
DEFAULT_SECONDS = 10  # of a Lease that somebody made and that does not say


@dataclass(frozen=True)
class Leases:
    """One Lease. Its own writes pass no fence: who writes them holds it already, or takes it by them."""

    client: Client
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    async def read(self) -> Lease | None:
        """None if there is none. Raises ClusterError."""
        try:
            return lease(await self.client.get(resources.LEASES, self.namespace, self.name))
        except NotFound:
            return None

    async def write(self, wanted: Lease) -> Lease:
        """Write it over the version that it bears, or make it. Returns it as it is now. Raises Conflict, NotFound or
        AlreadyExists if it is not as it was seen, ClusterError for any other failure."""
        if not wanted.version:
            meta = {"name": self.name, "namespace": self.namespace}
            made = {"apiVersion": "coordination.k8s.io/v1", "kind": resources.LEASES.kind, "metadata": meta}
            return lease((await self.client.create(resources.LEASES, made | {"spec": spec(wanted)})).body)
        # A patch, so that what others have put on it stays: labels, and whom they would prefer.
        body = {"metadata": {"resourceVersion": wanted.version}, "spec": spec(wanted)}
        return lease(await self.client.patch(resources.LEASES, self.namespace, self.name, body))


def lease(body: Body) -> Lease:
    """What it says; what somebody left out is as if nobody held it."""
    said = body.get("spec") or {}
    return Lease(
        holder=said.get("holderIdentity") or "",
        seconds=said.get("leaseDurationSeconds") or DEFAULT_SECONDS,
        transitions=said.get("leaseTransitions") or 0,
        acquired=said.get("acquireTime") or "",
        renewed=said.get("renewTime") or "",
        version=body["metadata"]["resourceVersion"],
    )


def spec(wanted: Lease) -> Body:
    return {
        "holderIdentity": wanted.holder,
        "leaseDurationSeconds": wanted.seconds,
        "leaseTransitions": wanted.transitions,
        "acquireTime": wanted.acquired,
        "renewTime": wanted.renewed,
    }
