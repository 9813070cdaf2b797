"""Records: how many are kept, and that each run is counted exactly once."""

from __future__ import annotations

import time

from tests.integration.steps import (
    QUIET_SECONDS,
    answer,
    at_work,
    counted,
    create_manual_run,
    ended,
    finish,
    job_names,
    run_names,
    started,
)
from tests.world import FULL, World, stays, wait_for
from tools.cluster.operator_process import OperatorProcess

DELAYS = (0, 50, 100, 150, 250) if FULL else (0, 50, 150)  # milliseconds from a run's end until the operator is killed


def test_beyond_history_job_pods_and_record_go_together_and_counts_stay(world: World) -> None:
    at_work(world, "report", history={"succeeded": 1, "failed": 1})
    for name, code in (("good-1", 0), ("good-2", 0), ("bad-1", 1), ("bad-2", 1), ("good-3", 0)):
        create_manual_run(world, name, "report")
        finish(world, name, exit_code=code)
        time.sleep(1.1)  # ends are told apart by whole seconds

    kept = ["bad-2", "good-3"]
    wait_for(lambda: run_names(world) == kept, f"only the records {kept}", 20)
    wait_for(lambda: job_names(world) == kept, f"only the Jobs {kept}", 20)
    wait_for(lambda: len(world.pods()) == 2, "only their pods", 20)
    counted(world, "report", manual=5, succeeded=3, failed=2)
    assert len(world.status("report")["countedRuns"]) == 2
    assert world.status("report")["lastRun"]["name"] == "good-3"


def test_a_history_of_nothing_keeps_nothing_and_counts(world: World) -> None:
    at_work(world, "report", history={"succeeded": 0, "failed": 0})
    create_manual_run(world, "now", "report")
    started(world, "now")
    world.play_kubelet("now")
    wait_for(lambda: not run_names(world) + job_names(world), "nothing left", 30)
    counted(world, "report", manual=1, succeeded=1)
    assert "countedRuns" not in world.status("report")


def test_skipped_runs_are_pruned_too(world: World) -> None:
    at_work(world, "report", suspend=True, history={"succeeded": 1, "failed": 2})
    for number in range(4):
        create_manual_run(world, f"now-{number}", "report")
        wait_for(lambda: len(run_names(world)) <= 3, "no more than the history and one")
    wait_for(lambda: run_names(world) == ["now-2", "now-3"], "the last two", 20)
    counted(world, "report", manual=0, failed=0)


def test_a_record_that_is_deleted_does_not_come_back_and_is_not_counted_again(
    world: World, operator: OperatorProcess
) -> None:
    at_work(world, "report")
    finish(world, answer(world, "report", "one")["run"])
    world.kubectl("create", "job", "mine", "--from=cronjob/report")
    wait_for(lambda: "mine" in run_names(world), "a record")
    finish(world, "mine", exit_code=1)
    counted(world, "report", manual=2, succeeded=1, failed=1)

    world.kubectl("delete", "srun", "--all")

    stays(lambda: not run_names(world), "no record", QUIET_SECONDS)
    operator.kill()
    operator.start()
    stays(lambda: not run_names(world), "no record after a restart", QUIET_SECONDS)
    counted(world, "report", manual=2, succeeded=1, failed=1)


def test_the_record_of_an_active_job_that_is_deleted_comes_back_and_counts_once(world: World) -> None:
    at_work(world, "report")
    world.kubectl("create", "job", "mine", "--from=cronjob/report")
    wait_for(lambda: run_names(world) == ["mine"], "a record")
    world.kubectl("delete", "srun", "mine")
    wait_for(lambda: run_names(world) == ["mine"], "the record anew")
    finish(world, "mine")
    counted(world, "report", manual=1, succeeded=1)


def test_each_run_is_counted_once_though_the_operator_is_killed_at_its_end(
    world: World, operator: OperatorProcess
) -> None:
    at_work(world, "report", concurrencyPolicy="Allow")
    for number, delay in enumerate(DELAYS):
        run = answer(world, "report", f"token-{number}")["run"]
        started(world, run)
        world.play_kubelet(run, exit_code=number % 2)
        time.sleep(delay / 1000)
        operator.kill()
        operator.start()
        ended(world, run, "Failed" if number % 2 else "Succeeded")

    totals = {"manual": len(DELAYS), "succeeded": len(DELAYS[::2]), "failed": len(DELAYS[1::2])}
    counted(world, "report", **totals)
    operator.kill()
    operator.start()
    counted(world, "report", **totals)
    assert len(world.status("report")["countedRuns"]) == len(DELAYS)


def test_a_run_that_ended_while_the_operator_was_down_is_recorded_on_its_return(
    world: World, operator: OperatorProcess
) -> None:
    at_work(world, "report")
    run = answer(world, "report", "one")["run"]
    started(world, run)
    operator.kill()
    world.play_kubelet(run, message="done")
    world.kubectl("wait", f"job/{run}", "--for=condition=Complete", "--timeout=30s")
    world.kubectl("create", "job", "meanwhile", "--from=cronjob/report")
    world.play_kubelet("meanwhile", exit_code=2)
    world.kubectl("wait", "job/meanwhile", "--for=condition=Failed", "--timeout=30s")

    operator.start()

    assert ended(world, run, "Succeeded")["output"]["content"] == "done"
    assert ended(world, "meanwhile", "Failed")["exitCode"] == 2
    counted(world, "report", manual=2, succeeded=1, failed=1)
