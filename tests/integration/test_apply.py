"""From ``kubectl apply`` to a CronJob."""

from __future__ import annotations

import time
from typing import Any

from agentschedule import names
from tests.golden import assert_golden, manifest
from tests.integration.steps import at_work, create_manual_run, settled, started
from tests.world import Body, World, agent_schedule, rfc3339, stays, wait_for

SERVER_SET = ("creationTimestamp", "generation", "managedFields", "namespace", "resourceVersion", "uid")


def cronjobs(world: World) -> list[Any]:
    items: list[Any] = world.api.batch.list_namespaced_cron_job(world.namespace).items
    return items


def stored(world: World, name: str) -> Body:
    """A CronJob as the API server keeps it, without what is another one in each run."""
    body: Body = world.cluster.get("cronjob", name, "-n", world.namespace)
    body.pop("status", None)
    meta = body["metadata"] = {k: v for k, v in body["metadata"].items() if k not in SERVER_SET}
    assert meta["ownerReferences"][0]["uid"] == world.schedule(name)["metadata"]["uid"]
    meta["ownerReferences"][0]["uid"] = "(the schedule's)"
    assert len(meta["annotations"][names.ANNOTATION_SPEC_HASH]) == 16
    meta["annotations"][names.ANNOTATION_SPEC_HASH] = "(of the body)"
    return body


def test_a_schedule_becomes_a_cronjob_within_a_second(world: World) -> None:
    # Three times, and the median counts: the machine may be busy with other tests.
    assert sorted(_seconds_to_a_cronjob(world, number) for number in (1, 2, 3))[1] < 1
    assert {made.spec.time_zone for made in cronjobs(world)} == {"America/New_York"}


def _seconds_to_a_cronjob(world: World, number: int) -> float:
    world.apply(agent_schedule(f"report-{number}", "0 8 * * 1-5", timeZone="America/New_York"))
    begun = time.monotonic()
    wait_for(lambda: len(cronjobs(world)) == number, "a CronJob")
    return time.monotonic() - begun


def test_the_cronjob_is_exactly_as_expected(world: World) -> None:
    body = manifest("agentschedule")
    world.apply(body)
    settled(world, body["metadata"]["name"])
    assert_golden("cronjob-stored", stored(world, body["metadata"]["name"]))


def test_the_status_says_what_is_in_force(world: World) -> None:
    status = at_work(world, "report", "0 8 * * 1-5", timeZone="America/New_York")

    assert status["phase"] == "Active"
    assert (status["cronJob"], status["resolvedSchedule"]) == ("report", "0 8 * * 1-5")
    assert (status["nextRunTime"], len(status["nextRunTimes"])) == (status["nextRunTimes"][0], 5)
    assert status["counts"] == dict.fromkeys(status["counts"], 0)
    assert {c["type"]: c["status"] for c in status["conditions"]} == {
        "Accepted": "True",
        "Ready": "True",
        "Stalled": "False",
    }
    assert {c["observedGeneration"] for c in status["conditions"]} == {1}


def test_an_edit_updates_the_cronjob_as_a_whole(world: World) -> None:
    at_work(world, "report", "0 8 * * *", agent={"env": [{"name": "REGION", "value": "emea"}]}, message="one")
    before = cronjobs(world)[0]
    body = agent_schedule("report", "30 9 * * *", message="two", timeoutSeconds=60, concurrencyPolicy="Allow")

    world.apply(body | {"spec": body["spec"] | {"timeZone": "Europe/Berlin"}})

    status = settled(world, "report")
    after = cronjobs(world)[0]
    assert after.metadata.uid == before.metadata.uid
    assert after.metadata.generation == before.metadata.generation + 1
    spec = after.spec
    assert (spec.schedule, spec.time_zone, spec.concurrency_policy) == ("30 9 * * *", "Europe/Berlin", "Allow")
    pod = spec.job_template.spec.template.spec
    env = {item.name: item.value for item in pod.containers[0].env}
    assert (env["AGENT_MESSAGE"], "REGION" in env, pod.active_deadline_seconds) == ("two", False, 60)
    assert (status["observedGeneration"], status["resolvedSchedule"]) == (2, "30 9 * * *")
    assert status["effectiveFrom"] == rfc3339(after.status.last_schedule_time)
    assert after.status.last_schedule_time >= before.metadata.creation_timestamp


def test_an_edit_does_not_stop_a_run_that_is_active(world: World) -> None:
    at_work(world, "report", message="one")
    create_manual_run(world, "now", "report")
    job = started(world, "now")

    world.patch("report", message="two", schedule="0 9 * * *")

    settled(world, "report")
    stays(lambda: [j.metadata.uid for j in world.jobs()] == [job.metadata.uid], "the same Job", 3)
    assert [ref.uid for ref in world.cronjob("report").status.active] == [job.metadata.uid]
    assert world.run("now")["status"]["input"]["message"] == "one"


def test_nothing_but_status_is_written_to_the_users_object(world: World) -> None:
    at_work(world, "report")
    meta = world.schedule("report")["metadata"]

    assert set(meta["annotations"]) == {"kubectl.kubernetes.io/last-applied-configuration"}
    assert "finalizers" not in meta
    assert "labels" not in meta
    theirs = [field for field in meta["managedFields"] if field["manager"] != "kubectl-client-side-apply"]
    assert [(field["manager"], field.get("subresource")) for field in theirs] == [(names.MANAGER, "status")]


def test_an_operator_at_rest_writes_nothing(world: World) -> None:
    at_work(world, "report")
    watched = (lambda: world.schedule("report"), lambda: world.cronjob("report").to_dict())
    before = [ask() for ask in watched]
    stays(lambda: [ask() for ask in watched] == before, "schedule and CronJob at rest", 5)


def test_the_same_manifest_applied_again_changes_nothing(world: World) -> None:
    at_work(world, "report", params={"b": 1, "a": 2})
    version = world.cronjob("report").metadata.resource_version
    world.apply(agent_schedule("report", params={"a": 2, "b": 1}))
    stays(lambda: world.cronjob("report").metadata.resource_version == version, "the CronJob as it was", 3)


def test_explain_says_what_to_write(world: World) -> None:
    output = " ".join(world.kubectl("explain", "agentschedule.spec.schedule").split())
    assert '"0 8 * * 1-5" for 08:00 on weekdays' in output
    assert "five cron fields" in output
