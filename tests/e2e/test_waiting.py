"""A pod that cannot start says why, in the run, within seconds. All tests share one namespace and one trigger."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.agents import runner, seen, trigger
from tests.e2e.rootimage import ROOT_IMAGE, load_root_image
from tests.fixtures import node_group
from tests.world import Body, World, agent_schedule, wait_for
from tools.cluster.base import Cluster

pytestmark = node_group("node")

SECONDS = 30.0
NOWHERE = "localhost/no-such-agent:1"
KEY = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "no-such-secret", "key": "token"}}}
AGENTS: dict[str, Body] = {
    "no-image": runner(image=NOWHERE),
    "no-secret": runner(env=[KEY]),
    "no-node": runner(nodeSelector={"agents.example/gpu": "yes"}),
}


@pytest.fixture(scope="module")
def waiting(shared: World) -> dict[str, str]:
    """The run of each schedule."""
    shared.apply(*(agent_schedule(name, agent=agent) for name, agent in AGENTS.items()))
    seen(shared, *AGENTS)
    return {name: trigger(shared, name)["run"] for name in AGENTS}


def test_an_image_that_does_not_exist_is_named(shared: World, waiting: dict[str, str]) -> None:
    status = _waits(shared, waiting["no-image"], "ImagePullBackOff")
    assert NOWHERE in status["message"]


def test_a_missing_secret_is_named(shared: World, waiting: dict[str, str]) -> None:
    status = _waits(shared, waiting["no-secret"], "CreateContainerConfigError")
    assert "no-such-secret" in status["message"]


def test_a_pod_that_fits_no_node_says_so(shared: World, waiting: dict[str, str]) -> None:
    status = _waits(shared, waiting["no-node"], "Unschedulable")
    assert "node" in status["message"]


def test_an_image_that_runs_as_root_is_refused_in_words(world: World, node_cluster: Cluster, tmp_path: Any) -> None:
    load_root_image(node_cluster, tmp_path)
    world.apply(agent_schedule("as-root", agent={"image": ROOT_IMAGE, "imagePullPolicy": "Never"}))
    seen(world, "as-root")
    status = _waits(world, trigger(world, "as-root")["run"], "CreateContainerConfigError")
    assert "runAsNonRoot" in status["message"]
    assert "root" in status["message"]


def _waits(world: World, run: str, reason: str) -> Body:
    def seen_waiting() -> Body:
        status: Body = world.run(run).get("status") or {}
        return status if status.get("reason") == reason else {}

    status = wait_for(seen_waiting, f"{reason} in run {run}", SECONDS)
    assert status["phase"] == "Pending"
    assert status["message"].startswith(f"{reason}: ")
    assert "startTime" not in status
    return status
