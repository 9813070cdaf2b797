"""A control plane for one benchmark, with our kinds in it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.fixtures import api_for
from tests.world import World
from tools.cluster import chart
from tools.cluster.operator_process import OperatorProcess
from tools.cluster.providers import cluster


def on_a_plane(name: str, measure: Callable[[World, OperatorProcess], int]) -> int:
    """What ``measure`` returns, given a cluster and an operator that it starts."""
    plane = cluster(name, node=False)
    plane.up()
    try:
        chart.apply_crds(plane)
        with tempfile.TemporaryDirectory() as place:
            operator = OperatorProcess(plane.kubeconfig, Path(place) / "log")
            return measure(World(plane, api_for(plane), "default"), operator)
    finally:
        plane.down()
