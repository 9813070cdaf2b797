"""What looks like Kopf's own notes on users' objects changes nothing: anybody may write such annotations, and another
operator made with Kopf its finalizer. Every edit is seen all the same, and nothing of it is touched."""

from __future__ import annotations

import json

import pytest

from tests.integration.steps import at_work, create_manual_run, ended, settled, started
from tests.world import Body, World, agent_schedule, schedule_run, wait_for

KOPF = "kopf.zalando.org"
LAST = f"{KOPF}/last-handled-configuration"
FINALIZER = f"{KOPF}/KopfFinalizerMarker"
KINDS = ("agentschedules", "scheduleruns", "cronjobs", "jobs", "pods")
NOTES: dict[str, Body] = {
    "no-json": {LAST: "{"},
    "empty": {LAST: ""},
    "another-type": {LAST: "[1, 2]"},
    "a-number": {LAST: "7"},
    "another-spec": {LAST: json.dumps({"spec": {"schedule": "0 1 * * *"}, "metadata": {"labels": 7}})},
    "very-deep": {LAST: "[" * 100_000},
    "progress": {f"{KOPF}/{kind}": "{" for kind in KINDS},
    "done-before": {f"{KOPF}/{kind}": json.dumps({"success": True, "retries": 9}) for kind in KINDS},
    "put-off": {f"{KOPF}/{kind}": json.dumps({"delayed": "9999-12-31T23:59:59"}) for kind in KINDS},
    "no-time": {f"{KOPF}/{kind}": json.dumps({"started": "never", "retries": "x"}) for kind in KINDS},
    "touched": {f"{KOPF}/touch-dummy": "x", f"{KOPF}/kopf-managed": "yes"},
}


def noted(body: Body, notes: Body, finalizers: tuple[str, ...] = ()) -> Body:
    """The object, with annotations and finalizers that pass for Kopf's."""
    body["metadata"] |= {"annotations": dict(notes)} | ({"finalizers": list(finalizers)} if finalizers else {})
    return body


def becomes(world: World, name: str, schedule: str, seconds: float = 20) -> None:
    """The CronJob follows the edit."""
    wait_for(lambda: world.cronjob(name).spec.schedule == schedule, f"CronJob {name} at {schedule}", seconds)


def test_every_edit_of_a_schedule_is_seen_whatever_its_annotations_pretend(world: World) -> None:
    world.create(*(noted(agent_schedule(name), notes) for name, notes in NOTES.items()))
    for name in NOTES:
        settled(world, name)

    for hour in (3, 4):
        for name in NOTES:
            world.patch(name, schedule=f"0 {hour} 29 2 *")
        for name in NOTES:
            becomes(world, name, f"0 {hour} 29 2 *")

    for name, notes in NOTES.items():
        assert world.schedule(name)["metadata"]["annotations"] == notes


def test_a_finalizer_of_another_operator_made_with_kopf_stays_and_hides_no_edit(world: World) -> None:
    at_work(world, "report")
    finalizers = json.dumps({"metadata": {"finalizers": [FINALIZER]}})
    world.kubectl("patch", "agentschedules", "report", "--type=merge", "-p", finalizers)
    for hour in range(1, 6):
        world.patch("report", schedule=f"0 {hour} 29 2 *")
        becomes(world, "report", f"0 {hour} 29 2 *", 3)
    assert world.schedule("report")["metadata"]["finalizers"] == [FINALIZER]

    world.kubectl("patch", "agentschedules", "report", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')


@pytest.mark.parametrize("attack", ["no-json", "very-deep", "progress"])
def test_a_run_is_followed_to_its_end_whatever_is_written_on_its_objects(world: World, attack: str) -> None:
    notes = NOTES[attack]
    at_work(world, "report")
    world.create(noted(schedule_run("now", "report"), notes))
    started(world, "now")
    merge = json.dumps({"metadata": {"annotations": notes}})
    pod = wait_for(lambda: world.open_pods("now"), "a pod")[0].metadata.name
    for kind, name in (("jobs", "now"), ("pods", pod), ("cronjobs", "report")):
        world.kubectl("patch", kind, name, "--type=merge", "-p", merge)

    world.start_pod("now")
    wait_for(lambda: world.run("now")["status"]["phase"] == "Running", "the run at work", 5)
    world.play_kubelet("now")
    ended(world, "now", "Succeeded")

    assert world.run("now")["metadata"]["annotations"] == notes
    create_manual_run(world, "next", "report")
    started(world, "next")
