"""What the chart gives the operator: rights, policies, and a place among others."""

from __future__ import annotations

import re

import pytest

from agentschedule import names
from agentschedule.settings import Settings
from tests.unit.tools.rendering import (
    DIGEST,
    VALIDATES,
    VALIDATES_API,
    of_kind,
    pod,
    render,
)
from tools.generate import CHART, ROOT


def test_in_watched_namespaces_the_operator_has_the_same_rights_by_roles() -> None:
    documents = render("watchNamespaces={a,b,a}")
    (everywhere,) = (r for r in of_kind("ClusterRole", render()) if r["metadata"]["name"] == "agentschedule")
    roles = [role for role in of_kind("Role", documents) if role["metadata"]["name"] == "agentschedule"]
    assert [(role["metadata"]["namespace"], role["rules"]) for role in roles] == [
        ("a", everywhere["rules"]),
        ("b", everywhere["rules"]),
    ]
    for binding in of_kind("RoleBinding", documents):
        assert binding["roleRef"]["kind"] == "Role"
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "agentschedule", "namespace": "default"}]
    assert [b["metadata"]["namespace"] for b in of_kind("RoleBinding", documents)] == [
        "a", "b", "default", "kube-system",
    ]  # fmt: skip
    (container,) = pod("watchNamespaces={a,b,a}")["containers"]
    (written,) = (e["value"] for e in container["env"] if e["name"] == "AGENTSCHEDULE_WATCH_NAMESPACES")
    assert Settings(watch_namespaces=written).watch_namespaces == ("a", "b")


@pytest.mark.parametrize(
    ("values", "api", "made"),
    [
        pytest.param((), None, [], id="an old cluster has none"),
        pytest.param((), VALIDATES_API, ["agentschedule-operator"], id="the operator is held"),
        pytest.param(("policy.restrictOperator=false",), VALIDATES_API, [], id="unless it is not to be"),
        pytest.param(
            ("policy.requirePodRights=true",),
            VALIDATES_API,
            ["agentschedule-authors", "agentschedule-operator"],
            id="and authors, where it is asked for",
        ),
    ],
)
def test_who_is_held_by_policies(values: tuple[str, ...], api: str | None, made: list[str]) -> None:
    documents = render(*values, api=api)
    for kind in (VALIDATES, f"{VALIDATES}Binding"):
        assert sorted(d["metadata"]["name"] for d in of_kind(kind, documents)) == made
    for binding in of_kind(f"{VALIDATES}Binding", documents):
        assert binding["spec"]["validationActions"] == ["Deny"]


def test_the_policy_judges_the_account_that_the_operator_has() -> None:
    (policy,) = of_kind(VALIDATES, render("serviceAccount.create=false", "serviceAccount.name=mine", api=VALIDATES_API))
    (condition,) = policy["spec"]["matchConditions"]
    assert condition["expression"] == "request.userInfo.username == 'system:serviceaccount:default:mine'"


def test_strings_of_the_wire_in_templates_are_the_operators() -> None:
    known = {str(value) for value in vars(names).values() if isinstance(value, str)}
    text = "".join(path.read_text() for path in (ROOT / CHART / "templates").glob("*.yaml"))
    found = set(re.findall(r"'(agentschedule\.dev/[^']+)'", text)) - {
        "agentschedule.dev/",
        "agentschedule.dev/operator",
    }
    assert found
    assert found <= known


def test_a_digest_decides_which_image_runs_for_the_operator_and_for_agents() -> None:
    (container,) = pod(f"image.digest={DIGEST}", "image.tag=1.2")["containers"]
    assert container["image"] == f"agentschedule:1.2@{DIGEST}"
    assert {"name": "AGENTSCHEDULE_BUNDLED_IMAGE", "value": container["image"]} in container["env"]


def test_the_operator_talks_to_the_api_server_and_dns_only() -> None:
    (policy,) = of_kind("NetworkPolicy", render("networkPolicy.apiServerPorts={6443}"))
    spec = policy["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert [port["port"] for rule in spec["egress"] for port in rule["ports"]] == [6443, 53, 53]
    assert [port["port"] for rule in spec["ingress"] for port in rule["ports"]] == ["health", "metrics"]
    (deployment,) = of_kind("Deployment", render())
    assert spec["podSelector"] == deployment["spec"]["selector"]


def test_replicas_are_drained_one_by_one_and_stand_on_nodes_of_their_own() -> None:
    documents = render()
    (budget,) = of_kind("PodDisruptionBudget", documents)
    (deployment,) = of_kind("Deployment", documents)
    assert deployment["spec"]["replicas"] == 2
    assert budget["spec"] == {"maxUnavailable": 1, "selector": deployment["spec"]["selector"]}
    (spread,) = deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert (spread["topologyKey"], spread["whenUnsatisfiable"]) == ("kubernetes.io/hostname", "ScheduleAnyway")
    assert spread["labelSelector"] == deployment["spec"]["selector"]


@pytest.mark.parametrize("replicas", [0, 1])
def test_a_budget_for_one_would_only_hold_up_drains(replicas: int) -> None:
    assert of_kind("PodDisruptionBudget", render(f"replicas={replicas}")) == []


def test_the_operators_with_one_lease_are_those_of_one_release() -> None:
    """The Lease that it asks for is the one that it has the right to, and that the policy lets it write."""
    documents = render("fullnameOverride=other", "watchNamespaces={a}", api=VALIDATES_API)
    (deployment,) = of_kind("Deployment", documents)
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert {"name": "AGENTSCHEDULE_LEASE_NAME", "value": "other"} in container["env"]
    (role,) = (role for role in of_kind("Role", documents) if role["metadata"]["name"] == "other-leader")
    assert role["metadata"]["namespace"] == "default"
    assert [(rule.get("resourceNames"), rule["verbs"]) for rule in role["rules"]] == [
        (["other"], ["get", "patch"]),
        (None, ["create"]),
    ]
    (policy,) = of_kind(VALIDATES, documents)
    (judged,) = (v["expression"] for v in policy["spec"]["validations"] if "own Lease" in v["message"])
    assert "request.namespace == 'default' && object.metadata.name == 'other'" in judged


def test_to_assist_the_controller_the_operator_may_read_its_lease_and_nothing_else_there() -> None:
    documents = render()
    (role,) = (role for role in of_kind("Role", documents) if role["metadata"]["namespace"] == names.SYSTEM_NAMESPACE)
    assert role["rules"] == [
        {
            "apiGroups": ["coordination.k8s.io"],
            "resources": ["leases"],
            "resourceNames": [names.CONTROLLER_MANAGER],
            "verbs": ["get"],
        }
    ]
    (off,) = (e["value"] for e in pod("assist=false")["containers"][0]["env"] if e["name"] == "AGENTSCHEDULE_ASSIST")
    assert not Settings(assist=off).assist
