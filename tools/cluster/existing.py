"""Provider `existing`: a cluster that somebody else started and will remove, given by KUBECONFIG."""

from __future__ import annotations

import os
from pathlib import Path

from tools.cluster import binaries, layout
from tools.cluster.base import Cluster, NotPossibleError
from tools.cluster.native import NativeCluster
from tools.cluster.paths import CLUSTERS


class ExistingCluster(Cluster):
    """Uses the cluster and leaves it; where `make cluster-up` made it, images and restarts work too."""

    provider = "existing"
    node = True

    def __init__(self) -> None:
        """The first file that KUBECONFIG names is the one used."""
        self._kubeconfig = Path(os.environ["KUBECONFIG"].split(os.pathsep)[0]).expanduser().resolve()
        self._ours = self._native_cluster()
        self.name = self._ours.name if self._ours else "existing"
        self.audit_log = self._ours.audit_log if self._ours else None
        self.node = self._ours.node if self._ours else True
        self.kubectl_path = binaries.on_path_or_built("kubectl")

    def _native_cluster(self) -> NativeCluster | None:
        name = self._kubeconfig.parent.name
        same_place = self._kubeconfig.parent == (CLUSTERS / name).resolve()
        return NativeCluster(name) if same_place and layout.find(name) else None

    @property
    def kubeconfig(self) -> Path:
        """As the caller set it."""
        return self._kubeconfig

    def up(self) -> None:
        """Only look whether it answers."""
        self.kubectl("version", "--request-timeout=10s")

    def down(self) -> None:
        """Not ours to remove."""

    def load_image(self, archive: Path) -> None:
        """Only possible on a node of this machine; elsewhere the image must be where the nodes find it."""
        self._needs_ours("load an image into").load_image(archive)

    def stop_controller_manager(self) -> None:
        """Only possible on a cluster of this harness."""
        self._needs_ours("stop the controller-manager of").stop_controller_manager()

    def start_controller_manager(self) -> None:
        """Only possible on a cluster of this harness."""
        self._needs_ours("start the controller-manager of").start_controller_manager()

    def _needs_ours(self, what: str) -> NativeCluster:
        if not self._ours:
            raise NotPossibleError(f"cannot {what} a cluster that was not started by this harness")
        return self._ours
