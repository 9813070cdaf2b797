"""The operator's account, asked what it may do; nothing that it does is stored."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from agentschedule import names
from tests.fixtures import Api
from tests.world import Body
from tools.cluster import audit, chart

PATHS = {
    "CronJob": "apis/batch/v1/{}/cronjobs",
    "Job": "apis/batch/v1/{}/jobs",
    "Pod": "api/v1/{}/pods",
    "Lease": "apis/coordination.k8s.io/v1/{}/leases",
    "Event": "apis/events.k8s.io/v1/{}/events",
    names.RUN_KIND: f"apis/{names.API_VERSION}/{{}}/{names.RUN_PLURAL}",
    names.SCHEDULE_KIND: f"apis/{names.API_VERSION}/{{}}/{names.SCHEDULE_PLURAL}",
}


@dataclass(frozen=True)
class Account:
    """Each returns why the API server refuses, else nothing."""

    api: Api
    namespace: str

    def make(self, body: Body, namespace: str | None = None) -> str:
        if "regarding" in body:
            body = body | {"regarding": body["regarding"] | {"namespace": namespace or self.namespace}}
        return self._ask("POST", self._path(body["kind"], namespace), body)

    def patch(self, what: str, change: Body | list[Body], status: bool = False) -> str:
        """A merge patch, or a JSON patch where it is a list."""
        kind, name = what.split("/")
        kinds = ("json" if isinstance(change, list) else "merge") + "-patch+json"
        path = f"{self._path(kind)}/{name}{'/status' if status else ''}"
        return self._ask("PATCH", path, change, f"application/{kinds}")

    def delete(self, what: str) -> str:
        kind, name = what.split("/")
        return self._ask("DELETE", f"{self._path(kind)}/{name}", {"dryRun": ["All"]})

    def _path(self, kind: str, namespace: str | None = None) -> str:
        return PATHS[kind].format(f"namespaces/{namespace or self.namespace}")

    def _ask(self, method: str, path: str, body: Any, content: str = "application/json") -> str:
        client = self.api.client
        user = audit.service_account(chart.OPERATOR_NAMESPACE, chart.RELEASE)
        headers = {"Impersonate-User": user, "Content-Type": content}
        headers |= {"Authorization": next(iter(client.configuration.api_key.values()), "")}
        url = f"{client.configuration.host}/{path}?dryRun=All"
        reply = client.rest_client.pool_manager.request(method, url, body=json.dumps(body), headers=headers)
        said = json.loads(reply.data)
        return "" if reply.status < 300 else str(said["message"])


def by_policy(said: str) -> str:
    """The policy's own words, out of what the API server says."""
    assert "ValidatingAdmissionPolicy 'agentschedule-operator'" in said, said or "it was let through"
    return said
