"""What is beyond ``history`` goes: of ended runs that are counted, the oldest; the Job first, then the record."""

from __future__ import annotations

from typing import Any

import pytest

from agentschedule import names
from agentschedule.api.run import ScheduleRun
from agentschedule.api.schedule import AgentSchedule
from agentschedule.cluster.store import Store
from agentschedule.plan.actions import DeleteJob, DeleteRun
from agentschedule.plan.objects import build
from agentschedule.plan.observed import CronJob, Observed
from agentschedule.plan.schedule.plan import plan_schedule
from agentschedule.plan.schedule.records import expired, missing_records
from agentschedule.plan.spec.validate import validate
from tests.unit.bodies import KEY, cronjob_body, job_body
from tests.unit.builders import a_cronjob, a_due_job, a_job, a_run, a_schedule, at, observed, saying, unexplained

NOW = at("07:45:00")
GOOD = [a_run(f"good-{n}", phase="Succeeded", completionTime=f"2026-03-02T07:0{n}:00Z") for n in range(3)]
BAD = [a_run(f"bad-{n}", phase=phase) for n, phase in enumerate(("Failed", "Skipped", "Cancelled"))]


def keeping(succeeded: int, failed: int, *counted: Any) -> AgentSchedule:
    status = {"observedGeneration": 1, "countedRuns": [run.metadata.uid for run in counted]}
    return a_schedule(status, history={"succeeded": succeeded, "failed": failed})


def in_force(schedule: AgentSchedule) -> CronJob:
    """The CronJob, just as this schedule wants it."""
    timing = validate(schedule).timing
    assert timing
    notes = build.cronjob(schedule, timing, suspend=False)["metadata"]["annotations"]
    return a_cronjob(spec_hash=notes[names.ANNOTATION_SPEC_HASH])


JOB = a_job()
TRUE = a_run(jobUID=JOB.uid, phase="Running")
DUE = a_due_job(at("07:00:00"))
DUE_SPEC = {"trigger": "Schedule", "scheduledTime": "2026-03-02T07:00:00Z"}


@pytest.mark.parametrize(
    ("keep", "counted", "gone"),
    [
        pytest.param((10, 10), (*GOOD, *BAD), [], id="within history"),
        pytest.param((1, 10), (*GOOD, *BAD), ["good-0", "good-1"], id="the oldest that succeeded"),
        pytest.param((10, 1), (*GOOD, *BAD), ["bad-0", "bad-1"], id="every other end"),
        pytest.param((0, 0), (), [], id="nothing before it is counted"),
        pytest.param((0, 0), (GOOD[1], BAD[2]), ["good-1", "bad-2"], id="only what is counted"),
    ],
)
def test_the_oldest_that_are_counted_go(keep: tuple[int, int], counted: tuple[Any, ...], gone: list[str]) -> None:
    steps = expired(keeping(*keep, *counted), observed(a_cronjob(), runs=(*GOOD, *BAD)))
    assert [step.run.metadata.name for step in steps if isinstance(step, DeleteRun)] == gone
    assert len(steps) == len(gone)


def test_the_job_goes_first_and_then_the_record() -> None:
    job = a_job("good-0", succeeded=True)
    run = a_run("good-0", phase="Succeeded", jobUID=job.uid)
    schedule = a_schedule({"observedGeneration": 1, "countedRuns": [job.uid]}, history={"succeeded": 0})
    assert expired(schedule, observed(a_cronjob(), job, runs=(run,))) == [DeleteJob(job)]
    going = a_job("good-0", succeeded=True, deleting=True)
    assert expired(schedule, observed(a_cronjob(), going, runs=(run,))) == []
    assert expired(schedule, observed(a_cronjob(), runs=(run,))) == [DeleteRun(run)]


def test_runs_of_others_and_runs_at_work_stay() -> None:
    others = (a_run("restored", owner="other", phase="Succeeded"), a_run("at-work", phase="Running"))
    assert expired(keeping(0, 0, *others), observed(a_cronjob(), runs=others)) == []


def test_what_is_counted_only_now_is_pruned_right_after_the_status_is_written() -> None:
    schedule = keeping(0, 10)
    cronjob = in_force(schedule)

    first = plan_schedule(schedule, unexplained(observed(cronjob, runs=(GOOD[0],))), NOW)

    assert (first.actions, first.replan) == ((), True)
    assert first.status is not None
    counted = schedule.model_copy(update={"status": first.status})
    second = plan_schedule(counted, observed(cronjob, runs=(GOOD[0],)), NOW)
    assert second.actions == (DeleteRun(GOOD[0]),)
    last = plan_schedule(counted, observed(cronjob), NOW)
    assert (last.actions, last.replan) == ((), False)


@pytest.mark.parametrize(
    "due", ["2026-03-02T08:00:00Z", "2026-03-02T08:00:00.92Z", "2026-03-02T09:00:00.5+01:00", "soon"]
)
def test_a_job_is_recorded_once_whatever_its_annotation_says(due: str) -> None:
    store = Store()
    store.cronjobs.put(cronjob_body())
    store.jobs.put(job_body({names.CRONJOB_TIMESTAMP: due}))
    (create,) = missing_records(a_schedule(), store.observed(KEY))
    owned = create.body["metadata"] | {"uid": "r", "resourceVersion": "9", "creationTimestamp": "2026-03-02T08:00:02Z"}
    store.runs.put(create.body | {"metadata": owned})
    assert missing_records(a_schedule(), store.observed(KEY)) == []


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param(a_run("forged", owner=None, spec=DUE_SPEC), id="without an owner"),
        pytest.param(a_run("forged", owner="another", spec=DUE_SPEC), id="of another schedule"),
        pytest.param(a_run("forged"), id="a manual one"),
        pytest.param(a_run("forged", spec=DUE_SPEC, phase="Skipped"), id="one that was found out"),
    ],
)
def test_a_record_that_is_none_does_not_keep_the_operator_from_making_its_own(forged: ScheduleRun) -> None:
    world = Observed(a_cronjob(), (DUE,), (), (saying(DUE, forged),))
    (made,) = missing_records(a_schedule(), world)
    assert made.body["metadata"]["annotations"] == {names.ANNOTATION_JOB_UID: DUE.uid}


def test_what_is_forged_is_pruned_without_the_job_that_it_names() -> None:
    forged = saying(JOB, a_run("forged", phase="Skipped"))
    schedule = a_schedule({"countedRuns": [forged.metadata.uid]}, history={"succeeded": 0, "failed": 0})
    steps = expired(schedule, Observed(a_cronjob(), (JOB,), (), (TRUE, forged)))
    assert [str(step) for step in steps] == ["delete ScheduleRun forged"]
    assert not any(isinstance(step, DeleteJob) for step in steps)
