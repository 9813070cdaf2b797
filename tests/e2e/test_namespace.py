"""A namespace that is deleted goes, whatever its runs are waiting for."""

from __future__ import annotations

from kubernetes.client import ApiException

from tests.e2e.agents import new_world, seen, shell, trigger
from tests.e2e.installation import Installation
from tests.fixtures import Api, node_group
from tests.world import World, agent_schedule, wait_for
from tools.cluster.base import Cluster

pytestmark = node_group("runs")


def test_a_namespace_whose_runs_wait_for_a_retry_goes(
    node_cluster: Cluster,
    node_api: Api,
    installation: Installation,  # noqa: ARG001
) -> None:
    world = new_world(node_cluster, node_api)
    fails = shell("exit 1")
    world.apply(
        agent_schedule("held", agent=fails, retry={"limit": 3, "delaySeconds": 600}),
        agent_schedule("waits", agent=fails, retry={"limit": 9}),
        agent_schedule("runs", agent=shell("sleep 300")),
    )
    seen(world, "held", "waits", "runs")
    for name in ("held", "waits", "runs"):
        trigger(world, name)
    wait_for(lambda: [job for job in world.jobs("held") if job.spec.suspend], "a run that is held", 60)
    wait_for(lambda: world.pods("runs") and world.pods("runs")[0].status.phase == "Running", "an agent at work", 60)

    node_api.core.delete_namespace(world.namespace)

    wait_for(lambda: _is_gone(world), "no namespace", 60)


def _is_gone(world: World) -> bool:
    try:
        world.api.core.read_namespace(world.namespace)
    except ApiException as error:
        return error.status == 404
    return False
