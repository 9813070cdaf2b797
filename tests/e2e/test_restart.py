"""The operator's pods go in the middle of things: Kubernetes does the work, the operator records it on its return."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agentschedule.child_names import scheduled_job_name
from agentschedule.names import LABEL_JOB_NAME
from tests.e2e.agents import ended, next_minute, now, runner, scheduled_run, seen, sleep_until, trigger
from tests.e2e.installation import Installation
from tests.fixtures import node_group
from tests.world import World, agent_schedule, wait_for

pytestmark = [node_group("node"), pytest.mark.turn(3)]

BY_HAND = [f"by-hand-{number}" for number in range(4)]
BEFORE = timedelta(seconds=4)  # the operator is told to go so long before the full minute


def test_runs_go_on_without_the_operator_and_all_are_recorded(world: World, installation: Installation) -> None:
    slow = {"sleepSeconds": 12, "output": "Done."}
    manual = [agent_schedule(name, agent=runner(), params=slow) for name in BY_HAND]
    quick = agent_schedule("quick", "*/1 * * * *", runner(), params={"output": "On time."})
    world.apply(quick, *manual)
    seen(world, "quick", *BY_HAND)
    due = next_minute(preparation=15)
    sleep_until(due - timedelta(seconds=12))
    runs = {name: trigger(world, name, "first")["run"] for name in BY_HAND}
    wait_for(lambda: len(_running_pods(world)) == len(BY_HAND), "all agents at work", 60)

    sleep_until(due - BEFORE)
    before = {name: world.run(run).get("status", {}).get("phase") for name, run in runs.items()}
    installation.delete_pods()
    installation.wait_ready()
    print(f"the operator was back {(now() - due).total_seconds():+.1f} s after the full minute")

    assert set(before.values()) == {"Running"}
    for name, run in runs.items():
        status = ended(world, run)["status"]
        assert (status["phase"], status["output"]["content"]) == ("Succeeded", "Done.")
        assert len(world.jobs(name)) == len(world.pods(name)) == 1
        wait_for(lambda: world.status(name)["counts"]["succeeded"] == 1, "one success counted")  # noqa: B023
        assert world.status(name)["counts"]["manual"] == 1
    scheduled = scheduled_run(world, "quick", due)
    assert scheduled["status"]["output"]["content"] == "On time."
    assert scheduled["metadata"]["name"] == scheduled_job_name("quick", due)


def test_a_token_seen_before_a_restart_starts_nothing_after_it(world: World, installation: Installation) -> None:
    world.apply(agent_schedule("report", agent=runner()))
    seen(world, "report")
    first = trigger(world, "report", "one")["run"]
    installation.delete_pods()
    installation.wait_ready()

    second = trigger(world, "report", "two")
    world.trigger("report", "one")  # an older manifest is applied again

    ended(world, first)
    if second["outcome"] == "Accepted":
        ended(world, second["run"])
    known = {run["metadata"]["name"] for run in world.runs("report")}
    assert known == {first, second.get("run", first)}
    assert {job.metadata.name for job in world.jobs("report")} == known


def test_when_the_leaders_pod_goes_the_other_is_at_work_at_once(world: World, installation: Installation) -> None:
    world.apply(agent_schedule("report", agent=runner()))
    seen(world, "report")
    before = installation.leader()
    installation.delete_leader()
    assert installation.leader() not in ("", before)
    assert ended(world, trigger(world, "report", "now")["run"])["status"]["phase"] == "Succeeded"


def _running_pods(world: World) -> list[str]:
    return [pod.metadata.labels[LABEL_JOB_NAME] for pod in world.pods() if pod.status.phase == "Running"]
