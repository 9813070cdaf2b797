"""The chart, rendered by Helm: what its values do, and that the operator runs with few rights."""

from __future__ import annotations

import subprocess
import tomllib
from typing import Any

import pytest
import yaml

from agentschedule.settings import Settings
from tools.cluster import binaries
from tools.generate import CHART, KUBERNETES, ROOT

CHART_DIR = str(ROOT / CHART)
KINDS = {
    "ServiceAccount", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding", "Deployment",
}  # fmt: skip
POLICY = "MutatingAdmissionPolicy"
POLICY_API = f"admissionregistration.k8s.io/v1/{POLICY}"


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


def test_the_release_before_is_gone_before_the_next_one_starts() -> None:
    (deployment,) = of_kind("Deployment", render())
    assert deployment["spec"]["replicas"] == 1
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}


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
        "AGENTSCHEDULE_BUNDLED_IMAGE": "agentschedule:0.1.0",
        "AGENTSCHEDULE_HEALTH_PORT": "8080",
        "AGENTSCHEDULE_METRICS_PORT": "9000",
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
    ],
)
def test_a_misspelt_value_is_refused_by_name(value: str, named: str) -> None:
    done = helm("template", "x", CHART_DIR, "--set", value)
    assert done.returncode
    assert named in done.stderr
