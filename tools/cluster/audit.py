"""Who wrote what to the API, and used which right: for the tests that hold the operator to its budget of writes, and to
the rights that it needs.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from tools.cluster.base import Cluster, NotPossibleError

_READING = {"get", "list", "watch"}
_FORBIDDEN = {"authorization.k8s.io/decision": "forbid"}  # as the API server notes what RBAC refuses
_WRITING = {"POST", "PUT", "PATCH", "APPLY", "DELETE", "DELETECOLLECTION"}
_LABEL = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class Write:
    """One writing request, as the API server logged it."""

    at: datetime
    user: str
    user_agent: str
    verb: str  # create, update, patch, delete, deletecollection
    resource: str  # with its subresource: cronjobs/status
    namespace: str
    name: str
    code: int


def writes(cluster: Cluster, user: str, since: datetime | None = None) -> list[Write]:
    """The writes of one user (`service_account(…)`), oldest first; only where we may configure the API server."""
    found = [_write(event) for event in _events(cluster, user) if event["verb"] not in _READING]
    return [write for write in found if write.user == user and (since is None or write.at >= since)]


class Right(NamedTuple):
    """What a rule of a role grants."""

    group: str
    resource: str  # with its subresource
    verb: str


def rights(cluster: Cluster, user: str) -> tuple[set[Right], set[Right]]:
    """The rights that a user has used, and those that it asked for in vain; reads are logged of the operator only."""
    used, refused = set[Right](), set[Right]()
    for event in _events(cluster, user):
        if event.get("user", {}).get("username") == user and (target := event.get("objectRef")):
            resource = "/".join(filter(None, (target.get("resource"), target.get("subresource"))))
            forbidden = _FORBIDDEN.items() <= (event.get("annotations") or {}).items()
            (refused if forbidden else used).add(Right(target.get("apiGroup", ""), resource, event["verb"]))
    return used, refused


def _events(cluster: Cluster, user: str) -> list[dict[str, Any]]:
    if not cluster.audit_log:
        raise NotPossibleError(f"the {cluster.provider} cluster has no audit log of ours: use write_totals")
    with cluster.audit_log.open() as lines:
        return [json.loads(line) for line in lines if f'"{user}"' in line and line.endswith("\n")]


def service_account(namespace: str, name: str) -> str:
    """The user name that a ServiceAccount has for the API server."""
    return f"system:serviceaccount:{namespace}:{name}"


def write_totals(cluster: Cluster) -> Counter[tuple[str, str]]:
    """Writes since the API server's start by verb and resource, whoever made them; from any cluster's metrics."""
    totals: Counter[tuple[str, str]] = Counter()
    for line in cluster.kubectl("get", "--raw", "/metrics").splitlines():
        if not line.startswith("apiserver_request_total{"):
            continue
        labels = dict(_LABEL.findall(line))
        if labels["verb"] in _WRITING and not labels.get("dry_run"):
            resource = "/".join(filter(None, (labels["resource"], labels["subresource"])))
            totals[labels["verb"], resource] += int(float(line.rpartition(" ")[2]))
    return totals


def _write(event: dict[str, object]) -> Write:
    target, user, status = (event.get(key) or {} for key in ("objectRef", "user", "responseStatus"))
    assert isinstance(target, dict)
    assert isinstance(user, dict)
    assert isinstance(status, dict)
    return Write(
        at=datetime.fromisoformat(str(event["requestReceivedTimestamp"])),
        user=user.get("username", ""),
        user_agent=str(event.get("userAgent", "")),
        verb=str(event["verb"]),
        resource="/".join(filter(None, (target.get("resource"), target.get("subresource")))),
        namespace=target.get("namespace", ""),
        name=target.get("name", ""),
        code=status.get("code", 0),
    )
