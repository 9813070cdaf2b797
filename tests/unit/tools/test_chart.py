"""The chart, rendered by Helm: what its values do, and that the operator runs with few rights."""

from __future__ import annotations

import re
import tomllib

import pytest
import yaml

from agentschedule.settings import Settings
from tests.unit.tools.rendering import (
    CHART_DIR,
    KINDS,
    POLICY,
    POLICY_API,
    helm,
    of_kind,
    pod,
    render,
)
from tools.generate import CHART, ROOT


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
