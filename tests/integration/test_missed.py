"""Why a run was missed, where Kubernetes knows."""

from __future__ import annotations

import pytest
from kubernetes.client import V1ObjectMeta, V1ResourceQuota, V1ResourceQuotaSpec

from tests.integration.steps import told
from tests.world import World, agent_schedule, wait_for


@pytest.mark.turn(-1)
def test_a_quota_that_refuses_the_job_is_the_reason_and_an_edit_still_goes_through(world: World) -> None:
    quota = V1ResourceQuotaSpec(hard={"count/jobs.batch": "0"})
    meta = V1ObjectMeta(name="none")
    world.api.core.create_namespaced_resource_quota(world.namespace, V1ResourceQuota(metadata=meta, spec=quota))
    world.apply(agent_schedule("report", "* * * * *", startingDeadlineSeconds=30))

    missed = wait_for(lambda: world.status("report").get("lastMissed"), "a missed run", 140)

    assert missed["reason"] == "JobCreationFailed"
    assert "exceeded quota: none" in missed["message"]
    assert "exceeded quota" in told(world, "report", "RunMissed")[0]

    world.patch("report", suspend=True)

    wait_for(lambda: world.cronjob("report").spec.suspend, "a suspended CronJob", 60)
    counts = wait_for(lambda: world.status("report").get("phase") == "Suspended" and world.status("report"), "it")
    assert counts["counts"]["due"] == counts["counts"]["missed"] > 0
