"""Who writes to the cluster: each with a token of his own, in raw requests, so that nothing sanitises what he sends."""

from __future__ import annotations

import base64
import json
import ssl
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import quote

import urllib3
import yaml

from agentschedule import names
from agentschedule.cluster.reader import shallow

Body = dict[str, Any]
SCHEDULES, RUNS, CRONJOBS, JOBS, PODS = names.SCHEDULE_PLURAL, names.RUN_PLURAL, "cronjobs", "jobs", "pods"
PREFIXES = {
    SCHEDULES: f"/apis/{names.API_VERSION}",
    RUNS: f"/apis/{names.API_VERSION}",
    CRONJOBS: "/apis/batch/v1",
    JOBS: "/apis/batch/v1",
    PODS: "/api/v1",
}
MERGE = "application/merge-patch+json"


class Who(StrEnum):
    """The accounts of the hostile tenant, from the least rights to the most."""

    STARTER = "starter"  # may create ScheduleRuns, and nothing else
    EDITOR = "editor"  # has the chart's role edit
    ADMIN = "administrator"  # has Kubernetes' own role admin: CronJobs, Jobs and pods as well
    CONTROLLER = "controller"  # that, and statuses: as what a tenant installs to manage his own Jobs


@dataclass(frozen=True)
class Answer:
    """What the API server said."""

    status: int
    body: Body

    @property
    def refused(self) -> bool:
        return self.status >= 400

    @property
    def words(self) -> str:
        return f"{self.status}: {self.body.get('message', '')}"


@dataclass(frozen=True)
class Write:
    """One request. ``body`` may be bytes, where no JSON library would write such a thing."""

    method: str
    plural: str
    name: str = ""
    body: Body | bytes = b""
    subresource: str = ""
    namespace: str = ""  # the tenant's own unless it says otherwise


def create(plural: str, body: Body | bytes, namespace: str = "") -> Write:
    return Write("POST", plural, body=body, namespace=namespace)


def patch(plural: str, name: str, body: Body | bytes, subresource: str = "", namespace: str = "") -> Write:
    return Write("PATCH", plural, name, body, subresource, namespace)


def delete(plural: str, name: str, namespace: str = "") -> Write:
    return Write("DELETE", plural, name, {"propagationPolicy": "Background"}, namespace=namespace)


@dataclass(frozen=True)
class Account:
    """One user of the API, at home in one namespace."""

    server: str
    token: str = field(repr=False)
    namespace: str
    pool: urllib3.PoolManager = field(repr=False)

    @classmethod
    def of_admin(cls, kubeconfig: Path, namespace: str) -> Account:
        """Who may do anything."""
        config = yaml.safe_load(kubeconfig.read_text())
        cluster = config["clusters"][0]["cluster"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        pool = urllib3.PoolManager(maxsize=20, ssl_context=ssl.create_default_context(cadata=authority))
        return cls(cluster["server"], config["users"][0]["user"]["token"], namespace, pool)

    def login(self, namespace: str, name: str) -> Account:
        """As a ServiceAccount, which this account may speak for."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        answer = self.request("POST", path, b'{"spec":{"expirationSeconds":3600}}')
        assert not answer.refused, answer.words
        return replace(self, token=answer.body["status"]["token"], namespace=namespace)

    def send(self, write: Write) -> Answer:
        """Send it as it is."""
        path = self._path(write.plural, write.name, write.subresource, write.namespace or self.namespace)
        body = write.body if isinstance(write.body, bytes) else json.dumps(write.body).encode()
        return self.request(write.method, path, body, MERGE if write.method == "PATCH" else "application/json")

    def get(self, plural: str, name: str = "", query: str = "", namespace: str = "") -> Body:
        """An object, or a list of all that ``query`` selects; empty if there is none."""
        answer = self.request("GET", self._path(plural, name, "", namespace or self.namespace) + query)
        return {} if answer.refused else answer.body

    def _path(self, plural: str, name: str, subresource: str, namespace: str) -> str:
        parts = ["namespaces", namespace, plural, quote(name, safe=""), subresource]
        return "/".join([PREFIXES[plural], *(part for part in parts if part)])

    def request(self, method: str, path: str, body: bytes | None = None, kind: str = "application/json") -> Answer:
        """Any request."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": kind}
        answer = self.pool.request(method, self.server + path, body=body, headers=headers, retries=False, timeout=30)
        return Answer(answer.status, _read(answer.data))


def _read(raw: bytes) -> Body:
    """An object; of one that is nested too deep for Python what it reads."""
    try:
        found: Body = json.loads(raw)
    except RecursionError:
        return _read(shallow(raw))
    except ValueError:
        return {"message": raw[:500].decode(errors="replace")}
    return found
