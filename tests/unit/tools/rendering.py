"""The chart, as Helm renders it."""

from __future__ import annotations

import subprocess
from typing import Any

import yaml

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
