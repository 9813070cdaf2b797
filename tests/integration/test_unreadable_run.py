"""A run that was stored under another CRD, and that today's refuses, ends with a sentence and starts nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from agentschedule.api.policies import MAX_TIMEOUT_SECONDS
from tests.integration.steps import at_work, ended
from tests.world import World, schedule_run, wait_for
from tools.cluster.operator_process import OperatorProcess

CRD = "crd/scheduleruns.agentschedule.dev"
MAXIMUM = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/timeoutSeconds/maximum"


@contextmanager
def another_crd(world: World) -> Iterator[None]:
    """One whose runs may take as long as they like."""
    _patch_crd(world, op="remove")
    try:
        wait_for(lambda: _makes(world, "old"), "the other CRD to be in force", 30)
        yield
    finally:
        _patch_crd(world, op="add", value=MAX_TIMEOUT_SECONDS)
    probes = iter(range(1000))
    wait_for(lambda: not _makes(world, f"probe-{next(probes)}"), "today's CRD to be in force again", 30)


def _patch_crd(world: World, **operation: object) -> None:
    world.kubectl("patch", CRD, "--type=json", "-p", json.dumps([{"path": MAXIMUM, **operation}]))


def _makes(world: World, name: str) -> bool:
    """Make a run of thirty years, if the API server takes it."""
    run = schedule_run(name, "report")
    run["spec"] |= {"timeoutSeconds": 999_999_999}
    try:
        world.apply(run)
    except RuntimeError as refused:
        if "timeoutSeconds" not in str(refused):
            raise
        return False
    return True


def test_a_run_that_was_stored_under_another_crd_ends_with_a_sentence(world: World, operator: OperatorProcess) -> None:
    at_work(world, "report")
    operator.kill()
    with another_crd(world):
        pass
    operator.start()
    status = ended(world, "old", "Skipped")
    assert status["reason"] == "InvalidSpec"
    assert status["message"].startswith("spec.timeoutSeconds: ")
    assert status["message"].endswith("; make a new run.")
    assert world.jobs("report") == []
    wait_for(lambda: world.events("old", "InvalidSpec"), "an event that says so")
    assert [event.type for event in world.events("old", "InvalidSpec")] == ["Warning"]
