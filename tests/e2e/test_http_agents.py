"""Agents behind HTTP, called from pods: a small server in the cluster plays the agent, and says what it was asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.agents import ended, log, seen, trigger
from tests.fixtures import node_group
from tests.world import Body, World, agent_schedule, wait_for
from tools.cluster.paths import IMAGE

pytestmark = node_group("runs")

SERVER = (Path(__file__).parent / "agent_server.py").read_text()
TOKEN = "t0p-s3cret"
AUTH = [{"name": "Authorization", "prefix": "Bearer ", "secretKeyRef": {"name": "agent", "key": "token"}}]
SLOW = {"poll": {"url": "/slow/$(RUN_ID)", "intervalSeconds": 1}, "cancelUrl": "/slow/$(RUN_ID)/cancel"}


@pytest.fixture(scope="module")
def server(shared: World) -> str:
    """The server's address."""
    container = {
        "name": "server",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-c", SERVER],
    }
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "agent"}, "stringData": {"token": TOKEN}}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "server"}, "spec": {"containers": [container]}}
    shared.apply(secret, pod)
    shared.kubectl("wait", "pod/server", "--for=condition=Ready", "--timeout=60s")
    return f"http://{shared.api.core.read_namespaced_pod('server', shared.namespace).status.pod_ip}:8000"


@pytest.fixture(scope="module")
def runs(shared: World, server: str) -> Callable[[str], str]:
    """Each schedule's run, by the schedule's name."""
    schedules: dict[str, Body] = {
        "echo": {"message": "Costs $5.", "session": {"mode": "Fixed", "id": "board"}},
        "leak": {},
        "broken": {"retry": {"limit": 1}},
        "slow": {"more": SLOW},
        "late": {"more": SLOW, "path": "slow", "timeoutSeconds": 20},
    }
    for name, spec in schedules.items():
        http = {"url": f"{server}/{spec.pop('path', name)}", "headersFrom": AUTH} | spec.pop("more", {})
        body = agent_schedule(name, **spec)
        body["spec"]["agent"] = {"http": http, "imagePullPolicy": "IfNotPresent"}
        shared.apply(body)
    seen(shared, *schedules)
    started = {name: trigger(shared, name)["run"] for name in schedules}
    return lambda name: started[name]


def asked(world: World, run: Body) -> list[Body]:
    """What the server was asked by a run, all its attempts together."""
    lines = [json.loads(line) for line in world.kubectl("logs", "server").splitlines()]
    return [request for request in lines if request["key"] == run["status"]["jobUID"]]


def test_an_answer_makes_the_record(shared: World, runs: Callable[[str], str]) -> None:
    run = ended(shared, runs("echo"))
    status = run["status"]
    assert (status["phase"], status["statusCode"]) == ("Succeeded", 200)
    assert status["output"]["content"] == "You said: Costs $5."
    assert (status["agentRunID"], status["sessionID"]) == ("r-1", "board")
    assert status["usage"] == {"inputTokens": 3, "costUSD": "0.02"}
    (request,) = asked(shared, run)
    assert request["auth"] == f"Bearer {TOKEN}"


def test_a_cancel_reaches_the_server(shared: World, runs: Callable[[str], str]) -> None:
    wait_for(lambda: '"path": "/slow"' in shared.kubectl("logs", "server"), "the server asked", 60)
    wait_for(lambda: shared.run(runs("slow"))["status"].get("phase") == "Running", "the run at work", 60)
    shared.kubectl("patch", "srun", runs("slow"), "--type=merge", "-p", '{"spec":{"cancel":true}}')
    run = ended(shared, runs("slow"))
    assert (run["status"]["phase"], run["status"]["reason"]) == ("Cancelled", "Cancelled")
    assert [request["path"] for request in asked(shared, run)] == ["/slow", "cancel"]


def test_a_time_limit_reaches_the_server(shared: World, runs: Callable[[str], str]) -> None:
    run = ended(shared, runs("late"))
    assert run["status"]["phase"] == "TimedOut"
    assert [request["path"] for request in asked(shared, run)] == ["/slow", "cancel"]


def test_a_secret_that_the_server_says_back_is_nowhere_to_be_read(shared: World, runs: Callable[[str], str]) -> None:
    run = ended(shared, runs("leak"))
    assert (run["status"]["phase"], run["status"]["statusCode"]) == ("Failed", 500)
    assert "bad token" in run["status"]["message"]
    things = [json.dumps(run), log(shared, run), json.dumps(shared.schedule("leak"))]
    things += [str(shared.events(runs("leak"))), str(shared.jobs("leak")), str(shared.pods("leak"))]
    assert [thing for thing in things if TOKEN in thing] == []


def test_a_server_that_is_broken_is_asked_again_under_the_same_key(shared: World, runs: Callable[[str], str]) -> None:
    run = ended(shared, runs("broken"))
    assert (run["status"]["phase"], run["status"]["statusCode"]) == ("Failed", 503)
    assert len(run["status"]["attempts"]) == 2
    assert len(asked(shared, run)) >= 2
