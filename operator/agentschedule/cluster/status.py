"""Statuses of schedules and runs: one merge patch of what differs, and none when nothing does."""

from __future__ import annotations

from typing import Any

from agentschedule.api.base import ObjectMeta
from agentschedule.cluster.client import Client
from agentschedule.cluster.store import Table

Body = dict[str, Any]


async def write_status(client: Client, table: Table[Any], meta: ObjectMeta, old: Body, new: Body) -> Body | None:
    """Write what differs between two whole statuses. Returns the object; None: nothing differs. Raises Conflict if
    someone else wrote in between, ClusterError for any other failure."""
    changes = merge_patch(old, new)
    if not changes:
        return None
    body = {"metadata": {"resourceVersion": meta.resource_version}, "status": changes}
    return await client.patch(table.resource, meta.namespace, meta.name, body, "status")


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
