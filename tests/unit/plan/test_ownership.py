"""What somebody writes who may create ScheduleRuns, to pass for a record: it starts, ends, hides and counts nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agentschedule import names
from agentschedule.api.run import ScheduleRun
from agentschedule.cluster.apply import Applier
from agentschedule.cluster.client import Reply, Resource
from agentschedule.cluster.store import Key, Store
from agentschedule.errors import AlreadyExists
from agentschedule.names import Reason, RunPhase, TriggerOutcome
from agentschedule.plan.actions import CreateRun, DeleteJob, StartDue
from agentschedule.plan.answers import JobRefused, RunNameTaken
from agentschedule.plan.objects import build
from agentschedule.plan.observed import Job, Observed
from agentschedule.plan.run.plan import plan_run
from agentschedule.plan.schedule.plan import plan_schedule
from agentschedule.plan.schedule.records import expired, missing_records
from agentschedule.plan.schedule.trigger import decide_trigger
from agentschedule.plan.spec.validate import validate
from tests.unit.builders import (
    NAME,
    NAMESPACE,
    SCHEDULE_UID,
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
KEY = Key(NAMESPACE, NAME)
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
def test_a_record_by_hand_neither_ends_nor_releases_a_job_that_is_not_its_own(job: Job, cancel: bool) -> None:
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


def test_what_is_forged_is_pruned_without_the_job_that_it_names() -> None:
    forged = saying(JOB, a_run("forged", phase="Skipped"))
    schedule = a_schedule({"countedRuns": [forged.metadata.uid]}, history={"succeeded": 0, "failed": 0})
    steps = expired(schedule, Observed(a_cronjob(), (JOB,), (), (TRUE, forged)))
    assert [str(step) for step in steps] == ["delete ScheduleRun forged"]
    assert not any(isinstance(step, DeleteJob) for step in steps)


def test_a_record_finds_a_name_however_many_are_taken() -> None:
    taken: set[str] = set()
    for _ in range(5):
        name = build.record(a_schedule(), DUE, frozenset(taken))["metadata"]["name"]
        assert name not in taken
        taken.add(name)


class Taken:
    """An API server where each name belongs to another schedule's object."""

    def __init__(self, body: dict[str, Any]) -> None:
        meta = {"namespace": NAMESPACE, "uid": "theirs", "resourceVersion": "100"}
        meta |= {"creationTimestamp": "2026-03-02T07:00:00Z", "labels": {names.LABEL_SCHEDULE: "other"}}
        self.body = body | {"metadata": body["metadata"] | meta}

    async def get(self, _resource: Resource, _namespace: str, _name: str) -> dict[str, Any]:
        return self.body

    async def create(self, _resource: Resource, _body: dict[str, Any]) -> Reply:
        raise AlreadyExists("it exists")


def test_a_name_that_a_run_of_another_schedule_has_is_an_answer_and_stays_theirs() -> None:
    """Else it would be asked for again and again."""
    body = build.record(a_schedule(), DUE, frozenset())
    server, store = Taken(body | {"spec": {"scheduleName": "other"}}), Store()
    store.runs.put(server.body)

    answer = asyncio.run(Applier(server, store, KEY).apply(CreateRun(body)))  # type: ignore[arg-type]

    assert answer == RunNameTaken(DUE.name, "it exists")
    assert [run.metadata.uid for run in store.runs.of(Key(NAMESPACE, "other"))] == ["theirs"]
    (again,) = missing_records(a_schedule(), Observed(a_cronjob(), (DUE,), answers=(answer,)))
    assert again.body["metadata"]["name"] == names.unique_run_name(NAME, DUE.uid)


def test_a_token_whose_name_a_run_of_another_schedule_has_is_rejected() -> None:
    schedule = a_schedule(annotations={names.ANNOTATION_TRIGGER: "one"})
    taken = RunNameTaken(names.triggered_run_name(NAME, SCHEDULE_UID, "one"), "it exists")
    step = decide_trigger(schedule, validate(schedule), Observed(a_cronjob(), answers=(taken,)), NOW)
    assert step is not None
    assert step.answer is not None
    assert (step.answer.outcome, step.answer.reason) == (TriggerOutcome.REJECTED, Reason.NAME_TAKEN)


def test_a_due_time_whose_name_a_job_of_another_schedule_has_is_an_answer() -> None:
    live = build.cronjob(a_schedule(), validate(a_schedule()).timing, suspend=False)  # type: ignore[arg-type]
    body = build.due_job({**live, "metadata": live["metadata"] | {"uid": "cronjob-uid"}}, at("07:00:00"))
    server, store = Taken(body), Store()
    store.jobs.put(server.body)
    server.body = {**live, "metadata": live["metadata"] | server.body["metadata"] | {"name": DUE.name}}
    cronjob = a_cronjob(resource_version="100")

    answer = asyncio.run(Applier(server, store, KEY).apply(StartDue(cronjob, at("07:00:00"))))  # type: ignore[arg-type]

    assert answer is not None
    assert (type(answer), "another schedule's" in answer.message) == (JobRefused, True)
