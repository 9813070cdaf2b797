"""What the operator writes, by the API server's own log: nothing at rest, and little for each thing that happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agentschedule import names
from tests.integration.rights import Release
from tests.world import Body, World, agent_schedule, rfc3339, wait_for
from tools.cluster import audit
from tools.cluster.operator_process import OperatorProcess

SCHEDULES = 100
REST = 300.0  # seconds
SETTLED = 6.0  # seconds without a write after which nothing more is expected
RESYNC = {"AGENTSCHEDULE_RESYNC_SECONDS": "60"}  # so that several comparisons fall into the rest

DRY_RUN_OF_CRONJOB, WRITE_OF_CRONJOB = "update cronjobs", "update cronjobs"
MARK = "patch cronjobs/status"
STATUS = f"patch {names.SCHEDULE_PLURAL}/status"
RUN_STATUS = f"patch {names.RUN_PLURAL}/status"
NEW_RUN = f"create {names.RUN_PLURAL}"


@pytest.fixture
def operator(operator_kubeconfig: Path, operator_process: Callable[..., OperatorProcess]) -> Iterator[OperatorProcess]:
    """The operator, comparing with lists every minute."""
    process = operator_process(operator_kubeconfig, **RESYNC).start()
    yield process
    process.check_end()


@pytest.mark.timeout(720)
@pytest.mark.turn(-6)
def test_nothing_is_written_while_nothing_changes_nor_when_the_operator_starts_again(
    world: World, operator: OperatorProcess
) -> None:
    _make_all_kinds_of_schedules(world)
    _wait_until_settled(world)
    begun = datetime.now(UTC)

    time.sleep(REST)
    assert _all_writes(world, begun) == []

    restarted = datetime.now(UTC)
    operator.kill()
    operator.start()
    time.sleep(SETTLED)
    # that a name is taken it learns anew, by an attempt
    assert [write for write in _all_writes(world, restarted) if write.code != 409] == []


def test_a_new_schedule_costs_two_writes(world: World) -> None:
    begun = datetime.now(UTC)
    world.apply(agent_schedule("report"))
    _wait_until_settled(world)
    assert _writes(world, begun) == ["create cronjobs", STATUS]


def test_an_edit_costs_three_writes_and_a_dry_run(world: World) -> None:
    world.apply(agent_schedule("report"))
    _wait_until_settled(world)

    begun = datetime.now(UTC)
    world.patch("report", schedule="0 0 28 2 *")
    _wait_until_settled(world)
    assert _writes(world, begun) == [DRY_RUN_OF_CRONJOB, MARK, WRITE_OF_CRONJOB, STATUS]

    begun = datetime.now(UTC)
    world.patch("report", message="Other words, at the same times.")
    _wait_until_settled(world)
    assert _writes(world, begun) == [DRY_RUN_OF_CRONJOB, WRITE_OF_CRONJOB, STATUS]


def test_a_trigger_costs_five_writes_until_its_job_is_released_its_answer_and_two_when_it_ends(world: World) -> None:
    world.apply(agent_schedule("report"))
    _wait_until_settled(world)

    begun = datetime.now(UTC)
    world.trigger("report", "now")
    job = wait_for(lambda: [job for job in world.jobs("report") if not job.spec.suspend], "a released Job")[0]
    _play_start(world, job.metadata.name)
    _wait_until_settled(world)
    writes = _writes(world, begun)
    print("trigger:", writes)
    joining = [NEW_RUN, "create jobs", MARK, RUN_STATUS, "patch jobs"]
    assert writes[: len(joining)] == joining
    after = writes[len(joining) :]
    assert set(after) == {STATUS, RUN_STATUS}
    assert after.count(RUN_STATUS) <= 2, "one when it has a pod, one when that runs"
    assert after.count(STATUS) == 1, "the answer"

    begun = datetime.now(UTC)
    world.play_kubelet(job.metadata.name)
    _wait_until_settled(world)
    assert _writes(world, begun) == [RUN_STATUS, STATUS]


@pytest.mark.timeout(240)
def test_a_scheduled_run_costs_at_most_five_writes(world: World) -> None:
    world.apply(agent_schedule("report", "*/1 * * * *"))
    wait_for(lambda: world.status("report").get("nextRunTime"), "a next run time")
    begun = datetime.now(UTC)
    job = wait_for(lambda: world.jobs("report"), "the Job of a full minute", 80)[0]
    _play_start(world, job.metadata.name)
    run = wait_for(lambda: [run for run in world.runs("report") if run.get("status")], "a record that runs")[0]
    assert run["metadata"]["name"] == job.metadata.name
    world.play_kubelet(job.metadata.name)
    wait_for(lambda: world.status("report")["counts"]["succeeded"] == 1, "the run counted")
    edited = datetime.now(UTC)
    world.patch("report", suspend=True)  # no second run while the last writes are awaited
    _wait_until_settled(world)
    writes = _writes(world, begun, until=edited)
    print("scheduled run:", writes)
    assert len(writes) <= 5
    assert writes.count(NEW_RUN) == 1


def _make_all_kinds_of_schedules(world: World) -> None:
    """Most with a next run time hours away; some suspended, refused, or without a CronJob of their own; one has run."""
    hour = (datetime.now(UTC) + timedelta(hours=12)).hour
    bodies = [agent_schedule(f"rest-{number}", f"{number % 60} {hour} * * *") for number in range(SCHEDULES)]
    for body in bodies[:10]:
        body["spec"]["suspend"] = True
    bodies[10]["spec"]["agent"]["env"] = [{"name": "AGENT_MESSAGE", "value": "not mine to set"}]
    world.apply(_foreign_cronjob("rest-11"), *bodies)
    wait_for(lambda: _observed(world) == SCHEDULES, f"{SCHEDULES} schedules with a status", 120)
    assert world.condition("rest-10", "Accepted")["status"] == "False"
    assert world.condition("rest-11", "Ready")["reason"] == names.Reason.CRONJOB_NAME_TAKEN
    world.trigger("rest-9", "suspended")
    world.trigger("rest-12", "now")
    job = wait_for(lambda: [job for job in world.jobs("rest-12") if not job.spec.suspend], "a released Job")[0]
    world.play_kubelet(job.metadata.name, exit_code=1)
    wait_for(lambda: world.condition("rest-12", "LastRunSucceeded"), "the end of a run")
    wait_for(lambda: world.status("rest-9").get("lastTrigger"), "the answer to a trigger")


def _foreign_cronjob(name: str) -> Body:
    container = {"name": "other", "image": "other.test/none:1"}
    template = {"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}}}
    spec = {"schedule": "0 0 29 2 *", "jobTemplate": template}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": name}, "spec": spec}


def _observed(world: World) -> int:
    found = world.api.custom.list_namespaced_custom_object(
        names.GROUP, names.VERSION, world.namespace, names.SCHEDULE_PLURAL
    )
    return sum("observedGeneration" in (item.get("status") or {}) for item in found["items"])


def _wait_until_settled(world: World) -> None:
    """Return when the operator has written nothing for some seconds."""
    deadline = time.monotonic() + 120
    since = datetime.now(UTC)
    while (datetime.now(UTC) - since).total_seconds() < SETTLED:
        time.sleep(0.5)
        if late := _all_writes(world, since):
            assert time.monotonic() < deadline, f"the operator does not stop writing: {late}"
            since = datetime.now(UTC)


def _writes(world: World, since: datetime, until: datetime | None = None) -> list[str]:
    """The operator's writes to the test's namespace, without events."""
    return [
        f"{write.verb} {write.resource}"
        for write in _all_writes(world, since)
        if write.namespace == world.namespace and write.resource != "events" and (until is None or write.at < until)
    ]


def _all_writes(world: World, since: datetime) -> list[audit.Write]:
    """Whatever the operator wrote, anywhere, apart from leases."""
    user = Release(world.cluster).user
    return [write for write in audit.writes(world.cluster, user, since) if write.resource != "leases"]


def _play_start(world: World, job: str) -> Any:
    """Where no kubelet runs: the pod of a Job begins to run."""
    selector = f"{names.LABEL_JOB_NAME}={job}"
    pods = wait_for(
        lambda: world.api.core.list_namespaced_pod(world.namespace, label_selector=selector).items, f"a pod of {job}"
    )
    running = {"running": {"startedAt": rfc3339(datetime.now(UTC))}}
    container = {"name": names.AGENT_CONTAINER, "image": "", "imageID": "", "ready": True, "restartCount": 0}
    status = {"phase": "Running", "containerStatuses": [container | {"state": running}]}
    return world.api.core.patch_namespaced_pod_status(pods[0].metadata.name, world.namespace, {"status": status})
