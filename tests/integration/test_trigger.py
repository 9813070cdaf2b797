"""Run now by annotation: one run for each new token, none for a token seen, and an answer to each."""

from __future__ import annotations

import time

from agentschedule import names
from tests.integration.steps import (
    QUIET_SECONDS,
    answer,
    answered,
    at_work,
    finish,
    job_names,
    run_names,
    settled,
    started,
    token_run,
    told,
)
from tests.world import FULL, World, agent_schedule, stays, wait_for
from tools.cluster.operator_process import OperatorProcess

DELAYS = (0, 10, 20, 40, 80, 160) if FULL else (0, 20, 80)  # milliseconds until the operator is killed


def write_token(world: World, name: str, token: str) -> None:
    """As kubectl annotate does, in a few milliseconds."""
    body = {"metadata": {"annotations": {names.ANNOTATION_TRIGGER: token}}}
    world.api.custom.patch_namespaced_custom_object(
        names.GROUP, names.VERSION, world.namespace, names.SCHEDULE_PLURAL, name, body
    )


def test_a_new_token_starts_a_job_within_two_seconds(world: World) -> None:
    at_work(world, "report", concurrencyPolicy="Allow")
    # Three times, and the median counts: the machine may be busy with other tests.
    assert sorted(_seconds_to_a_job(world, token) for token in ("one", "two", "three"))[1] < 2


def _seconds_to_a_job(world: World, token: str) -> float:
    world.trigger("report", token)
    begun = time.monotonic()
    started(world, token_run(world, "report", token))
    return time.monotonic() - begun


def test_an_accepted_token_is_answered_in_status_and_by_an_event(world: World) -> None:
    at_work(world, "report")

    reply = answer(world, "report", "one")

    run = token_run(world, "report", "one")
    assert (reply["outcome"], reply["reason"], reply["run"]) == ("Accepted", "Accepted", run)
    started(world, run)
    assert run_names(world, "report") == job_names(world, "report") == [run]
    assert told(world, "report", "TriggerAccepted") == [f"Accepted: Run {run} was created."]


def test_a_manual_run_is_controlled_and_listed_by_the_cronjob_and_owned_by_its_record(world: World) -> None:
    at_work(world, "report")
    reply = answer(world, "report", "one")
    job = started(world, reply["run"])

    owners = {(owner.kind, owner.uid, bool(owner.controller)) for owner in job.metadata.owner_references}
    run = world.run(reply["run"])
    cronjob = world.cronjob("report")
    assert owners == {
        ("CronJob", cronjob.metadata.uid, True),
        ("ScheduleRun", run["metadata"]["uid"], False),
    }
    assert [ref.uid for ref in cronjob.status.active] == [job.metadata.uid]
    annotations = job.spec.template.metadata.annotations
    assert annotations[names.ANNOTATION_RUN_TRIGGER] == "Manual"


def test_the_cadence_is_not_touched_by_a_manual_run(world: World) -> None:
    before = at_work(world, "report", "0 8 * * 1-5")
    cronjob = world.cronjob("report")

    finish(world, answer(world, "report", "one")["run"])

    after = wait_for(lambda: s if (s := world.status("report")).get("lastRun") else {}, "a last run")
    same = ("nextRunTime", "nextRunTimes", "effectiveFrom", "resolvedSchedule", "lastRunTime")
    assert {field: after.get(field) for field in same} == {field: before.get(field) for field in same}
    now = world.cronjob("report")
    assert now.metadata.generation == cronjob.metadata.generation
    assert now.spec == cronjob.spec
    assert now.status.last_schedule_time == cronjob.status.last_schedule_time


def test_a_token_that_was_seen_starts_nothing_even_when_its_run_is_gone(world: World) -> None:
    at_work(world, "report", concurrencyPolicy="Allow")
    first = answer(world, "report", "one")["run"]
    second = answer(world, "report", "two")["run"]
    for run in (first, second):
        started(world, run)

    world.trigger("report", "two")
    world.trigger("report", "one")
    world.trigger("report", "two")

    both = sorted([first, second])
    stays(lambda: job_names(world, "report") == both, "two Jobs", QUIET_SECONDS)
    world.kubectl("delete", "job", first, "--wait=false")
    world.kubectl("delete", "srun", first)
    world.trigger("report", "one")
    stays(lambda: first not in job_names(world) + run_names(world), "the first run is gone", QUIET_SECONDS)
    assert world.status("report")["lastTrigger"]["token"] == "two"


def test_a_token_starts_one_run_though_the_operator_is_killed_at_that_moment(
    world: World, operator: OperatorProcess
) -> None:
    at_work(world, "report", concurrencyPolicy="Allow")
    tokens = [f"at-{delay}" for delay in DELAYS]
    for token in tokens:
        write_token(world, "report", token)
        time.sleep(int(token.removeprefix("at-")) / 1000)
        operator.kill()
        operator.start()
        started(world, answered(world, "report", token)["run"])

    expected = sorted(token_run(world, "report", token) for token in tokens)
    made = {job.metadata.uid for job in world.jobs("report")}
    assert job_names(world, "report") == run_names(world, "report") == expected

    for token in reversed(tokens):
        write_token(world, "report", token)
    operator.kill()
    operator.start()
    stays(lambda: {job.metadata.uid for job in world.jobs("report")} == made, "the same Jobs", QUIET_SECONDS)


def test_of_ten_tokens_in_a_moment_the_last_is_answered_and_none_runs_twice(world: World) -> None:
    at_work(world, "report", concurrencyPolicy="Allow")
    tokens = [f"token-{number}" for number in range(10)]
    begun = time.monotonic()
    for token in tokens:
        write_token(world, "report", token)
    assert time.monotonic() - begun < 2

    reply = answered(world, "report", tokens[-1])

    assert reply["outcome"] == "Accepted"
    started(world, reply["run"])
    known = {token_run(world, "report", token) for token in tokens}
    made = {job.metadata.name: job.metadata.uid for job in world.jobs("report")}
    assert reply["run"] in made
    assert set(made) <= known
    stays(
        lambda: (
            {job.metadata.name: job.metadata.uid for job in world.jobs("report")} == made
            and set(run_names(world, "report")) == set(made)
        ),
        "as many Jobs and records as tokens that were seen",
        QUIET_SECONDS,
    )


def test_a_token_that_is_there_from_the_start_starts_nothing_also_when_applied_anew(world: World) -> None:
    for time_of_day in ("first", "after a restore"):
        body = agent_schedule("report")
        body["metadata"]["annotations"] = {names.ANNOTATION_TRIGGER: "from-git"}
        world.apply(body)

        reply = answered(world, "report", "from-git")

        assert (reply["outcome"], reply["reason"]) == ("Rejected", "PresentAtCreation"), time_of_day
        assert "write another value" in reply["message"]
        assert "run" not in reply
        settled(world, "report")
        stays(lambda: not job_names(world) + run_names(world), "no run", 2)
        world.kubectl("delete", "agentschedule", "report")
        wait_for(lambda: not world.api.batch.list_namespaced_cron_job(world.namespace).items, "no CronJob")


def test_under_forbid_a_token_is_refused_while_a_run_is_active_and_leaves_no_record(world: World) -> None:
    at_work(world, "report")
    first = answer(world, "report", "one")["run"]
    started(world, first)

    reply = answer(world, "report", "two")

    assert (reply["outcome"], reply["reason"]) == ("Rejected", "AlreadyRunning")
    assert first in reply["message"]
    assert "run" not in reply
    wait_for(lambda: world.events("report", "TriggerRejected"), "an event that says so")
    finish(world, first)
    stays(lambda: run_names(world) == job_names(world) == [first], "only the first run", QUIET_SECONDS)
    third = answer(world, "report", "three")
    assert third["outcome"] == "Accepted"


def test_the_annotation_is_the_users_and_stays_as_it_is(world: World) -> None:
    at_work(world, "report")
    started(world, answer(world, "report", "one")["run"])
    meta = world.schedule("report")["metadata"]
    ours = {key for key in meta["annotations"] if key != "kubectl.kubernetes.io/last-applied-configuration"}
    assert ours == {names.ANNOTATION_TRIGGER}
    assert "finalizers" not in meta
