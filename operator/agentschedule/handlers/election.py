"""Whether there is an election at all, and who stands in it."""

from __future__ import annotations

import logging
import uuid

from agentschedule.cluster.client import Client
from agentschedule.cluster.lease import Leases
from agentschedule.handlers.leader import Leader
from agentschedule.handlers.login import SERVICE_ACCOUNT, Connection
from agentschedule.plan.lease import Terms
from agentschedule.settings import Settings

logger = logging.getLogger(__name__)


def candidate(connection: Connection, settings: Settings) -> Leader | None:
    """This process, as it stands for election; none where it is the only one: by the settings, or outside a cluster."""
    if not settings.leader_election:
        return None
    namespace = settings.namespace or own_namespace(settings)
    if not namespace:
        logger.info("no leader election: outside of a cluster, AGENTSCHEDULE_NAMESPACE would say where the Lease is")
        return None
    # On a connection of its own: no work of ours is ever before it in the line.
    client = Client(connection.apart(), connection.server)
    # A container that begins again is another candidate, though its pod has the same name.
    me = f"{settings.pod_name}_{uuid.uuid4()}"
    return Leader(Leases(client, namespace, settings.lease_name), me, Terms(settings.lease_seconds))


def own_namespace(settings: Settings) -> str:
    """Of the pod that this is; empty outside of a cluster."""
    told = SERVICE_ACCOUNT / "namespace"
    return told.read_text().strip() if settings.service_host and told.exists() else ""
