"""A quota of ScheduleRuns that is used up: the operator's own creations end in a sentence, and nothing is tried on."""

from __future__ import annotations

import pytest
from kubernetes.client import ApiException

from agentschedule import names
from tests.integration.steps import QUIET_SECONDS, answer, at_work, create_manual_run, run_names, settled, started
from tests.world import World, schedule_run, stays, wait_for

COUNTED = "count/scheduleruns.agentschedule.dev"


def quota(world: World, number: int) -> None:
    world.kubectl("create", "quota", "runs", f"--hard={COUNTED}={number}")
    wait_for(lambda: used(world) is not None, "a quota that counts", 60)


def used(world: World) -> str | None:
    status = world.cluster.get("quota", "runs", "-n", world.namespace).get("status") or {}
    count: str | None = (status.get("used") or {}).get(COUNTED)
    return count


def test_a_token_is_rejected_with_the_quotas_words_and_a_persons_run_by_the_api(world: World) -> None:
    at_work(world, "report", concurrencyPolicy="Allow")
    create_manual_run(world, "first", "report")
    started(world, "first")
    quota(world, 1)
    wait_for(lambda: used(world) == "1", "the run to be counted", 60)

    said = answer(world, "report", "one")

    assert (said["outcome"], said["reason"]) == ("Rejected", "RunRefused")
    assert "exceeded quota: runs" in said["message"]
    with pytest.raises(ApiException, match="exceeded quota"):
        world.create(schedule_run("second", "report"))
    assert run_names(world, "report") == ["first"]


def test_a_job_without_room_for_its_record_is_told_once_and_not_tried_on(world: World) -> None:
    at_work(world, "report", concurrencyPolicy="Allow")
    quota(world, 0)

    world.kubectl("create", "job", "mine", "--from=cronjob/report")

    settled(world, "report", "Warning")
    warning = world.condition("report", names.Condition.WARNING)
    assert warning["reason"] == "RunRefused"
    assert "Runs cannot be recorded" in warning["message"]
    assert "exceeded quota: runs" in warning["message"]
    version = world.schedule("report")["metadata"]["resourceVersion"]
    rests = lambda: world.schedule("report")["metadata"]["resourceVersion"] == version  # noqa: E731
    stays(rests, "the status at rest", QUIET_SECONDS)
    assert run_names(world, "report") == []
