"""Helm and the CRDs: how the product gets into a test cluster."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tools.cluster import binaries, daemons, images, paths
from tools.cluster.base import Cluster
from tools.cluster.paths import IMAGE, ROOT

CHART = ROOT / "charts" / "agentschedule"
CRDS = ROOT / "crds"
OPERATOR_NAMESPACE = paths.OPERATOR_NAMESPACE
RELEASE = "agentschedule"
CRD_NAMES = ("agentschedules.agentschedule.dev", "scheduleruns.agentschedule.dev")
# the image that the harness loads into the node
IMAGE_VALUES = {"image": {"repository": IMAGE.split(":")[0], "tag": IMAGE.split(":")[1], "pullPolicy": "IfNotPresent"}}


def helm(cluster: Cluster, *args: str, stdin: str | None = None) -> str:
    """Run Helm against the cluster and return its output."""
    command = [binaries.on_path_or_built("helm"), f"--kubeconfig={cluster.kubeconfig}", *args]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"helm {' '.join(args)}: {done.stderr}")
    return done.stdout


def helm_install(
    cluster: Cluster,
    chart: Path = CHART,
    values: dict[str, Any] | None = None,
    namespace: str = OPERATOR_NAMESPACE,
    wait: bool = True,
) -> None:
    """Install or upgrade the chart with the image under test; `values` win over ours."""
    # the CRDs may be there already, applied by hand: the release takes them over
    options = ["--namespace", namespace, "--create-namespace", "--take-ownership", "--values", "-"]
    waiting = ["--wait", "--timeout", "120s"] if wait else []
    # the tag stays the same, so the content must make the pod a new one
    content = {"podAnnotations": {"agentschedule.dev/image-content": images.content_hash()}}
    merged = json.dumps(IMAGE_VALUES | content | (values or {}))
    try:
        helm(cluster, "upgrade", "--install", RELEASE, str(chart), *options, *waiting, stdin=merged)
    except RuntimeError as error:  # Helm itself only says that it waited too long
        raise RuntimeError(f"{error}\n{operator_state(cluster, namespace)}") from None


def operator_state(cluster: Cluster, namespace: str = OPERATOR_NAMESPACE) -> str:
    """The operator's pods and the end of its log, for an error message."""
    pods = cluster.kubectl("get", "pods", "-n", namespace, check=False)
    selector = f"app.kubernetes.io/name={RELEASE}"
    log = cluster.kubectl("logs", "-n", namespace, "-l", selector, "--prefix", "--tail=40", check=False)
    return f"{pods}\nthe operator's log:\n{log}"


def helm_uninstall(cluster: Cluster, namespace: str = OPERATOR_NAMESPACE) -> None:
    """Remove the release; what is not installed is no failure."""
    helm(cluster, "uninstall", RELEASE, "--namespace", namespace, "--ignore-not-found", "--wait")


def apply_crds(cluster: Cluster) -> None:
    """Apply crds/*.yaml and return when the API serves them."""
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(CRDS))
    names = [f"crd/{name}" for name in CRD_NAMES]
    command = ("wait", "--for=condition=Established", "--timeout=30s", *names)

    def established() -> bool:
        """A CRD of a moment ago has no conditions at all, over which `kubectl wait` ends with an error."""
        return cluster.kubectl(*command, check=False).count("condition met") == len(names)

    if not daemons.wait_until(established, 60, 0.2):
        raise RuntimeError(f"the API server does not serve {' and '.join(names)}")
