"""Provider `kind`: Kubernetes in a container, where a Docker or Podman engine answers.

KIND_NODE_IMAGE and KIND_CONFIG, when set, go to `kind create cluster` as --image and --config.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tools.cluster import binaries, daemons
from tools.cluster.base import Cluster
from tools.cluster.paths import CLUSTERS

MANIFEST = "/etc/kubernetes/manifests/kube-controller-manager.yaml"  # the kubelet runs what lies there
ASIDE = "/etc/kubernetes/kube-controller-manager.yaml"


def engine() -> str | None:
    """The container engine that answers, if any."""
    for name in ("docker", "podman"):
        if shutil.which(name):
            asked = subprocess.run([name, "info"], capture_output=True, timeout=30, check=False)
            if asked.returncode == 0:
                return name
    return None


def kubeconfig(name: str) -> Path:
    """A file of its own: the user's default one is not touched."""
    return CLUSTERS / f"kind-{name}" / "admin.kubeconfig"


class KindCluster(Cluster):
    """One container that is control plane and node; all workers of a test run share it."""

    provider = "kind"
    node = True

    def __init__(self, name: str) -> None:
        """Programs are the user's own where there are any."""
        self.name = f"agentschedule-{name}"  # kind's clusters of one engine share their names
        self._kubeconfig = kubeconfig(name)
        self._engine = engine() or "docker"
        self.kubectl_path = binaries.on_path_or_built("kubectl")

    @property
    def kubeconfig(self) -> Path:
        """Admin access."""
        return self._kubeconfig

    def up(self) -> None:
        """Create it anew."""
        self.down()
        self.kubeconfig.parent.mkdir(parents=True, exist_ok=True)
        options = ["--name", self.name, "--kubeconfig", str(self.kubeconfig), "--wait", "180s"]
        for option, variable in (("--image", "KIND_NODE_IMAGE"), ("--config", "KIND_CONFIG")):
            if value := os.environ.get(variable):
                options += [option, value]
        self._kind("create", "cluster", *options)
        self.wait_for_controllers()
        # a pod that starts before kube-proxy finds no API
        self.kubectl("wait", "--for=condition=Ready", "pods", "--all", "-n", "kube-system", "--timeout=180s")

    def down(self) -> None:
        """Delete container and kubeconfig."""
        self._kind("delete", "cluster", "--name", self.name, "--kubeconfig", str(self.kubeconfig))
        shutil.rmtree(self.kubeconfig.parent, ignore_errors=True)

    def load_image(self, archive: Path) -> None:
        """Hand the archive to the node."""
        self._kind("load", "image-archive", str(archive), "--name", self.name)

    def stop_controller_manager(self) -> None:
        """Take the static pod's manifest away; returns when the process is gone."""
        self._exec("mv", MANIFEST, ASIDE)
        if not daemons.wait_until(lambda: not self._controller_manager_runs(), 60, 0.5):
            raise RuntimeError("the controller-manager does not stop")

    def start_controller_manager(self) -> None:
        """Put the manifest back; it works once it has the old process's lease, about 20 s later."""
        self._exec("sh", "-c", f"if [ -e {ASIDE} ]; then mv {ASIDE} {MANIFEST}; fi")
        self.wait_for_controllers()

    def _controller_manager_runs(self) -> bool:
        find = "grep -l ^kube-controller /proc/[0-9]*/comm"  # a node image need not have pgrep
        return bool(self._exec("sh", "-c", f"{find} 2>/dev/null || true").strip())

    def _exec(self, *command: str) -> str:
        return _run(self._engine, "exec", f"{self.name}-control-plane", *command)

    def _kind(self, *args: str) -> None:
        if self._engine == "podman":
            os.environ.setdefault("KIND_EXPERIMENTAL_PROVIDER", "podman")
        _run(binaries.on_path_or_built("kind"), *args)


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
    return done.stdout
