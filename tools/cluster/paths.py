"""Where things are and which version they have: used by every module of the harness."""

from __future__ import annotations

import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GO_MODULES = Path(__file__).resolve().parent / "go"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "agentschedule"
CLUSTERS = CACHE / "clusters"  # one folder per native cluster: its data, logs, pid files, kubeconfigs
IMAGE = "agentschedule:dev"  # the operator and the sample agent
IMAGE_REFERENCE = f"docker.io/library/{IMAGE}"  # what container runtimes make of it
OPERATOR_NAMESPACE = "agentschedule-system"  # where tests and demo install it
PAUSE_VERSION = "1"  # tools/cluster/go/pause is ours and has no upstream version

_UPSTREAM = {
    "kubernetes": "k8s.io/kubernetes",
    "etcd": "go.etcd.io/etcd/server/v3",
    "helm": "helm.sh/helm/v3",
    "kind": "sigs.k8s.io/kind",
}


def pinned_version(module: str) -> str:
    """The version of the upstream module that tools/cluster/go/MODULE/go.mod requires."""
    text = (GO_MODULES / module / "go.mod").read_text()
    found = re.search(rf"^(?:require)?\s+{re.escape(_UPSTREAM[module])} (v\S+)", text, re.MULTILINE)
    if not found:
        raise LookupError(f"{module}/go.mod does not require {_UPSTREAM[module]}")
    return found[1]


def version(module: str) -> str:
    """The version in use: the pinned one, for Kubernetes unless KUBERNETES_VERSION names another."""
    if module == "pause":
        return PAUSE_VERSION
    if module == "kubernetes" and (wanted := os.environ.get("KUBERNETES_VERSION")):
        return "v" + wanted.removeprefix("v")
    return pinned_version(module)


def bin_dir(module: str) -> Path:
    """The cache folder of one module's programs; another version has another folder."""
    return CACHE / f"{module}-{version(module)}"
