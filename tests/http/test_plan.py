"""From ``spec.agent.http`` to the pod: what the operator plans for the runner, and what the CRD says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from agentschedule.api.base import Model, ObjectMeta
from agentschedule.api.crd import structural_schema
from agentschedule.api.http import HttpAgent
from agentschedule.names import Env, HttpEnv
from agentschedule.plan.objects.http import HttpParts, http_parts
from agentschedule.plan.spec.env import unescape
from tests.http.rules import INVALID, TOKEN, URL, VALID


class Spec(Model):
    """What is wanted."""

    http: HttpAgent


class Holder(Model):
    """Something with an agent behind HTTP."""

    metadata: ObjectMeta
    spec: Spec


def parts(**http: Any) -> HttpParts:
    return http_parts(HttpAgent.model_validate({"url": URL, **http}))


def values(planned: HttpParts) -> dict[str, Any]:
    return {item["name"]: item.get("value") or item["valueFrom"] for item in planned.env}


def test_the_runner_is_started_with_the_authors_words() -> None:
    planned = parts(body={"q": "$(AGENT_MESSAGE) costs $5"})
    assert planned.command == ["python", "-m", "agentschedule.runner.http"]
    assert (planned.volumes, planned.volume_mounts) == ([], [])
    (spec,) = values(planned).values()
    # Doubled, so that the kubelet fills in nothing: a message may hold $(API_KEY).
    assert spec == '{"body":{"q":"$$(AGENT_MESSAGE) costs $$5"},"url":"http://agent.agents.svc:8080/run"}'


@pytest.mark.parametrize("http", VALID, ids=range(len(VALID)))
def test_what_is_no_secret_arrives_as_it_was_written(http: dict[str, Any]) -> None:
    arrived = json.loads(unescape(values(http_parts(HttpAgent.model_validate(http)))[HttpEnv.SPEC]))
    kept = {key: value for key, value in http.items() if key not in ("headersFrom", "caFrom")}
    assert {key: value for key, value in arrived.items() if key != "headersFrom"} == kept


def test_secrets_stay_references_and_keep_their_order() -> None:
    other = {"name": "crm", "key": "key"}
    headers = [
        {"name": "Authorization", "prefix": "Bearer ", "secretKeyRef": TOKEN},
        {"name": "X-Key", "secretKeyRef": other},
    ]
    found = values(parts(headersFrom=headers))
    assert json.loads(found[HttpEnv.SPEC])["headersFrom"] == [
        {"name": "Authorization", "prefix": "Bearer "},
        {"name": "X-Key"},
    ]
    assert found["AGENT_HTTP_HEADER_0"] == {"secretKeyRef": TOKEN}
    assert found["AGENT_HTTP_HEADER_1"] == {"secretKeyRef": other}


@pytest.mark.parametrize(
    ("source", "volume"),
    [
        ("configMapKeyRef", {"configMap": {"name": "ca", "items": [{"key": "root.pem", "path": "ca.crt"}]}}),
        ("secretKeyRef", {"secret": {"secretName": "ca", "items": [{"key": "root.pem", "path": "ca.crt"}]}}),
    ],
)
def test_a_private_ca_is_a_file_in_the_pod(source: str, volume: dict[str, Any]) -> None:
    planned = parts(caFrom={source: {"name": "ca", "key": "root.pem"}})
    (mount,) = planned.volume_mounts
    assert planned.volumes == [{"name": mount["name"], **volume}]
    assert values(planned)[HttpEnv.CA_FILE] == f"{mount['mountPath']}/ca.crt"
    assert "caFrom" not in values(planned)[HttpEnv.SPEC]


def test_its_variables_are_none_of_the_contract() -> None:
    names = values(parts(headersFrom=[{"name": "X", "secretKeyRef": TOKEN}], caFrom={"secretKeyRef": TOKEN}))
    assert not names.keys() & {env.value for env in Env}


def nodes(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from nodes(schema[key], f"{path}[]")


def test_the_crd_explains_every_field_and_has_no_default() -> None:
    schema = structural_schema(Holder)["properties"]["spec"]["properties"]["http"]
    assert schema["required"] == ["url"]
    for path, node in nodes(schema):
        assert "default" not in node, path
        explained = path.endswith(("]", ".name", ".key"))
        assert node.get("description") or explained, path


def test_no_rule_is_without_a_spec_that_breaks_it() -> None:
    schema = structural_schema(Holder)
    messages = {rule["message"] for _, node in nodes(schema) for rule in node.get("x-kubernetes-validations", ())}
    for message in messages:
        assert any(part in message for _, part in INVALID), message


def test_there_is_no_way_to_skip_the_check_of_a_certificate() -> None:
    fields = {path.lower() for path, _ in nodes(structural_schema(Holder))}
    assert not [path for path in fields if "insecure" in path or "skip" in path or "verify" in path]
