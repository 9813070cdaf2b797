"""The operator in the cluster, as users install it: by Helm or with one manifest; and all that it ever logged."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from tempfile import NamedTemporaryFile

from tests.world import wait_for
from tools.cluster import chart
from tools.cluster.base import Cluster
from tools.cluster.paths import IMAGE, ROOT

MANIFEST = ROOT / "manifests" / "install.yaml"
SAMPLES = ROOT / "manifests" / "samples"
DEPLOYMENT = f"deployment/{chart.RELEASE}"
SELECTOR = f"app.kubernetes.io/name={chart.RELEASE}"
ROLLOUT = "--timeout=180s"
# What the operator says when its account goes before it does, as when it is uninstalled.
ACCOUNT_GONE = "Ran out of valid credentials"


@dataclass
class Installation:
    """Install, remove and restart the operator; ``logs`` keeps what each of its pods said until its end."""

    cluster: Cluster
    logs: list[str] = field(default_factory=list)

    def install(self) -> None:
        chart.helm_install(self.cluster)

    def uninstall(self) -> None:
        with self._heard_out():
            chart.helm_uninstall(self.cluster)
        self._forget_farewell()

    def apply_manifest(self) -> None:
        """manifests/install.yaml, with the image that is on the node."""
        released = f"{IMAGE.split(':')[0]}:{_app_version()}"
        text = MANIFEST.read_text()
        assert text.count(released) == 2  # the Deployment's, and what it runs for agents behind HTTP
        self.cluster.kubectl("apply", "--server-side", "-f", "-", stdin=text.replace(released, IMAGE))
        self.wait_ready()

    def delete_manifest(self) -> None:
        with self._heard_out():
            self.cluster.kubectl("delete", "-f", str(MANIFEST), "--timeout=120s")
        self._forget_farewell()

    def delete_pod(self) -> None:
        """As a node drain does; the Deployment makes another. Returns when the old one has gone."""
        with self._heard_out():
            self._kubectl("delete", "pod", "-l", SELECTOR, "--timeout=60s")

    def wait_ready(self) -> None:
        self._kubectl("rollout", "status", DEPLOYMENT, ROLLOUT)

    def restarts(self) -> str:
        """How often the kubelet had to start the operator's container again."""
        path = "jsonpath={.items[*].status.containerStatuses[*].restartCount}"
        return self._kubectl("get", "pods", "-l", SELECTOR, "-o", path)

    @contextmanager
    def _heard_out(self) -> Iterator[None]:
        """Follow the log of today's pod to its end, shutdown included."""
        pod = self._kubectl("get", "pods", "-l", SELECTOR, "--sort-by=.metadata.creationTimestamp", "-o", "name")
        access = [self.cluster.kubectl_path, f"--kubeconfig={self.cluster.kubeconfig}", "-n", chart.OPERATOR_NAMESPACE]
        with NamedTemporaryFile() as said:
            follow = subprocess.Popen([*access, "logs", "--follow", pod.split()[-1]], stdout=said.fileno())
            try:
                # from then on, nothing gets lost
                wait_for(lambda: Path(said.name).stat().st_size, "the operator's log", 30)
                yield
                follow.wait(60)
            finally:
                follow.kill()
            self.logs.append(Path(said.name).read_text())

    def _forget_farewell(self) -> None:
        """From where its account was gone, the last pod's log tells of nothing else."""
        lines = self.logs[-1].splitlines()
        self.logs[-1] = "\n".join(takewhile(lambda line: ACCOUNT_GONE not in line, lines))

    def _kubectl(self, *args: str) -> str:
        return self.cluster.kubectl("-n", chart.OPERATOR_NAMESPACE, *args)


def _app_version() -> str:
    lines = (chart.CHART / "Chart.yaml").read_text().splitlines()
    return next(line.partition(":")[2].strip() for line in lines if line.startswith("appVersion:"))
