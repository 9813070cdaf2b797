"""What never starts, says why within seconds, and ends by the time limit. All schedules are at work together."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.e2e.agents import ended, run_events, runner, seen, shell, trigger
from tests.fixtures import node_group
from tests.world import Body, World, agent_schedule, wait_for

pytestmark = node_group("runs")

LIMIT = 25
SECRET = {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "nobody-made-it", "key": "k"}}}
# Schedule, reason while it waits, words of the message.
CASES: dict[str, tuple[Body, str, str]] = {
    "no-image": ({"agent": {"image": "registry.invalid/none:1"}}, "ImagePullBackOff", "registry.invalid"),
    "no-secret": ({"agent": shell("true") | {"env": [SECRET]}}, "CreateContainerConfigError", "nobody-made-it"),
    "no-node": ({"agent": shell("true") | {"nodeSelector": {"disk": "golden"}}}, "Unschedulable", "selector"),
    "no-account": ({"agent": shell("true") | {"serviceAccountName": "nobody"}}, "FailedCreate", "nobody"),
    "no-map": (
        {"agent": shell("true"), "messageFrom": {"configMapKeyRef": {"name": "no-map", "key": "k"}}},
        "FailedMount",
        "no-map",
    ),
    "root": (
        {"agent": runner() | {"podTemplate": {"spec": {"securityContext": {"runAsUser": 0}}}}},
        "CreateContainerConfigError",
        "non-root",
    ),
}


@pytest.fixture(scope="module")
def runs(shared: World) -> Iterator[Callable[[str], str]]:
    """Each schedule's run, by the schedule's name."""
    schedules = (agent_schedule(name, timeoutSeconds=LIMIT, **case[0]) for name, case in CASES.items())
    shared.apply(*schedules)
    seen(shared, *CASES)
    started = {name: trigger(shared, name)["run"] for name in CASES}
    return lambda name: started[name]


@pytest.mark.parametrize("name", CASES)
def test_a_run_that_waits_says_why(shared: World, runs: Callable[[str], str], name: str) -> None:
    _, reason, words = CASES[name]
    status = wait_for(lambda: _with_reason(shared, runs(name), reason), f"{reason} on {name}", 60)
    assert status["phase"] == "Pending"
    assert words in status["message"]


@pytest.mark.parametrize("name", CASES)
def test_what_never_starts_ends_by_the_time_limit_with_its_reason(
    shared: World, runs: Callable[[str], str], name: str
) -> None:
    _, reason, words = CASES[name]
    status = ended(shared, runs(name))["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "NeverStarted")
    assert status["message"].startswith(f"The agent did not start within its time limit ({reason}")
    assert words in status["message"]
    assert "startTime" not in status
    events = wait_for(lambda: run_events(shared, runs(name)), "an event")
    assert [event.reason for event in events] == ["NeverStarted"]


def _with_reason(world: World, run: str, reason: str) -> Body | None:
    status: Body = world.run(run).get("status") or {}
    return status if status.get("reason") == reason else None
