"""Which cluster it will be: `CLUSTER=existing|kind|native` says so, else what is there decides."""

from __future__ import annotations

import os
import sys
from functools import cache

from tools.cluster import kind
from tools.cluster.base import Cluster
from tools.cluster.existing import ExistingCluster
from tools.cluster.native import NativeCluster

PROVIDERS = ("existing", "kind", "native")


@cache
def provider() -> str:
    """The provider's name, in this order: KUBECONFIG is set, an engine answers, Linux and root."""
    chosen = os.environ.get("CLUSTER") or _found()
    if chosen not in PROVIDERS:
        sys.exit(f"CLUSTER={chosen}: must be one of {', '.join(PROVIDERS)}")
    if chosen == "existing" and not os.environ.get("KUBECONFIG"):
        sys.exit("CLUSTER=existing needs KUBECONFIG")
    return chosen


def _found() -> str:
    if os.environ.get("KUBECONFIG"):
        return "existing"
    if kind.engine():
        return "kind"
    if sys.platform == "linux" and os.geteuid() == 0:
        return "native"
    return sys.exit("no cluster: set KUBECONFIG, start a Docker engine, or be root on Linux")


def cluster(name: str, node: bool, stays: bool = False) -> Cluster:
    """The cluster object, not yet started; only `native` can leave the node out or have several."""
    if provider() == "existing":
        return ExistingCluster()
    return kind.KindCluster(name) if provider() == "kind" else NativeCluster(name, node, stays)
