"""What somebody writes who may create ScheduleRuns, to pass for a record: it starts, ends, hides and counts nothing."""

from __future__ import annotations

from typing import Any

import pytest

from agentschedule import names
from agentschedule.api.run import ScheduleRun
from agentschedule.names import Reason, RunPhase
from agentschedule.plan.observed import Job, Observed
from agentschedule.plan.run.plan import plan_run
from agentschedule.plan.schedule.plan import plan_schedule
from agentschedule.plan.schedule.records import missing_records
from tests.unit.builders import (
    a_cronjob,
    a_due_job,
    a_job,
    a_pod,
    a_run,
    a_schedule,
    at,
    listed,
    unexplained,
)
from tests.unit.plan.schedule.test_records import in_force

NOW = at("07:40:00")
JOB = a_job()
TRUE = a_run(jobUID=JOB.uid, phase="Running")
RUNNING = a_pod(phase="Running", started_at=at("07:31:00"))
DUE = a_due_job(at("07:00:00"))
DUE_SPEC = {"trigger": "Schedule", "scheduledTime": "2026-03-02T07:00:00Z"}


def saying(job: Job, run: ScheduleRun) -> ScheduleRun:
    """The run, with an annotation that names a Job."""
    annotations = {names.ANNOTATION_JOB_UID: job.uid}
    return run.model_copy(update={"metadata": run.metadata.model_copy(update={"annotations": annotations})})


def plan(run: ScheduleRun, *jobs: Job, others: tuple[ScheduleRun, ...] = (TRUE,)) -> tuple[list[str], Any]:
    world = Observed(a_cronjob(active=listed(*jobs)), jobs, (RUNNING,), (run, *others))
    found = plan_run(run, a_schedule(), world, NOW)
    return [str(action) for action in found.actions], found.status


@pytest.mark.parametrize("cancel", [False, True])
@pytest.mark.parametrize(
    "job",
    [
        pytest.param(JOB, id="of a run at work"),
        pytest.param(
            a_job(suspended=True, controller_uid=None, owner_uids=frozenset({TRUE.metadata.uid})), id="joining"
        ),
        pytest.param(a_job("mine", controller_uid=None, owner_uids=frozenset()), id="of nobody"),
        pytest.param(a_job("mine", suspended=True, controller_uid=None), id="of nobody, suspended"),
        pytest.param(a_job("mine", controller_uid="another CronJob"), id="of another schedule"),
        pytest.param(DUE, id="of a due time"),
    ],
)
def test_a_manual_record_neither_ends_nor_releases_a_job_that_is_not_its_own(job: Job, cancel: bool) -> None:
    forged = saying(job, a_run("forged", spec={"cancel": True} if cancel else None))
    done, status = plan(forged, job)
    assert done == []
    assert (status.phase, status.reason, status.job_uid) == (RunPhase.SKIPPED, Reason.RECORD_ONLY, None)
    assert "leave it out to run now" in status.message


@pytest.mark.parametrize("due", ["2026-03-02T06:00:00Z", None], ids=str)
def test_a_record_of_another_due_time_than_its_jobs_is_none(due: str | None) -> None:
    """It would say in the ledger that something had started then."""
    spec = {"trigger": "Schedule"} | ({"scheduledTime": due} if due else {})
    done, status = plan(saying(DUE, a_run("forged", spec=spec)), DUE)
    assert (done, status.phase, status.job_uid) == ([], RunPhase.SKIPPED, None)


def test_the_operators_own_record_is_made_once() -> None:
    own = saying(DUE, a_run(DUE.name, spec=DUE_SPEC))
    assert missing_records(a_schedule(), Observed(a_cronjob(), (DUE,), (), (own,))) == []
    running = a_pod(job=DUE.name, phase="Running", started_at=at("07:00:10"))
    status = plan_run(own, a_schedule(), Observed(a_cronjob(), (DUE,), (running,), (own,)), NOW).status
    assert status is not None
    assert (status.phase, status.job_uid) == (RunPhase.RUNNING, DUE.uid)


def test_a_run_is_counted_though_a_forged_record_names_its_job() -> None:
    ended = {"jobUID": JOB.uid, "phase": "Succeeded", "completionTime": "2026-03-02T07:39:00Z"}
    runs = (saying(JOB, a_run("forged", phase="Skipped")), a_run(**ended))
    finished = a_job(succeeded=True, finished_at=at("07:39:00"))
    schedule = a_schedule({"observedGeneration": 1, "accountedThrough": "2026-03-02T07:00:00Z"})
    for order in (runs, runs[::-1]):
        world = unexplained(Observed(in_force(schedule), (finished,), (), order))
        status = plan_schedule(schedule, world, NOW).status
        assert status is not None
        assert (status.counts.succeeded, status.counts.manual) == (1, 1)  # type: ignore[union-attr]
