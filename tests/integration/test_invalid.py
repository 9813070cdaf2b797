"""What only the operator can refuse: a sentence for the author, and the former CronJob goes on as it was."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.steps import (
    QUIET_SECONDS,
    answer,
    at_work,
    create_manual_run,
    ended,
    job_names,
    run_names,
    settled,
    started,
    told,
)
from tests.world import Body, World, agent_schedule, stays, wait_for

AGENT = {"image": "agent.test/none:1"}
TAKEN_ENV = [{"name": "AGENT_MESSAGE", "value": "mine"}]
BAD_VOLUME = {"spec": {"volumes": [{"name": "Bad_Name", "emptyDir": {}}]}}
# (spec, reason, what the sentence says)
MISTAKES = [
    pytest.param({"timeZone": "Mars/Phobos"}, "InvalidSchedule", "Mars/Phobos", id="a zone that does not exist"),
    pytest.param(
        {"agent": AGENT | {"env": TAKEN_ENV}},
        "InvalidAgent",
        "agent.env may not set AGENT_MESSAGE",
        id="an environment variable of the contract",
    ),
    pytest.param(
        {"agent": AGENT | {"podTemplate": {"spec": {"containers": [{"name": "agent", "env": TAKEN_ENV}]}}}},
        "InvalidAgent",
        "agent.env may not set AGENT_MESSAGE",
        id="the same in the pod template",
    ),
    pytest.param({"params": {"text": "x" * 32_000}}, "InvalidAgent", "at most 32,000 fit", id="params too large"),
    pytest.param(
        {"agent": AGENT | {"podTemplate": BAD_VOLUME}},
        "CronJobRefused",
        'volumes[0].name: Invalid value: "Bad_Name"',
        id="a volume that the API refuses",
    ),
    pytest.param(
        {"agent": AGENT | {"podTemplate": {"spec": {"terminationGracePeriodSeconds": "soon"}}}},
        "CronJobRefused",
        "terminationGracePeriodSeconds",
        id="a field of the wrong type",
    ),
]


def spec_of(world: World, name: str) -> Any:
    cronjob = world.cronjob(name)
    return cronjob.metadata.uid, cronjob.metadata.generation, cronjob.spec


@pytest.mark.parametrize(("spec", "reason", "words"), MISTAKES)
def test_a_mistake_gets_a_sentence_and_leaves_the_cronjob_as_it_was(
    world: World, spec: Body, reason: str, words: str
) -> None:
    at_work(world, "report", "0 8 * * *")
    before = spec_of(world, "report")

    world.patch("report", schedule="0 9 * * *", **spec)

    status = settled(world, "report", "Accepted", "False")
    accepted = world.condition("report", "Accepted")
    assert accepted["reason"] == reason
    assert words in accepted["message"]
    assert status["phase"] == "Invalid"
    assert world.condition("report", "Ready")["status"] == "False"
    assert "the former CronJob goes on as it was" in world.condition("report", "Ready")["message"]
    assert world.condition("report", "Stalled")["status"] == "True"
    stays(lambda: spec_of(world, "report") == before, "the CronJob as it was", QUIET_SECONDS)
    assert len([m for m in told(world, "report", reason) if words in m]) == 1
    assert (status["resolvedSchedule"], status["nextRunTime"][11:]) == ("0 8 * * *", "08:00:00Z")

    world.apply(agent_schedule("report", "0 9 * * *"))
    world.kubectl(
        "patch", "asched", "report", "--type=json", "-p", '[{"op":"remove","path":"/spec/timeZone"}]', check=False
    )
    world.kubectl("patch", "asched", "report", "--type=merge", "-p", VALID)

    mended = settled(world, "report")
    assert (mended["phase"], mended["resolvedSchedule"]) == ("Active", "0 9 * * *")
    assert world.condition("report", "Accepted")["status"] == "True"
    assert world.condition("report", "Stalled")["status"] == "False"
    uid, generation, now = spec_of(world, "report")
    assert (uid, generation, now.schedule) == (before[0], before[1] + 1, "0 9 * * *")


VALID = '{"spec":{"timeZone":"Etc/UTC","params":null,"agent":{"env":null,"podTemplate":null}}}'


@pytest.mark.parametrize(("spec", "reason", "words"), MISTAKES)
def test_a_schedule_that_begins_with_a_mistake_makes_nothing(world: World, spec: Body, reason: str, words: str) -> None:
    world.apply(agent_schedule("report", **spec))

    settled(world, "report", "Accepted", "False")

    accepted = world.condition("report", "Accepted")
    assert (accepted["reason"], words in accepted["message"]) == (reason, True)
    assert "nothing runs" in world.condition("report", "Ready")["message"]
    assert not world.api.batch.list_namespaced_cron_job(world.namespace).items


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"timeZone": "Mars/Phobos"}, id="by the operator"),
        pytest.param({"agent": AGENT | {"podTemplate": BAD_VOLUME}}, id="by the API"),
    ],
)
def test_what_is_not_valid_is_not_started_manually_either(world: World, spec: Body) -> None:
    at_work(world, "report")
    world.patch("report", **spec)
    settled(world, "report", "Accepted", "False")

    reply = answer(world, "report", "one")
    create_manual_run(world, "now", "report")

    assert (reply["outcome"], reply["reason"]) == ("Rejected", "ScheduleInvalid")
    assert ended(world, "now", "Skipped")["reason"] == "ScheduleInvalid"
    world.kubectl("patch", "asched", "report", "--type=merge", "-p", VALID)
    settled(world, "report")
    stays(lambda: not job_names(world) and run_names(world) == ["now"], "nothing started", QUIET_SECONDS)
    started(world, answer(world, "report", "two")["run"])


def test_what_a_quota_refuses_is_mended_when_the_quota_is(world: World) -> None:
    world.kubectl("create", "quota", "none", "--hard=count/cronjobs.batch=0")
    wait_for(lambda: world.cluster.get("quota", "none", "-n", world.namespace)["status"].get("hard"), "a quota")
    world.apply(agent_schedule("report"))
    settled(world, "report", "Accepted", "False")
    accepted = world.condition("report", "Accepted")
    assert accepted["reason"] == "CronJobRefused"
    assert "exceeded quota: none" in accepted["message"]

    world.kubectl("delete", "quota", "none")
    world.patch("report", message="again")

    settled(world, "report")
    assert world.condition("report", "Accepted")["status"] == "True"
