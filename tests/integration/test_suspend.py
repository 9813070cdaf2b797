"""A suspended schedule: no runs of the clock, and none by hand unless its author says so."""

from __future__ import annotations

from agentschedule import names
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
from tests.world import World, stays, wait_for


def test_a_suspended_schedule_says_so_and_has_no_next_run(world: World) -> None:
    status = at_work(world, "report", "0 8 * * *", suspend=True, suspendReason="month's end")

    assert status["phase"] == "Suspended"
    assert "nextRunTime" not in status
    assert "nextRunTimes" not in status
    ready = world.condition("report", "Ready")
    assert (ready["reason"], ready["message"]) == ("Suspended", "month's end")
    assert world.cronjob("report").spec.suspend is True

    world.patch("report", suspend=False)

    resumed = settled(world, "report")
    assert (resumed["phase"], "nextRunTime" in resumed) == ("Active", True)
    assert world.cronjob("report").spec.suspend is False


def test_a_token_is_refused_while_suspended_and_starts_nothing_after_resuming(world: World) -> None:
    at_work(world, "report", suspend=True, suspendReason="month's end")

    reply = answer(world, "report", "one")

    assert (reply["outcome"], reply["reason"]) == ("Rejected", "ScheduleSuspended")
    assert "month's end" in reply["message"]
    assert "run" not in reply
    assert told(world, "report", "TriggerRejected") == [f"ScheduleSuspended: {reply['message']}"]
    stays(lambda: not job_names(world) + run_names(world), "no run", QUIET_SECONDS)
    world.patch("report", suspend=False)
    settled(world, "report")
    world.trigger("report", "one")
    stays(lambda: not job_names(world) + run_names(world), "no run after resuming", QUIET_SECONDS)
    started(world, answer(world, "report", "two")["run"])


def test_a_manual_run_is_skipped_while_suspended_and_stays_so(world: World) -> None:
    at_work(world, "report", suspend=True, suspendReason="month's end")
    create_manual_run(world, "now", "report")

    status = ended(world, "now", "Skipped")

    assert status["reason"] == "ScheduleSuspended"
    assert "month's end" in status["message"]
    world.kubectl("wait", "srun/now", "--for=condition=Finished", "--timeout=10s")
    world.patch("report", suspend=False)
    settled(world, "report")
    stays(lambda: not job_names(world), "no Job", QUIET_SECONDS)
    assert world.status("report")["counts"]["manual"] == 0


def test_where_the_author_allows_it_manual_runs_start_while_suspended(world: World) -> None:
    at_work(world, "report", suspend=True, manualRuns={"whenInactive": "Allow"}, concurrencyPolicy="Allow")

    reply = answer(world, "report", "one")
    create_manual_run(world, "now", "report")

    assert reply["outcome"] == "Accepted"
    started(world, reply["run"])
    started(world, "now")
    assert world.cronjob("report").spec.suspend is True


def test_a_job_made_from_a_suspended_cronjob_is_recorded(world: World) -> None:
    at_work(world, "report", suspend=True)
    world.kubectl("create", "job", "mine", "--from=cronjob/report")
    wait_for(lambda: run_names(world) == ["mine"], "its record")
    assert world.run("mine")["metadata"]["labels"][names.LABEL_TRIGGER] == "Manual"
    stays(lambda: job_names(world) == ["mine"], "the Job", 2)
