"""The chart, rendered by Helm: what its values do, and that the operator runs with few rights."""

from __future__ import annotations

import re
import subprocess
import tomllib
from typing import Any

import pytest
import yaml

from agentschedule import names
from agentschedule.settings import Settings
from tools.cluster import binaries
from tools.generate import CHART, KUBERNETES, ROOT

CHART_DIR = str(ROOT / CHART)
KINDS = {
    "ServiceAccount", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding", "Deployment", "NetworkPolicy",
    "Role", "RoleBinding", "PodDisruptionBudget",
}  # fmt: skip
POLICY = "MutatingAdmissionPolicy"
POLICY_API = f"admissionregistration.k8s.io/v1/{POLICY}"
VALIDATES = "ValidatingAdmissionPolicy"
VALIDATES_API = f"admissionregistration.k8s.io/v1/{VALIDATES}"
DIGEST = f"sha256:{'0' * 64}"


def helm(*args: str) -> subprocess.CompletedProcess[str]:
    command = [binaries.on_path_or_built("helm"), *args, "--kube-version", KUBERNETES]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def render(*values: str, api: str | None = None) -> list[dict[str, Any]]:
    options = [option for value in values for option in ("--set", value)]
    done = helm("template", "agentschedule", CHART_DIR, *options, *(["--api-versions", api] if api else []))
    assert not done.returncode, done.stderr
    return [d for d in yaml.safe_load_all(done.stdout) if d]


def of_kind(kind: str, documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [d for d in documents if d["kind"] == kind]


def pod(*values: str) -> dict[str, Any]:
    (deployment,) = of_kind("Deployment", render(*values))
    spec: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return spec


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


def test_each_value_is_in_the_charts_readme() -> None:
    values = yaml.safe_load((ROOT / CHART / "values.yaml").read_text())
    flat = {
        f"{key}.{inner}" if isinstance(value, dict) and key != "resources" else key
        for key, value in values.items()
        for inner in (value if isinstance(value, dict) and value else [""])
    }
    flat = {name.removesuffix(".") for name in flat}
    told = set(re.findall(r"^\| `([^`]+)` \|", (ROOT / CHART / "README.md").read_text(), re.MULTILINE))
    assert told == flat


def test_helm_lint_finds_nothing() -> None:
    done = helm("lint", CHART_DIR, "--strict")
    assert not done.returncode, done.stdout


def test_chart_operator_and_image_carry_one_version() -> None:
    chart = yaml.safe_load((ROOT / CHART / "Chart.yaml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert chart["version"] == chart["appVersion"] == project["version"]
    assert pod()["containers"][0]["image"] == f"agentschedule:{project['version']}"


@pytest.mark.parametrize(
    ("values", "api", "extra"),
    [
        pytest.param((), None, set(), id="auto on an old cluster: no policy"),
        pytest.param((), POLICY_API, {POLICY, f"{POLICY}Binding"}, id="auto on 1.36: the policy"),
        pytest.param(("scheduledTimePolicy.enabled=true",), None, {POLICY, f"{POLICY}Binding"}, id="true: always"),
        pytest.param(("scheduledTimePolicy.enabled=false",), POLICY_API, set(), id="false: never"),
    ],
)
def test_the_policy_goes_where_the_cluster_knows_it(values: tuple[str, ...], api: str | None, extra: set[str]) -> None:
    assert {d["kind"] for d in render(*values, api=api)} == KINDS | extra


@pytest.mark.parametrize(
    ("values", "kind", "names"),
    [
        (("crds.install=false",), "CustomResourceDefinition", []),
        (("rbac.aggregate=false",), "ClusterRole", ["agentschedule"]),
        (("rbac.create=false", "rbac.aggregate=false"), "ClusterRole", []),
        (("serviceAccount.create=false", "serviceAccount.name=mine"), "ServiceAccount", []),
        (("fullnameOverride=other",), "Deployment", ["other"]),
        (("networkPolicy.enabled=false",), "NetworkPolicy", []),
        (("watchNamespaces={a,b}", "rbac.aggregate=false"), "ClusterRole", []),
        (("watchNamespaces={a,b}",), "ClusterRoleBinding", []),
        ((), "Role", ["agentschedule-leader", "agentschedule-assist"]),
        (("assist=false",), "Role", ["agentschedule-leader"]),
        (("assist=false",), "RoleBinding", ["agentschedule-leader"]),
        (("rbac.create=false",), "Role", []),
    ],
)
def test_parts_can_be_left_out_or_renamed(values: tuple[str, ...], kind: str, names: list[str]) -> None:
    assert [d["metadata"]["name"] for d in of_kind(kind, render(*values))] == names


@pytest.mark.parametrize(("values", "kept"), [((), "keep"), (("crds.keep=false",), None)])
def test_crds_outlive_the_release_unless_told_otherwise(values: tuple[str, ...], kept: str | None) -> None:
    for crd in of_kind("CustomResourceDefinition", render(*values)):
        assert crd["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == kept


def test_the_operator_runs_without_rights_it_does_not_need() -> None:
    spec = pod()
    (container,) = spec["containers"]
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"command", "args"}.isdisjoint(container)
    assert container["resources"]["limits"]["memory"]


def test_the_next_release_stands_by_before_the_one_before_goes() -> None:
    (deployment,) = of_kind("Deployment", render())
    rolling = {"maxUnavailable": 0, "maxSurge": 1}
    assert deployment["spec"]["strategy"] == {"type": "RollingUpdate", "rollingUpdate": rolling}


def test_the_chart_sets_only_what_the_operator_reads() -> None:
    (container,) = pod()["containers"]
    known = {f"AGENTSCHEDULE_{name.upper()}" for name in Settings.model_fields}
    assert {e["name"] for e in container["env"]} <= known


def test_settings_come_from_the_environment_and_the_probes_read_the_health_port() -> None:
    set_values = ("operator.logLevel=debug", "operator.workers=7", "metrics.port=9000")
    (container,) = pod(*set_values, "extraEnv[0].name=X", "extraEnv[0].value=y")["containers"]
    written = {e["name"]: e["value"] for e in container["env"] if "value" in e}
    # Of our own settings, the operator's reader has the last word: a name or value that it refuses stops the pod.
    Settings(**{name.removeprefix("AGENTSCHEDULE_").lower(): value for name, value in written.items() if name != "X"})
    assert written == {
        "AGENTSCHEDULE_LOG_LEVEL": "DEBUG",
        "AGENTSCHEDULE_LOG_FORMAT": "text",
        "AGENTSCHEDULE_WORKERS": "7",
        "AGENTSCHEDULE_RESYNC_SECONDS": "300",
        "AGENTSCHEDULE_MAX_OPEN_MANUAL_RUNS": "100",
        "AGENTSCHEDULE_ASSIST": "true",
        "AGENTSCHEDULE_BUNDLED_IMAGE": "agentschedule:0.1.0",
        "AGENTSCHEDULE_HEALTH_PORT": "8080",
        "AGENTSCHEDULE_METRICS_PORT": "9000",
        "AGENTSCHEDULE_LEASE_NAME": "agentschedule",
        "X": "y",
    }
    assert container["ports"] == [
        {"name": "health", "containerPort": 8080},
        {"name": "metrics", "containerPort": 9000},
    ]
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "health"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "health"}


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("image.tagg=1", "tagg"),
        ("operator.logLevel=loud", "logLevel"),
        ("scheduledTimePolicy.enabled=maybe", "enabled"),
        ("serviceAccount.create=false", "serviceAccount.name is needed"),
        ("watchNamespaces={A}", "watchNamespaces"),
        ("assist=maybe", "assist"),
        ("image.digest=1", "digest"),
        ("policy.requirePodRights=true", "--api-versions"),
    ],
)
def test_a_misspelt_value_is_refused_by_name(value: str, named: str) -> None:
    done = helm("template", "x", CHART_DIR, "--set", value)
    assert done.returncode
    assert named in done.stderr
