"""Provider `native`: Kubernetes as plain processes of this machine; Linux and root, no container engine."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tools.cluster import binaries, controlplane, credentials, daemons, host, layout, node
from tools.cluster.base import Cluster
from tools.cluster.layout import Layout
from tools.cluster.paths import CLUSTERS
from tools.cluster.progress import locked, say


class NativeCluster(Cluster):
    """A control plane, and with `node` also a place where pods run."""

    provider = "native"

    def __init__(self, name: str, node: bool = False, stays: bool = False) -> None:
        """`stays`: the cluster outlives this process; else it is an orphan once this process is gone."""
        self.name, self.node, self._stays = name, node, stays
        self.kubectl_path = str(binaries.path("kubectl"))
        if known := layout.find(name):
            self.node = known.node or node
        self.audit_log = CLUSTERS / name / "audit.log"

    @property
    def kubeconfig(self) -> Path:
        """Admin access."""
        return CLUSTERS / self.name / "admin.kubeconfig"

    def up(self) -> None:
        """Start all parts; a failed start leaves its logs, but no process."""
        prepare(self.node)
        remove_orphans()
        self.down()
        place = layout.claim(self.name, self.node, self._stays)
        try:
            self._start(place)
        except BaseException:
            _clear(place, keep_files=True)
            raise

    def _start(self, place: Layout) -> None:
        credentials.make(place)
        prefix = node.enter(place) if place.node else []
        if place.node:
            node.make_network(place)
            node.start_containerd(place)
        controlplane.start_api(place, prefix)
        controlplane.wait_ready(place)
        controlplane.start_controller_manager(place, prefix)
        if place.node:
            node.start_kubernetes(place)
            node.wait_ready(self, place)
        self.wait_for_controllers()

    def down(self) -> None:
        """End all processes, then remove network, mounts, control groups and files."""
        if place := layout.find(self.name):
            _clear(place)

    def load_image(self, archive: Path) -> None:
        """Import the archive into containerd."""
        node.load_image(self._place, archive)

    def stop_controller_manager(self) -> None:
        """Stop it as a crash would: at once."""
        daemons.stop("kube-controller-manager", self._place.state, kill=True)

    def start_controller_manager(self) -> None:
        """Start it again with the same flags."""
        place = self._place
        if not daemons.is_running("kube-controller-manager", place.state):
            controlplane.start_controller_manager(place, node.enter(place) if place.node else [])
        self.wait_for_controllers()

    @property
    def _place(self) -> Layout:
        place = layout.find(self.name)
        if not place:
            raise LookupError(f"no native cluster {self.name!r}")
        return place


def prepare(with_node: bool) -> None:
    """Have all programs and packages; instant when they are there."""
    host.require(host.CONTROL_PLANE_NEEDS | (host.NODE_NEEDS if with_node else {}))
    binaries.ensure(*binaries.CONTROL_PLANE, *(binaries.NODE if with_node else ()))


def remove_orphans() -> None:
    """Remove the clusters whose owners died without doing so."""
    with locked("orphans"):
        for place in filter(layout.is_orphan, layout.all_layouts()):
            say(f"removing cluster {place.name}, left by a process that is gone")
            _clear(place)


def _clear(place: Layout, keep_files: bool = False) -> None:
    daemons.kill_all(place.state)
    if place.node:
        node.clear(place)
    if not keep_files:
        shutil.rmtree(place.state)


def print_logs(name: str) -> None:
    """Print the last lines of every component: a first look into a cluster that misbehaves."""
    subprocess.run(["tail", "-n", "20", *map(str, sorted((CLUSTERS / name / "log").glob("*.log")))], check=False)
