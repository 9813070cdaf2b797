"""The operator in the cluster, as users install it: by Helm or with one manifest; and all that it ever logged."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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
NAMES = "jsonpath={.items[*].metadata.name}"
ROLLOUT = "--timeout=180s"
# What an operator says when its account or its roles go before it does, as when it is uninstalled.
FAREWELLS = ("Ran out of valid credentials", 'resource "leases"')


@dataclass
class Installation:
    """Install, remove and restart the operator; ``logs`` keeps what each of its pods said until its end."""

    cluster: Cluster
    logs: list[str] = field(default_factory=list)

    def install(self) -> None:
        chart.helm_install(self.cluster)

    def uninstall(self) -> None:
        with self._last_heard():
            chart.helm_uninstall(self.cluster)

    def apply_manifest(self) -> None:
        """manifests/install.yaml, with the image that is on the node."""
        released = f"{IMAGE.split(':')[0]}:{_app_version()}"
        text = MANIFEST.read_text()
        assert text.count(released) == 2  # the Deployment's, and what it runs for agents behind HTTP
        self.cluster.kubectl("apply", "--server-side", "-f", "-", stdin=text.replace(released, IMAGE))
        self.wait_ready()

    def delete_manifest(self) -> None:
        with self._last_heard():
            self.cluster.kubectl("delete", "-f", str(MANIFEST), "--timeout=120s")

    def delete_pods(self) -> None:
        """All at once, as when a zone goes; the Deployment makes others. Returns when the old ones have gone."""
        with self._heard_out():
            self._kubectl("delete", "pod", "-l", SELECTOR, "--timeout=60s")

    def delete_leader(self) -> None:
        """As a node drain does. Returns when it has gone; another leads since long."""
        leader = self.leader()
        with self._heard_out(leader):
            self._kubectl("delete", "pod", leader, "--timeout=60s")

    def leader(self) -> str:
        """The name of the pod that leads; empty if none does."""
        return self._kubectl("get", "lease", chart.RELEASE, "-o", "jsonpath={.spec.holderIdentity}").partition("_")[0]

    def wait_ready(self) -> None:
        self._kubectl("rollout", "status", DEPLOYMENT, ROLLOUT)

    def restarts(self) -> str:
        """How often the kubelet had to start the operator's container again."""
        path = "jsonpath={.items[*].status.containerStatuses[*].restartCount}"
        return self._kubectl("get", "pods", "-l", SELECTOR, "-o", path)

    @contextmanager
    def _heard_out(self, *pods: str) -> Iterator[None]:
        """Follow the logs of these pods, or of all, to their end, shutdown included."""
        pods = pods or tuple(self._kubectl("get", "pods", "-l", SELECTOR, "-o", NAMES).split())
        with ExitStack() as stack:
            said = [stack.enter_context(self._followed(pod)) for pod in pods]
            yield
        self.logs += [text for log in said for text in log]

    @contextmanager
    def _followed(self, pod: str) -> Iterator[list[str]]:
        """The log of one pod, whole once the pod has gone."""
        access = [self.cluster.kubectl_path, f"--kubeconfig={self.cluster.kubeconfig}", "-n", chart.OPERATOR_NAMESPACE]
        whole: list[str] = []
        with NamedTemporaryFile() as said:
            follow = subprocess.Popen([*access, "logs", "--follow", pod], stdout=said.fileno())
            try:
                # from then on, nothing gets lost
                wait_for(lambda: Path(said.name).stat().st_size, "the operator's log", 30)
                yield whole
                follow.wait(60)
            finally:
                follow.kill()
            whole.append(Path(said.name).read_text())

    @contextmanager
    def _last_heard(self) -> Iterator[None]:
        """From where its rights are gone, the log of a pod tells of nothing else: that is left out."""
        before = len(self.logs)
        with self._heard_out():
            yield
        for number in range(before, len(self.logs)):
            lines = self.logs[number].splitlines()
            self.logs[number] = "\n".join(takewhile(lambda line: not any(word in line for word in FAREWELLS), lines))

    def _kubectl(self, *args: str) -> str:
        return self.cluster.kubectl("-n", chart.OPERATOR_NAMESPACE, *args)


def _app_version() -> str:
    lines = (chart.CHART / "Chart.yaml").read_text().splitlines()
    return next(line.partition(":")[2].strip() for line in lines if line.startswith("appVersion:"))
