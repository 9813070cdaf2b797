"""The lab of these tests: a fresh namespace on the real control plane, or on the real node."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kubernetes import config

from tests.kubernetes.lab import Lab
from tools.cluster.base import Cluster
from tools.cluster.operator_process import SharedOperator


@pytest.fixture
def lab(control_plane: Cluster, shared_operator: SharedOperator) -> Iterator[Lab]:
    """A namespace of the control plane for one test; no pods run there."""
    shared_operator.rest()
    yield from _lab(control_plane)


@pytest.fixture(scope="module")
def shared_lab(control_plane: Cluster, shared_operator: SharedOperator) -> Iterator[Lab]:
    """A namespace of the control plane for tests that wait for the same minutes, or the same outage."""
    shared_operator.rest()
    yield from _lab(control_plane)


@pytest.fixture(scope="module")
def node_lab(node_cluster: Cluster) -> Iterator[Lab]:
    """A namespace where pods run."""
    yield from _lab(node_cluster)


def _lab(cluster: Cluster) -> Iterator[Lab]:
    lab = Lab(config.new_client_from_config(str(cluster.kubeconfig)))
    yield lab
    lab.close()
