"""The pod of an agent behind HTTP: the operator's own image calls it, and no secret is in any spec."""

from __future__ import annotations

from typing import Any

import pytest

from agentschedule.api.schedule import AgentSchedule
from agentschedule.cluster import parse
from agentschedule.names import Reason
from agentschedule.plan.objects.job import job_template
from agentschedule.plan.spec.validate import validate

BUNDLED = "registry.example/agentschedule:1"
HTTP = {
    "url": "https://agents.internal/run",
    "headersFrom": [{"name": "Authorization", "prefix": "Bearer ", "secretKeyRef": {"name": "bank", "key": "token"}}],
    "caFrom": {"configMapKeyRef": {"name": "ca", "key": "ca.crt"}},
    "body": {"prompt": "$(AGENT_MESSAGE)"},
}


def schedule(**agent: Any) -> AgentSchedule:
    """As it comes from the API, in an installation with this image."""
    meta = {"name": "report", "namespace": "analytics", "uid": "u", "generation": 1}
    spec = {"schedule": "0 * * * *", "message": "Hello.", "agent": {"http": HTTP, **agent}}
    found = parse.schedule({"metadata": meta, "spec": spec}, BUNDLED)
    assert isinstance(found, AgentSchedule)
    return found


def container(**agent: Any) -> dict[str, Any]:
    (found,) = job_template(schedule(**agent))["spec"]["template"]["spec"]["containers"]
    return dict(found)


def test_the_operators_own_image_calls_the_agent() -> None:
    found = container(resources={"limits": {"memory": "128Mi"}})
    assert (found["name"], found["image"]) == ("agent", BUNDLED)
    assert found["command"] == ["python", "-m", "agentschedule.runner.http"]
    assert found["resources"] == {"limits": {"memory": "128Mi"}}


def test_the_runner_is_told_what_to_call_and_secrets_stay_references() -> None:
    env = {item["name"]: item for item in container()["env"]}
    assert '"prompt":"$$(AGENT_MESSAGE)"' in env["AGENT_HTTP"]["value"]
    assert env["AGENT_HTTP_HEADER_0"]["valueFrom"] == {"secretKeyRef": {"name": "bank", "key": "token"}}
    assert "bank" not in env["AGENT_HTTP"]["value"]
    assert env["AGENT_MESSAGE"]["value"] == "Hello."


def test_a_private_ca_is_mounted_beside_the_authors_volumes() -> None:
    own = {"volumes": [{"name": "own", "emptyDir": {}}], "volumeMounts": [{"name": "own", "mountPath": "/own"}]}
    pod = job_template(schedule(**own))["spec"]["template"]["spec"]
    assert [volume["name"] for volume in pod["volumes"]] == ["own", "agentschedule-http-ca"]
    assert [mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]] == [
        "/own",
        "/etc/agentschedule-http-ca",
    ]


def test_a_container_of_the_authors_keeps_its_image() -> None:
    meta = {"name": "report", "namespace": "analytics", "uid": "u", "generation": 1}
    found = parse.schedule({"metadata": meta, "spec": {"schedule": "0 * * * *", "agent": {"image": "own:1"}}}, BUNDLED)
    assert isinstance(found, AgentSchedule)
    assert found.spec.agent.image == "own:1"


@pytest.mark.parametrize("name", ["AGENT_HTTP", "AGENT_HTTP_CA_FILE", "AGENT_HTTP_HEADER_0", "AGENT_HTTP_HEADER_11"])
def test_what_the_runner_reads_cannot_be_set_by_the_author(name: str) -> None:
    validation = validate(schedule(env=[{"name": name, "value": "x"}]))
    assert validation.reason == Reason.INVALID_AGENT
    assert name in validation.message
