"""Runs that a person makes: a ScheduleRun with kubectl create, a Job with kubectl create job --from."""

from __future__ import annotations

import json

from agentschedule import child_names, names
from tests.integration.steps import (
    QUIET_SECONDS,
    at_work,
    counted,
    create_manual_run,
    ended,
    finish,
    job_names,
    phase,
    run_names,
    started,
    told,
)
from tests.world import Body, World, schedule_run, stays, wait_for

SAID = {
    "status": "succeeded",
    "model": "claude-sonnet",
    "cost_usd": "0.045",
    "usage": {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15},
    "output": "Sales rose.",
}


def cronjob_active(world: World, name: str) -> list[str]:
    return [ref.name for ref in world.cronjob(name).status.active or ()]


def test_a_manual_run_is_claimed_and_its_job_started(world: World) -> None:
    at_work(world, "report", agent={"name": "finance"})
    create_manual_run(world, "now", "report")
    job = started(world, "now")

    meta = world.run("now")["metadata"]
    owner = world.schedule("report")["metadata"]["uid"]
    assert [(ref["kind"], ref["uid"], ref["controller"]) for ref in meta["ownerReferences"]] == [
        (names.SCHEDULE_KIND, owner, True)
    ]
    expected = {names.LABEL_SCHEDULE: "report", names.LABEL_AGENT: "finance", names.LABEL_TRIGGER: "Manual"}
    assert expected.items() <= meta["labels"].items()
    assert (names.LABEL_SCHEDULE, "report") in job.metadata.labels.items()
    assert "finalizers" not in meta
    assert cronjob_active(world, "report") == ["now"]
    wait_for(lambda: world.status("report").get("activeRuns") == ["now"], "the schedule to say so")


def test_a_run_that_succeeds_says_what_the_agent_said_and_can_be_waited_for(world: World) -> None:
    at_work(world, "report", message="Cost: $5", params={"region": "emea"}, agent={"model": "claude"})
    create_manual_run(world, "now", "report")

    status = finish(world, "now", message=json.dumps(SAID))

    world.kubectl("wait", "srun/now", "--for=condition=Complete", "--timeout=10s")
    world.kubectl("wait", "srun/now", "--for=condition=Finished", "--timeout=10s")
    assert {c["type"]: c["status"] for c in status["conditions"]} == {
        "Complete": "True",
        "Failed": "False",
        "Finished": "True",
    }
    assert (status["exitCode"], status["attempt"], status["model"]) == (0, 1, "claude-sonnet")
    assert status["output"]["content"] == "Sales rose."
    assert status["usage"] == {"inputTokens": 10, "outputTokens": 5, "totalTokens": 15, "costUSD": "0.045"}
    assert status["input"] == {"message": "Cost: $5", "params": {"region": "emea"}, "model": "claude"}
    assert status["startTime"] <= status["completionTime"]
    assert "error" not in status
    counted(world, "report", manual=1, succeeded=1, failed=0, due=0, missed=0)
    assert world.condition("report", "LastRunSucceeded")["status"] == "True"
    assert not cronjob_active(world, "report")


def test_a_run_that_fails_says_why_and_the_schedule_stays_ready(world: World) -> None:
    at_work(world, "report")
    create_manual_run(world, "now", "report")

    status = finish(world, "now", exit_code=3, message=json.dumps({"error": {"message": "no such table"}}))

    world.kubectl("wait", "srun/now", "--for=condition=Failed", "--timeout=10s")
    assert (status["exitCode"], status["reason"]) == (3, "AgentFailed")
    assert status["error"]["message"] == "no such table"
    assert status["message"] == "The agent exited with code 3: no such table"
    counted(world, "report", manual=1, succeeded=0, failed=1)
    schedule = world.status("report")
    assert (schedule["consecutiveFailures"], schedule["lastRun"]["phase"]) == (1, "Failed")
    assert world.condition("report", "LastRunSucceeded")["status"] == "False"
    assert world.condition("report", "Ready")["status"] == "True"
    assert told(world, "now", "AgentFailed") == [status["message"]]


def test_a_run_of_a_schedule_that_does_not_exist_is_skipped_with_a_sentence(world: World) -> None:
    create_manual_run(world, "now", "nothing")

    status = ended(world, "now", "Skipped")

    assert status["reason"] == "ScheduleNotFound"
    assert "There is no AgentSchedule nothing" in status["message"]
    at_work(world, "nothing")
    stays(lambda: not job_names(world), "no Job, also when the schedule comes later", QUIET_SECONDS)
    assert phase(world, "now") == "Skipped"


def test_a_job_of_the_runs_name_that_is_not_its_own_is_left_alone(world: World) -> None:
    at_work(world, "report")
    world.kubectl("create", "job", "now", "--image=agent.test/none:1")
    foreign = world.jobs()[0].metadata.uid
    create_manual_run(world, "now", "report")

    status = ended(world, "now", "Failed")

    assert status["reason"] == "NameTaken"
    assert "make a run of another name" in status["message"]
    assert [job.metadata.uid for job in world.jobs()] == [foreign]
    assert not world.jobs()[0].metadata.deletion_timestamp
    counted(world, "report", manual=0)
    create_manual_run(world, "again", "report")
    started(world, "again")


def test_a_job_with_our_label_that_is_not_the_runs_is_left_alone(world: World) -> None:
    at_work(world, "report")
    world.kubectl("create", "job", "now", "--image=agent.test/none:1")
    world.kubectl("label", "job", "now", f"{names.LABEL_SCHEDULE}=report")
    foreign = world.jobs()[0].metadata.uid
    create_manual_run(world, "now", "report")

    assert ended(world, "now", "Failed")["reason"] == "NameTaken"
    assert [job.metadata.uid for job in world.jobs()] == [foreign]


def forged(world: World, name: str, owner: Body | None = None) -> Body:
    """A record that claims a scheduled run."""
    body = schedule_run(name, "report")
    body["spec"] |= {"trigger": "Schedule", "scheduledTime": "2026-01-01T08:00:00Z"}
    if owner:
        meta = owner["metadata"]
        reference = {"apiVersion": names.API_VERSION, "kind": names.SCHEDULE_KIND, "controller": True}
        body["metadata"]["ownerReferences"] = [reference | {"name": meta["name"], "uid": meta["uid"]}]
    world.apply(body)
    return body


def test_a_forged_record_starts_nothing_and_counts_nothing(world: World) -> None:
    at_work(world, "report")
    before = world.status("report")
    forged(world, "report-29384712")
    forged(world, "report-29384713", owner=world.schedule("report"))

    stays(lambda: not job_names(world), "no Job", QUIET_SECONDS)
    counted(world, "report", due=0, started=0, succeeded=0, failed=0, manual=0)
    after = world.status("report")
    assert (after.get("lastRunTime"), after.get("lastRun")) == (before.get("lastRunTime"), before.get("lastRun"))
    for name in ("report-29384712", "report-29384713"):
        status = world.run(name)["status"]
        assert (status["phase"], status["reason"]) == ("Skipped", "RecordOnly")
        assert "leave it out to run now" in status["message"]


def test_a_record_of_another_time_starts_nothing(world: World) -> None:
    at_work(world, "report")
    body = schedule_run("restored", "report")
    reference = {"apiVersion": names.API_VERSION, "kind": names.SCHEDULE_KIND, "controller": True}
    # A run's former owner: one that exists, else the garbage collector takes the run away.
    at_work(world, "other")
    uid = world.schedule("other")["metadata"]["uid"]
    body["metadata"]["ownerReferences"] = [reference | {"name": "other", "uid": uid}]
    world.apply(body)

    assert ended(world, "restored", "Skipped")["reason"] == "ScheduleNotFound"
    assert not job_names(world)
    counted(world, "report", manual=0)


def test_a_run_whose_job_is_deleted_ends_cancelled_and_the_next_may_start(world: World) -> None:
    at_work(world, "report")
    create_manual_run(world, "now", "report")
    started(world, "now")
    world.kubectl("delete", "job", "now", "--wait=false")

    status = ended(world, "now", "Cancelled")

    assert status["reason"] == "JobDeleted"
    assert {c["type"]: c["status"] for c in status["conditions"]}["Finished"] == "True"
    stays(lambda: not job_names(world), "no Job is made again", QUIET_SECONDS)
    create_manual_run(world, "again", "report")
    started(world, "again")


def test_of_two_runs_made_together_under_forbid_one_runs(world: World) -> None:
    at_work(world, "report")
    world.apply(schedule_run("one", "report"), schedule_run("two", "report"))

    wait_for(lambda: "Skipped" in (phase(world, "one"), phase(world, "two")), "one that is skipped", 30)

    skipped, runs = ("one", "two") if phase(world, "one") == "Skipped" else ("two", "one")
    assert world.run(skipped)["status"]["reason"] == "AlreadyRunning"
    started(world, runs)
    assert job_names(world) == [runs]
    finish(world, runs)
    stays(lambda: job_names(world) == [runs], "no Job for the other, also afterwards", QUIET_SECONDS)


def test_a_job_made_from_the_cronjob_is_recorded_listed_and_never_killed(world: World) -> None:
    at_work(world, "report")
    world.kubectl("create", "job", "mine", "--from=cronjob/report")
    world.kubectl("create", "job", "mine-too", "--from=cronjob/report")

    wait_for(lambda: sorted(cronjob_active(world, "report")) == ["mine", "mine-too"], "both listed as active")
    wait_for(lambda: run_names(world) == ["mine", "mine-too"], "a record of each")

    assert {run["spec"]["trigger"] for run in world.runs()} == {"Manual"}
    wait_for(lambda: world.status("report")["active"] == 2, "the schedule to say so")
    stays(lambda: job_names(world) == ["mine", "mine-too"], "both Jobs", QUIET_SECONDS)
    assert finish(world, "mine", message="done")["output"]["content"] == "done"
    finish(world, "mine-too", exit_code=1)
    counted(world, "report", manual=2, succeeded=1, failed=1)
    wait_for(lambda: not cronjob_active(world, "report"), "nothing listed any more")


def test_a_job_made_from_the_cronjob_under_a_long_name_is_recorded_under_another(world: World) -> None:
    at_work(world, "report")
    name = "a" * 61
    world.kubectl("create", "job", name, "--from=cronjob/report")
    runs = wait_for(lambda: run_names(world), "a record")
    assert runs == [child_names.unique_run_name("report", world.jobs()[0].metadata.uid)]


def test_a_job_that_the_api_refuses_ends_the_run_with_the_apis_words(world: World) -> None:
    at_work(world, "report")
    world.kubectl("create", "quota", "none", "--hard=count/jobs.batch=0")
    wait_for(lambda: world.cluster.get("quota", "none", "-n", world.namespace)["status"].get("hard"), "a quota")
    create_manual_run(world, "now", "report")

    status = ended(world, "now", "Failed")

    assert status["reason"] == "JobRefused"
    assert "exceeded quota: none" in status["message"]
    counted(world, "report", manual=0, failed=1)
