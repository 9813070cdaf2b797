"""Run now, for real: by annotation and by ScheduleRun. And what a time limit leaves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.e2e.agents import answer, condition, ended, has_policy, left_of, log, now, runner, seen, shell, told, trigger
from tests.fixtures import node_group
from tests.world import World, agent_schedule, schedule_run, stays, wait_for

pytestmark = [node_group("node"), pytest.mark.turn(-6), pytest.mark.usefixtures("under_way")]

LIMIT = 20


def test_an_annotation_runs_the_agent(world: World) -> None:
    world.apply(agent_schedule("report", agent=runner(), message="Now, please.", params={"output": {"sum": 7}}))
    seen(world, "report")

    asked = now()
    world.trigger("report", "now")
    wait_for(lambda: [pod for pod in world.pods("report") if pod.status.phase != "Pending"], "a pod that runs", 60)
    late = now() - asked
    given = answer(world, "report", "now")
    assert (given["outcome"], given["reason"]) == ("Accepted", "Accepted")
    run = ended(world, given["run"])

    assert run["spec"]["trigger"] == "Manual"
    assert run["status"]["phase"] == "Succeeded"
    assert run["status"]["output"] == {"content": '{"sum": 7}', "contentType": "application/json"}
    assert run["status"]["input"] == {"message": "Now, please.", "params": {"output": {"sum": 7}}}
    printed = told(log(world, run))
    assert printed["AGENT_TRIGGER"] == "Manual"
    assert printed["AGENT_RUN_NAME"] == given["run"]
    assert "AGENT_SCHEDULED_TIME" not in printed  # it was due at no time
    print(f"annotate -> agent running: {late.total_seconds():.1f} s")
    assert late < timedelta(seconds=30)
    counts = wait_for(lambda: world.status("report").get("counts", {}).get("manual") and world.status("report"), "it")
    assert (counts["counts"]["manual"], counts["counts"]["succeeded"], counts["counts"]["due"]) == (1, 1, 0)


def test_kubectl_can_wait_for_a_run_that_it_created(world: World) -> None:
    world.apply(agent_schedule("report", agent=runner(), params={"sleepSeconds": 3}))
    seen(world, "report")

    world.apply(schedule_run("by-hand", "report"))
    world.kubectl("wait", "--for=condition=Complete", "srun/by-hand", "--timeout=120s")

    run = world.run("by-hand")
    assert run["status"]["phase"] == "Succeeded"
    assert run["status"]["output"]["content"] == "report was asked: "
    assert told(log(world, run))["AGENT_RUN_NAME"] == "by-hand"
    assert run["metadata"]["ownerReferences"][0]["name"] == "report"


def test_a_job_made_from_the_cronjob_is_recorded(world: World) -> None:
    world.apply(agent_schedule("report", agent=runner(), params={"output": "From a CronJob."}))
    seen(world, "report")

    world.kubectl("create", "job", "copied", "--from=cronjob/report")

    wait_for(lambda: world.runs("report"), "a record of the Job", 30)
    run = ended(world, "copied")
    assert run["spec"]["trigger"] == "Manual"
    assert run["status"]["output"]["content"] == "From a CronJob."
    printed = told(log(world, run))
    assert printed["AGENT_RUN_NAME"] == "copied"
    assert printed["AGENT_TRIGGER"] == ("Manual" if has_policy(world) else "Schedule")  # only the policy can tell


def test_any_image_gets_its_orders_in_args_and_may_answer_in_plain_text(world: World) -> None:
    message = "Is $5 more than $$4? Ask $(AGENT_NAME)."
    echo = shell('echo "You said: $1" > "$AGENT_RESULT_PATH"') | {"args": ["sh", "$(AGENT_MESSAGE)"]}
    world.apply(agent_schedule("plain", agent=echo, message=message))
    seen(world, "plain")

    status = ended(world, trigger(world, "plain")["run"])["status"]

    assert status["phase"] == "Succeeded"
    assert status["output"] == {"content": f"You said: {message}", "contentType": "text/plain"}


def test_an_agent_that_takes_too_long_is_stopped_and_keeps_what_it_wrote(world: World) -> None:
    world.apply(agent_schedule("slow", agent=runner(), params={"sleepSeconds": 300}, timeoutSeconds=LIMIT))
    seen(world, "slow")

    run = ended(world, trigger(world, "slow")["run"])

    status = run["status"]
    assert (status["phase"], status["reason"]) == ("TimedOut", "DeadlineExceeded")
    assert "timeoutSeconds" in status["message"]
    assert status["durationSeconds"] < 60
    assert [condition(run, kind) for kind in ("Complete", "Failed", "Finished")] == ["False", "True", "True"]
    # the agent wrote this on SIGTERM, into the result and into its log
    assert status["error"]["code"] == "Stopped"
    assert "stopped by SIGTERM" in status["error"]["message"]
    assert f"its time limit is {LIMIT} s" in log(world, run)
    assert status["attempts"][0]["phase"] == "TimedOut"
    failed = wait_for(lambda: world.condition("slow", "LastRunSucceeded"), "the outcome on the schedule")
    assert (failed["status"], failed["reason"]) == ("False", "TimedOut")
    assert world.condition("slow", "Ready")["status"] == "True"
    assert [event.type for event in world.events(run["metadata"]["name"], "DeadlineExceeded")] == ["Warning"]


def test_deleting_a_schedule_takes_its_runs_and_pods_along(world: World) -> None:
    world.apply(agent_schedule("report", agent=shell("sleep 300"), concurrencyPolicy="Allow"))
    seen(world, "report")
    for token in ("one", "two"):
        trigger(world, "report", token)
    wait_for(lambda: [pod.status.phase for pod in world.pods()] == ["Running"] * 2, "two agents at work", 60)

    world.kubectl("delete", "agentschedule", "report", "--timeout=30s")

    wait_for(lambda: not left_of(world, "report"), "nothing left", 60)
    stays(lambda: not left_of(world, "report"), "nothing comes back", 3)
