"""The chart's rights and policies on a test's cluster, without the rest of the chart."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from tools.cluster import audit, chart
from tools.cluster.base import Cluster
from tools.cluster.daemons import wait_until

# What the chart gives the operator, and what it takes from it again.
RIGHTS = ("serviceaccount", "operator-rights", "operator-policy")
VALIDATES = "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy"
WAIT = 30.0  # seconds until the API server has read a new policy or role; about one is usual


@dataclass(frozen=True)
class Release:
    """The chart under a name, in a namespace."""

    cluster: Cluster
    name: str = chart.RELEASE
    namespace: str = chart.OPERATOR_NAMESPACE

    @property
    def account(self) -> str:
        """The ServiceAccount, which is called like the release if that has the chart's name in it."""
        return self.name

    @property
    def user(self) -> str:
        return audit.service_account(self.namespace, self.account)

    def render(self, parts: Iterable[str], *values: str) -> str:
        """Some of the chart's templates, as Helm makes them for this cluster."""
        version = json.loads(self.cluster.kubectl("version", "-o", "json"))["serverVersion"]["gitVersion"]
        command = ["template", self.name, str(chart.CHART), "--namespace", self.namespace, "--kube-version", version]
        command += ["--api-versions", VALIDATES] + [word for value in values for word in ("--set", value)]
        return chart.helm(self.cluster, *command, *(f"--show-only=templates/{part}.yaml" for part in parts))

    def grant(self, *watched: str) -> None:
        """Apply the operator's rights, in all namespaces or in these; returns when its policy acts."""
        values = [f"watchNamespaces={{{','.join(watched)}}}"] if watched else []
        if self.namespace not in self.cluster.kubectl("get", "namespaces", "-o", "name"):
            self.cluster.kubectl("create", "namespace", self.namespace)
        self.cluster.kubectl("apply", "-f", "-", stdin=self.render(RIGHTS, *values))
        assert wait_until(lambda: self._is_held(watched[0] if watched else self.namespace), WAIT), (
            "the policy does not act"
        )

    def _is_held(self, namespace: str) -> bool:
        command = ["-n", namespace, "create", "job", "free", "--image=none", "--dry-run=server"]
        said = self.cluster.kubectl(*command, f"--as={self.user}", check=False)
        return "ValidatingAdmissionPolicy" in said
