"""Runs that try to be more than they are: names that mean something in a path, JSON that is too deep or too large. Each
gets its answer, and nobody else notices.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from agentschedule import names
from tests.fixtures import Api
from tests.integration import timeline
from tests.integration.steps import at_work, create_manual_run, ended, settled, started
from tests.world import FULL, Body, World, schedule_run, wait_for
from tools.cluster.base import Cluster
from tools.cluster.operator_process import OperatorProcess

GROWS_LESS = 50  # MiB: what the large runs would take
CRD = f"{names.RUN_PLURAL}.{names.GROUP}"
LIMITS = ("maxLength", "x-kubernetes-validations", "pattern", "maxProperties")
NOT_NAMES = {
    "dot": ".",
    "dots": "..",
    "question": "?",
    "watch": "?watch=true",
    "hash": "#",
    "slash": "a/b",
    "blank": "a b",
    "victim": "../../../namespaces/{victim}/agentschedules/report",
    "encoded": "%2e%2e",
    "encoded-victim": "..%2f..%2f..%2fnamespaces%2f{victim}%2fagentschedules%2freport",
    "long": "a" * 253,
    "newline": "report\n",
    "unicode": "bericht-für-ü\u202e",
    "selector": "report,other!=x",
    "capital": "Report",
}


@pytest.fixture
def old_crd(control_plane: Cluster, crds: None) -> Iterator[None]:  # noqa: ARG001
    """The CRD of before there were limits, so that objects are stored that none would take today."""
    right = json.loads(control_plane.kubectl("get", "crd", CRD, "-o", "json"))
    lax = copy.deepcopy(right)
    spec = lax["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    for field in ("scheduleName", "params"):
        for limit in LIMITS:
            spec[field].pop(limit, None)

    def put(crd: Body) -> None:
        version = json.loads(control_plane.kubectl("get", "crd", CRD, "-o", "json"))["metadata"]["resourceVersion"]
        crd["metadata"] = {"name": CRD, "resourceVersion": version}
        control_plane.kubectl("replace", "-f", "-", stdin=json.dumps(crd))

    put(lax)
    try:
        yield
    finally:
        put(right)


def create(world: World, run: Body) -> None:
    """As soon as the API server has taken up the CRD of today."""

    def made() -> bool:
        said = world.cluster.kubectl("-n", world.namespace, "create", "-f", "-", stdin=json.dumps(run), check=False)
        return "created" in said or "AlreadyExists" in said

    wait_for(made, f"run {run['metadata']['name']}", 30)


@pytest.fixture
def victim(control_plane: Cluster, api: Api) -> Iterator[World]:
    """Somebody else's namespace, with a schedule."""
    with timeline.own_namespace(lambda namespace: World(control_plane, api, namespace)) as world:
        yield world


def test_what_no_schedule_can_be_called_is_skipped_and_reaches_nobody_else(
    old_crd: None,  # noqa: ARG001
    world: World,
    victim: World,
    operator: OperatorProcess,
) -> None:
    at_work(victim, "report", concurrencyPolicy="Allow")
    pid = operator._process.pid if operator._process else 0
    for name, schedule in NOT_NAMES.items():
        create(world, schedule_run(name, schedule.format(victim=victim.namespace)))

    for name in NOT_NAMES:
        status = ended(world, name, "Skipped")
        assert status["reason"] == "ScheduleNotFound", (name, status)
        assert "No AgentSchedule can be called" in status["message"]
        assert "\n" not in status["message"]

    create_manual_run(victim, "now", "report")
    assert started(victim, "now")
    assert settled(victim, "report")["phase"] == "Active"
    assert operator.running
    assert operator._process
    assert operator._process.pid == pid
    said = operator.log.read_text()
    assert "Traceback" not in said
    assert "again in" not in said, "nothing was tried again"


def skipped(world: World, run: str) -> str:
    """Why a run was skipped; read by kubectl, for Python does not read what is in it."""
    what = ("-o", "jsonpath={.status.phase}: {.status.message}")
    return wait_for(lambda: world.kubectl("get", "srun", run, *what).removeprefix(": "), f"an answer to {run}", 40)


def deep_run(name: str, levels: int) -> str:
    params = '{"a":' * levels + "1" + "}" * levels
    return json.dumps(schedule_run(name, "report")).replace('"scheduleName"', f'"params": {params}, "scheduleName"')


@pytest.mark.parametrize("levels", [1_200, 9_000] if FULL else [1_200])
def test_a_run_that_nests_too_deep_is_skipped_in_a_watch_and_in_a_list_and_hides_no_other(
    levels: int, world: World, operator: OperatorProcess
) -> None:
    allowed: Any = {"whenInactive": "Allow", "allowOverrides": ["params"]}
    at_work(world, "report", concurrencyPolicy="Allow", manualRuns=allowed)
    world.cluster.kubectl("-n", world.namespace, "create", "-f", "-", stdin=deep_run("watched", levels))
    create_manual_run(world, "beside", "report")
    assert started(world, "beside")
    assert skipped(world, "watched").startswith("Skipped: params is nested more than 30 levels deep")

    operator.kill()
    world.cluster.kubectl("-n", world.namespace, "create", "-f", "-", stdin=deep_run("listed", levels))
    create_manual_run(world, "after", "report")
    operator.start()
    assert started(world, "after")
    assert skipped(world, "listed").startswith("Skipped: params is nested more than 30 levels deep")


def test_runs_with_too_much_are_skipped_and_cost_no_memory(world: World, operator: OperatorProcess) -> None:
    at_work(world, "report", concurrencyPolicy="Allow", manualRuns={"allowOverrides": ["params"]})
    before = operator.memory
    large = [f"large-{number}" for number in range(2)]
    for name in large:
        run = schedule_run(name, "report")
        run["spec"]["params"] = {"a": [{}] * 450_000}
        world.cluster.kubectl("-n", world.namespace, "create", "-f", "-", stdin=json.dumps(run, separators=(",", ":")))
    for name in large:
        assert skipped(world, name).startswith("Skipped: params is too large")
    assert operator.memory - before < GROWS_LESS
    operator.kill()
    operator.start()
    assert operator.memory - before < GROWS_LESS


def test_the_schema_refuses_what_no_schedule_can_be_called(world: World) -> None:
    for name, schedule in NOT_NAMES.items():
        run = schedule_run(name, schedule.format(victim="x"))
        said = world.cluster.kubectl(
            "-n", world.namespace, "create", "--dry-run=server", "-f", "-", stdin=json.dumps(run), check=False
        )
        assert "spec.scheduleName" in said, (name, said)
