"""Replace: the newer run ends the older one, and the two never overlap; by hand, and when a run comes due."""

from __future__ import annotations

from collections.abc import Callable

from agentschedule import child_names, names
from tests.e2e.agents import ended, moment, next_minute, scheduled_run, seen, shell, sleep_until, trigger
from tests.fixtures import node_group
from tests.world import Body, World, agent_schedule, wait_for

pytestmark = node_group("runs")

# Takes a while to go.
AGENT = shell("trap 'sleep 3; exit 1' TERM; sleep 300 & wait") | {
    "podTemplate": {"spec": {"terminationGracePeriodSeconds": 10}}
}


def in_phase(world: World, run: str, phase: str) -> Callable[[], bool]:
    def has_come() -> bool:
        return [
            r for r in world.runs() if (r["metadata"]["name"], r.get("status", {}).get("phase")) == (run, phase)
        ] != []

    return has_come


def test_a_manual_run_takes_the_place_of_the_one_before(world: World) -> None:
    world.apply(agent_schedule("report", agent=AGENT, concurrencyPolicy="Replace", retry={"limit": 2}))
    seen(world, "report")
    first = trigger(world, "report", "one")["run"]
    wait_for(in_phase(world, first, "Running"), "the first at work", 60)

    second = trigger(world, "report", "two")["run"]

    status = ended(world, first)["status"]
    assert (status["phase"], status["reason"]) == ("Cancelled", "Replaced")
    assert second in status["message"]
    wait_for(in_phase(world, second, "Running"), "the second at work", 60)
    old, new = world.run(first)["status"]["attempts"], world.run(second)["status"]["attempts"]
    assert len(old) == len(new) == 1
    assert moment(new[0]["startTime"]) >= moment(old[0]["completionTime"])
    world.kubectl("patch", "srun", second, "--type=merge", "-p", '{"spec":{"cancel":true}}')
    ended(world, second)
    counts = wait_for(lambda: (c := world.status("report")["counts"])["manual"] == 2 and c, "two counted")
    assert (counts["manual"], counts["succeeded"], counts["failed"]) == (2, 0, 0)


def test_of_three_at_once_the_last_one_runs(world: World) -> None:
    world.apply(agent_schedule("report", agent=AGENT, concurrencyPolicy="Replace"))
    seen(world, "report")
    for name in ("aa", "bb", "cc"):
        world.apply({"apiVersion": names.API_VERSION, "kind": names.RUN_KIND, "metadata": {"name": name},
                     "spec": {"scheduleName": "report"}})  # fmt: skip
    wait_for(in_phase(world, "cc", "Running"), "the last one at work", 60)
    ends = {name: ended(world, name, 60)["status"] for name in ("aa", "bb")}
    assert {status["reason"] for status in ends.values()} == {"Replaced"}
    pods = [pod for pod in world.pods() if pod.status.phase == "Running"]
    assert [pod.metadata.labels[names.LABEL_JOB_NAME] for pod in pods] == ["cc"]


def test_a_run_that_comes_due_takes_the_place_of_a_manual_one(world: World) -> None:
    minute = next_minute(preparation=25)
    once_a_day = f"{minute.minute} {minute.hour} * * *"
    world.apply(agent_schedule("report", once_a_day, agent=AGENT, concurrencyPolicy="Replace"))
    seen(world, "report")
    manual = trigger(world, "report")["run"]
    wait_for(in_phase(world, manual, "Running"), "the run by hand at work", 60)
    sleep_until(minute)

    status = ended(world, manual)["status"]
    due = child_names.scheduled_job_name("report", minute)
    assert (status["phase"], status["reason"]) == ("Cancelled", "Replaced")
    assert due in status["message"]
    wait_for(in_phase(world, due, "Running"), "the scheduled one at work", 60)
    world.kubectl("delete", "job", due)
    run: Body = scheduled_run(world, "report", minute)
    assert run["status"]["reason"] == "JobDeleted"
