"""How a run at work is ended: by what the API server shows now, and not by what the watch once showed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from agentschedule import names
from agentschedule.cluster.apply import Applier
from agentschedule.cluster.client import Resource
from agentschedule.cluster.store import Key, Store
from agentschedule.errors import ClusterError, NotFound
from agentschedule.plan.actions import EndJob, LookAtPods, ReadLog, StopPod
from tests.unit.builders import NAME, NAMESPACE, a_job, a_pod, at

Body = dict[str, Any]
KEY = Key(NAMESPACE, NAME)
RUNNING = {"state": {"running": {"startedAt": "2026-03-02T07:30:02Z"}}}
READY = {"type": "Ready", "status": "True"}


def meta(name: str, kind: str = "job") -> Body:
    owner = {"uid": "uid-of-report-now", "controller": True}
    return {
        "name": name,
        "namespace": NAMESPACE,
        "uid": f"uid-of-{name}",
        "resourceVersion": "500",
        "creationTimestamp": "2026-03-02T07:30:00Z",
        "labels": {names.LABEL_SCHEDULE: NAME},
        "ownerReferences": [owner] if kind == "pod" else [],
        "annotations": {names.COMPLETION_INDEX: "0"} if kind == "pod" else {},
    }


def job_body(suspend: bool = False, **status: Any) -> Body:
    spec = {"suspend": suspend, "template": {"spec": {}}}
    return {"metadata": meta("report-now"), "spec": spec, "status": status}


def pod_body(phase: str, **agent: Any) -> Body:
    agent_status = [{"name": names.AGENT_CONTAINER, **agent}] if agent else []
    status = {"phase": phase, "containerStatuses": agent_status, "conditions": [READY]}
    return {"metadata": meta("report-now-0", "pod"), "spec": {}, "status": status}


@dataclass
class Server:
    """One Job and its pod, as they are; ``logs`` are its answers to who asks for the log."""

    job: Body | None = None
    pod: Body | None = None
    logs: list[str | Exception] = field(default_factory=list)
    patches: list[tuple[str, Body]] = field(default_factory=list)

    async def get(self, resource: Resource, _namespace: str, _name: str) -> Body:
        found = self.job if resource.plural == "jobs" else self.pod
        if found is None:
            raise NotFound("it is gone")
        return found

    async def list(self, resource: Resource, _namespace: str, _selector: str) -> tuple[list[Body], str]:
        assert resource.plural == "pods"
        return [self.pod] if self.pod else [], "600"

    async def patch(self, path: str, body: Body) -> Body:
        self.patches.append((path.rpartition("/")[2], body))
        return (self.pod if "/pods/" in path else self.job) or {}

    async def log(self, _namespace: str, _pod: str) -> str:
        said = self.logs.pop(0)
        if isinstance(said, Exception):
            raise said
        return said


def do(server: Server, action: Any) -> Any:
    return asyncio.run(Applier(server, Store(), KEY).apply(action))  # type: ignore[arg-type]


def end(server: Server) -> list[tuple[str, Body]]:
    do(server, EndJob(a_job(), "Cancelled", "The run was cancelled.", at("07:40:00")))
    return server.patches


def test_a_job_is_ended_with_our_words_beside_the_conditions_that_it_has() -> None:
    suspended = {"type": "Suspended", "status": "False"}
    server = Server(job_body(conditions=[suspended], startTime="2026-03-02T07:30:00Z"), pod_body("Failed"))
    ((path, body),) = end(server)
    assert (path, body["metadata"]) == ("status", {"resourceVersion": "500"})
    kept, ours = body["status"]["conditions"]
    assert kept == suspended
    assert (ours["type"], ours["status"], ours["reason"], ours["message"]) == (
        "FailureTarget",
        "True",
        "Cancelled",
        "The run was cancelled.",
    )
    assert "startTime" not in body["status"]


def test_a_held_job_must_say_when_it_began_to_end() -> None:
    ((_, body),) = end(Server(job_body(suspend=True)))
    assert body["status"]["startTime"] == "2026-03-02T07:40:00Z"


@pytest.mark.parametrize(
    "pod",
    [
        pytest.param(pod_body("Running", **RUNNING), id="it runs"),
        pytest.param(
            pod_body("Succeeded", state={"terminated": {"exitCode": 0, "startedAt": "2026-03-02T07:30:02Z"}}),
            id="it has succeeded",
        ),
    ],
)
def test_a_job_is_not_ended_over_an_agent_that_the_watch_did_not_show(pod: Body) -> None:
    assert end(Server(job_body(), pod)) == []


@pytest.mark.parametrize(
    "job",
    [
        pytest.param(None, id="gone"),
        pytest.param(job_body(conditions=[{"type": "Complete", "status": "True"}]), id="complete"),
    ],
)
def test_what_is_over_is_not_ended(job: Body | None) -> None:
    assert end(Server(job)) == []


def test_an_agent_is_stopped_after_it_is_sure_that_none_follows() -> None:
    server = Server(pod=pod_body("Running", **RUNNING))
    do(server, StopPod(a_pod(), "Cancelled", "The run was cancelled.", at("07:40:00")))
    (first, marked), (second, limited) = server.patches
    assert (first, second) == ("status", "report-now-0")
    assert [c["type"] for c in marked["status"]["conditions"]] == ["Ready", names.NO_RETRY]
    assert limited == {"spec": {"activeDeadlineSeconds": 1}}


def test_an_agent_that_has_ended_meanwhile_is_left_alone() -> None:
    server = Server(pod=pod_body("Succeeded"))
    do(server, StopPod(a_pod(), "Cancelled", "The run was cancelled.", at("07:40:00")))
    assert server.patches == []


def test_a_look_at_the_pods_shows_what_the_watch_did_not() -> None:
    server, store = Server(pod=pod_body("Succeeded")), Store()
    answer = asyncio.run(Applier(server, store, KEY).apply(LookAtPods(a_job())))  # type: ignore[arg-type]
    assert answer is not None
    assert answer.about == "uid-of-report-now"
    assert [pod.phase for pod in store.pods.of(KEY)] == ["Succeeded"]


@pytest.mark.parametrize(
    ("logs", "text"),
    [
        pytest.param(["fine"], "fine", id="at once"),
        pytest.param([ClusterError("kubelet"), "fine"], "fine", id="a kubelet that is away for a moment"),
        pytest.param([ClusterError("kubelet")] * 3, "", id="a kubelet that stays away"),
        pytest.param([NotFound("no pod")], "", id="a pod that is gone"),
    ],
)
def test_a_log_is_read_or_there_is_none(
    logs: list[str | Exception], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentschedule.cluster.ask.LOG_PAUSE_SECONDS", 0)
    answer = do(Server(logs=logs), ReadLog(a_pod()))
    assert answer.message == text
