"""A bug met over one schedule: all others go on, its owner is told, and it is tried again when something changes."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.operator_with_bugs import MENDED, SECRET
from tests.integration.steps import answer, at_work, finish, settled, started, told
from tests.world import World, agent_schedule, schedule_run, stays, wait_for
from tools.cluster.operator_process import OperatorProcess, SharedOperator

ID = re.compile(r"ZeroDivisionError,? ([0-9a-f]{8})")


class WithBugs(OperatorProcess):
    """The operator with bugs in its plan."""

    module = "tests.integration.operator_with_bugs"


@pytest.fixture
def operator(operator_kubeconfig: Path, tmp_path: Path, shared_operator: SharedOperator) -> Iterator[OperatorProcess]:
    shared_operator.rest()
    with WithBugs(operator_kubeconfig, tmp_path / "operator.log") as process:
        yield process


def metric(operator: OperatorProcess, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", operator.metrics(), re.MULTILINE)
    return float(found.group(1)) if found else 0


def test_a_schedule_that_the_operator_fails_at_is_told_and_all_others_go_on(
    world: World, operator: OperatorProcess
) -> None:
    at_work(world, "before")
    world.create(agent_schedule("broken"))
    said = wait_for(lambda: world.condition("broken", "Stalled"), "the owner told")
    assert (said["status"], said["reason"]) == ("True", "InternalError")
    found = ID.search(said["message"])
    assert found
    (event,) = wait_for(lambda: world.events("broken", "InternalError"), "an event")
    assert event.message == said["message"]
    assert event.type == "Warning"
    assert SECRET not in event.message

    at_work(world, "after")
    for name in ("before", "after"):
        assert answer(world, name, "now")["outcome"] == "Accepted"
        started(world, world.runs(name)[0]["metadata"]["name"])
    assert metric(operator, "agentschedule_stalled") == 1
    assert metric(operator, 'agentschedule_reconcile_errors_total{exception="ZeroDivisionError"}') >= 1

    log = operator.log.read_text()
    assert f"{world.namespace}/broken: internal error ZeroDivisionError {found.group(1)}" in log
    assert not [line for line in log.splitlines() if line.startswith("and a second line")]


def test_it_is_tried_again_with_each_change_and_each_start_and_said_to_be_over(
    world: World, operator: OperatorProcess
) -> None:
    world.create(agent_schedule("broken"))
    wait_for(lambda: world.condition("broken", "Stalled").get("reason") == "InternalError", "the owner told")

    def tries() -> float:
        return metric(operator, 'agentschedule_reconcile_errors_total{exception="ZeroDivisionError"}')

    time.sleep(1.5)
    before = tries()
    world.patch("broken", schedule="0 1 29 2 *")
    wait_for(lambda: tries() > before, "another try", 5)
    version = world.schedule("broken")["metadata"]["resourceVersion"]
    stays(lambda: world.schedule("broken")["metadata"]["resourceVersion"] == version, "nothing written", 5)
    assert operator.log.read_text().count("Traceback") == 1
    assert len(world.events("broken", "InternalError")) == 1

    operator.terminate()
    operator.start()
    wait_for(lambda: operator.log.read_text().count("Traceback") == 2, "a try at the start")

    world.kubectl("label", "agentschedules", "broken", f"{MENDED}=yes")
    settled(world, "broken")
    wait_for(lambda: world.condition("broken", "Stalled")["reason"] == "AsExpected", "it said to be over")
    assert metric(operator, "agentschedule_stalled") == 0


def test_a_run_that_the_operator_fails_at_leaves_its_schedule_and_the_other_runs_at_work(
    world: World, operator: OperatorProcess
) -> None:
    at_work(world, "report", concurrencyPolicy="Allow")
    world.create(schedule_run("broken-one", "report"))
    wait_for(lambda: world.events("broken-one", "InternalError"), "the owner of the run told")
    wait_for(lambda: world.condition("report", "Stalled").get("reason") == "InternalError", "the schedule stalled")
    world.create(schedule_run("good", "report"))
    finish(world, "good")
    assert answer(world, "report", "now")["outcome"] == "Accepted"
    assert world.condition("report", "Stalled")["reason"] == "InternalError"
    assert world.condition("report", "Ready")["status"] == "True"
    version = world.schedule("report")["metadata"]["resourceVersion"]
    stays(lambda: world.schedule("report")["metadata"]["resourceVersion"] == version, "nothing written", 3)

    world.kubectl("delete", "scheduleruns", "broken-one")
    wait_for(lambda: world.condition("report", "Stalled")["reason"] == "AsExpected", "it is over")
    assert operator.log.read_text().count("Traceback") == 1


def test_a_run_of_no_schedule_that_the_operator_fails_at_has_an_event(world: World, operator: OperatorProcess) -> None:
    world.create(schedule_run("broken-alone", "nowhere"))
    (said,) = told(world, "broken-alone", "InternalError")
    assert ID.search(said)
    at_work(world, "report")
    assert operator.running
