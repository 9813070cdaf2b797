"""The CronJob is the operator's: what others write into it is put back; what is not ours is never touched."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from agentschedule import names
from tests.integration.steps import at_work, create_manual_run, ended, settled, started, told
from tests.world import NEVER, Body, World, agent_schedule, stays, wait_for
from tools.cluster.operator_process import OperatorProcess

POD = "/spec/jobTemplate/spec/template"
LABEL = names.LABEL_SCHEDULE.replace("/", "~1")
AGENT_LABEL = names.LABEL_AGENT.replace("/", "~1")
EDITS = [
    pytest.param([("replace", "/spec/schedule", "* * * * *")], id="the schedule"),
    pytest.param([("replace", "/spec/suspend", True)], id="suspend"),
    pytest.param([("replace", "/spec/startingDeadlineSeconds", 20)], id="the deadline"),
    pytest.param([("add", f"{POD}/spec/containers/0/env/-", {"name": "EXTRA", "value": "1"})], id="an env"),
    pytest.param([("add", f"{POD}/spec/containers/-", {"name": "side", "image": "side"})], id="a sidecar"),
    pytest.param([("add", f"{POD}/spec/hostNetwork", True)], id="the host's network"),
    pytest.param([("add", f"{POD}/metadata/labels/extra", "1")], id="a label of its pods"),
    pytest.param([("remove", "/metadata/ownerReferences", None)], id="the owner"),
    pytest.param([("remove", f"/metadata/labels/{LABEL}", None)], id="the label that we watch by"),
    pytest.param([("replace", f"/metadata/labels/{AGENT_LABEL}", "other")], id="another label of ours"),
    pytest.param([("remove", "/metadata/annotations", None)], id="our annotations"),
    pytest.param(
        [("replace", "/spec/schedule", "0 1 * * *"), ("remove", f"/metadata/labels/{LABEL}", None)],
        id="schedule and label",
    ),
]


def essence(world: World, name: str) -> Body:
    """What a CronJob says, without what the server counts."""
    body: Body = world.api.client.sanitize_for_serialization(world.cronjob(name))
    meta = body["metadata"]
    notes = (
        {k: v for k, v in meta["annotations"].items() if k == names.ANNOTATION_SPEC_HASH}
        if "annotations" in meta
        else {}
    )
    return {
        "labels": meta.get("labels"),
        "owners": meta.get("ownerReferences"),
        "notes": notes,
        "spec": body["spec"],
    }


def edit(world: World, name: str, steps: list[tuple[str, str, Any]]) -> None:
    patch = [{"op": op, "path": path} | ({} if op == "remove" else {"value": value}) for op, path, value in steps]
    world.kubectl("patch", "cronjob", name, "--type=json", "-p", json.dumps(patch))


@pytest.mark.parametrize("steps", EDITS)
def test_an_edit_by_others_is_put_back_with_an_event(world: World, steps: list[tuple[str, str, Any]]) -> None:
    at_work(world, "report")
    before, uid = essence(world, "report"), world.cronjob("report").metadata.uid

    edit(world, "report", steps)

    assert_put_back(lambda: essence(world, "report"), before)
    assert world.cronjob("report").metadata.uid == uid
    assert told(world, "report", "CronJobUpdated") == ["Put CronJob report back: someone had edited it."]
    generation = settled(world, "report")["observedGeneration"]
    assert generation == world.schedule("report")["metadata"]["generation"] == 1
    # and nothing is written from then on
    version = world.cronjob("report").metadata.resource_version
    stays(lambda: world.cronjob("report").metadata.resource_version == version, "the CronJob at rest", 3)


def assert_put_back(ask: Callable[[], Body], before: Body, seconds: float = 15) -> None:
    try:
        wait_for(lambda: ask() == before, "the CronJob as it was", seconds)
    except AssertionError:
        assert ask() == before  # says what differs
        raise


def test_an_edit_made_while_the_operator_was_down_is_put_back(world: World, operator: OperatorProcess) -> None:
    at_work(world, "report")
    before = essence(world, "report")
    operator.kill()
    edit(world, "report", [("replace", "/spec/schedule", "0 1 * * *"), ("add", f"{POD}/spec/hostNetwork", True)])
    operator.start()
    assert_put_back(lambda: essence(world, "report"), before)


def test_a_cronjob_that_is_deleted_is_made_again(world: World) -> None:
    at_work(world, "report")
    before, uid = essence(world, "report"), world.cronjob("report").metadata.uid
    world.kubectl("delete", "cronjob", "report")
    wait_for(
        lambda: any(c.metadata.uid != uid for c in world.api.batch.list_namespaced_cron_job(world.namespace).items),
        "another CronJob",
    )
    assert_put_back(lambda: essence(world, "report"), before)


@pytest.mark.parametrize("ours", [False, True], ids=["of somebody's own", "with our label and another owner"])
def test_a_cronjob_that_is_not_ours_is_never_touched(world: World, ours: bool) -> None:
    world.kubectl("create", "cronjob", "report", f"--schedule={NEVER}", "--image=theirs")
    if ours:
        world.kubectl("label", "cronjob", "report", f"{names.LABEL_SCHEDULE}=report")
        at_work(world, "other")
        reference = {"apiVersion": names.API_VERSION, "kind": names.SCHEDULE_KIND, "controller": True}
        reference |= {"name": "other", "uid": world.schedule("other")["metadata"]["uid"]}
        edit(world, "report", [("add", "/metadata/ownerReferences", [reference])])
    before = world.cronjob("report").to_dict()
    world.apply(agent_schedule("report"))

    status = settled(world, "report", "Ready", "False")

    ready = world.condition("report", "Ready")
    assert (ready["reason"], "rename one of the two" in ready["message"]) == ("CronJobNameTaken", True)
    assert world.condition("report", "Accepted")["status"] == "True"
    assert "cronJob" not in status
    assert "nextRunTime" not in status
    create_manual_run(world, "now", "report")
    assert ended(world, "now", "Skipped")["reason"] == "ScheduleNotReady"
    world.patch("report", schedule="0 1 * * *")
    settled(world, "report", "Ready", "False")
    stays(lambda: world.cronjob("report").to_dict() == before, "their CronJob as it was", 3)
    assert len(world.events("report", "CronJobNameTaken")) == 1


def test_a_name_that_stays_taken_is_asked_about_and_not_fought_for(world: World, operator: OperatorProcess) -> None:
    world.kubectl("create", "cronjob", "report", f"--schedule={NEVER}", "--image=theirs")
    world.apply(agent_schedule("report"))
    settled(world, "report", "Ready", "False")
    operator.kill()
    operator.start()
    version = world.schedule("report")["metadata"]["resourceVersion"]
    # Longer than it takes until everything is listed once more, and their CronJob is not in our list.
    stays(lambda: world.schedule("report")["metadata"]["resourceVersion"] == version, "the schedule at rest", 8)
    world.patch("report", schedule="0 1 * * *")
    settled(world, "report", "Ready", "False")
    assert world.condition("report", "Ready")["reason"] == "CronJobNameTaken"
    assert "no end after" not in operator.log.read_text()


def taken_and_given_up(world: World) -> None:
    world.kubectl("create", "cronjob", "report", f"--schedule={NEVER}", "--image=theirs")
    world.apply(agent_schedule("report"))
    settled(world, "report", "Ready", "False")
    world.kubectl("delete", "cronjob", "report")


def test_a_name_that_becomes_free_is_taken_with_the_next_edit(world: World) -> None:
    taken_and_given_up(world)
    world.patch("report", schedule="0 1 * * *")
    settled(world, "report")
    assert world.cronjob("report").spec.schedule == "0 1 * * *"
    create_manual_run(world, "now", "report")
    started(world, "now")


@pytest.mark.turn(-2)
def test_a_name_that_becomes_free_is_taken_within_a_minute_by_itself(world: World) -> None:
    taken_and_given_up(world)
    wait_for(lambda: world.api.batch.list_namespaced_cron_job(world.namespace).items, "a CronJob of ours", 75)
    settled(world, "report")


def test_an_orphaned_cronjob_is_adopted(world: World) -> None:
    at_work(world, "report")
    cronjob = world.cronjob("report").metadata
    world.kubectl("delete", "agentschedule", "report", "--cascade=orphan")
    wait_for(lambda: not world.cronjob("report").metadata.owner_references, "an orphan")

    world.apply(agent_schedule("report", "0 1 * * *"))

    settled(world, "report")
    now = world.cronjob("report")
    assert (now.metadata.uid, now.spec.schedule) == (cronjob.uid, "0 1 * * *")
    assert [ref.uid for ref in now.metadata.owner_references] == [world.schedule("report")["metadata"]["uid"]]
