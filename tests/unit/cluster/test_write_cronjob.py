"""How a CronJob is written: the mark first, in time, from what was decided on; and what is due is started from it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from agentschedule import names
from agentschedule.errors import Conflict
from agentschedule.plan.actions import RepairCronJob, StartDue, UpdateCronJob
from agentschedule.plan.answers import JobRefused
from agentschedule.plan.objects import build
from agentschedule.plan.observed import Reference
from agentschedule.plan.spec.timing import timing
from tests.unit.builders import a_cronjob, a_job, a_schedule
from tests.unit.cluster.server import DUE, Server, apply, stored_cronjob
from tests.unit.cluster.work import Body, do, job_body, meta
from tests.unit.cluster.work import Server as JobServer

NAME, DUE_TEXT = "report-29540640", "2026-03-02T08:00:00Z"


def update(**changes: Any) -> UpdateCronJob:
    schedule = a_schedule()
    body = build.cronjob(schedule, timing(schedule.spec, seed=""), suspend=True)
    fields: dict[str, Any] = {"current": a_cronjob(), "body": body, "mark": False}
    return UpdateCronJob(**(fields | changes))


def test_a_due_time_is_started_only_from_the_cronjob_that_was_decided_on() -> None:
    server = Server(stored_cronjob(resource_version="101"))
    with pytest.raises(Conflict):
        apply(server, StartDue(a_cronjob(), DUE))
    assert server.writes == []


def test_what_is_due_is_started_as_its_controller_would_the_job_then_the_status_with_the_mark() -> None:
    server = Server(stored_cronjob(), date=DUE)
    at_work = Reference("report-29540520", "older")
    apply(server, StartDue(a_cronjob(active=(at_work,)), DUE))
    (one, job), (two, patch) = server.writes
    assert (one, two) == ("create jobs", "patch status")
    assert (job["metadata"]["name"], job["metadata"]["annotations"][names.CRONJOB_TIMESTAMP]) == (NAME, DUE_TEXT)
    assert [(ref["name"], ref["uid"]) for ref in patch["status"]["active"]] == [
        (at_work.name, at_work.uid),
        (NAME, "new"),
    ]
    assert patch["status"]["lastScheduleTime"] == DUE_TEXT
    assert patch["metadata"] == {"resourceVersion": "100"}


def test_of_a_due_time_that_the_controller_was_faster_with_nothing_is_written() -> None:
    """Not its status either: the controller is about to write that itself."""
    server = Server(stored_cronjob(), date=DUE, taken=job_body() | {"metadata": meta(NAME)})
    assert apply(server, StartDue(a_cronjob(), DUE)) is None
    assert server.writes == []


@pytest.mark.parametrize("seconds", [-1, 301])
def test_before_its_time_and_after_its_deadline_by_the_servers_clock_nothing_starts(seconds: int) -> None:
    server = Server(stored_cronjob(), date=DUE + timedelta(seconds=seconds))
    answer = apply(server, StartDue(a_cronjob(deadline_seconds=300), DUE))
    assert (type(answer), answer.about) == (JobRefused, NAME)
    assert "the API server's clock" in answer.message
    assert server.writes == []


def test_a_job_that_the_api_refuses_is_an_answer_and_not_a_retry() -> None:
    answer = apply(Server(stored_cronjob(), DUE, refuses="create jobs"), StartDue(a_cronjob(), DUE))
    assert (type(answer), answer.message) == (JobRefused, "exceeded quota: small")


def test_a_write_that_a_slow_dry_run_brought_near_a_due_time_is_not_made() -> None:
    server = Server(stored_cronjob(), date=DUE)
    with pytest.raises(Conflict):
        apply(server, update(mark=True, before=DUE - timedelta(seconds=1)))
    assert server.writes == []


def test_the_mark_comes_first_and_lies_at_the_servers_now() -> None:
    server = Server(stored_cronjob(), date=DUE)
    apply(server, update(mark=True))
    assert [what for what, _ in server.writes][:2] == ["patch status", "replace"]
    assert server.writes[0][1]["status"] == {"lastScheduleTime": "2026-03-02T08:00:00Z"}
    assert server.writes[1][1]["metadata"]["annotations"][names.ANNOTATION_EFFECTIVE_FROM] == "2026-03-02T08:00:00Z"


def test_a_mark_that_lay_ahead_makes_way() -> None:
    server = Server(stored_cronjob(), date=DUE)
    apply(server, update(mark=True, current=a_cronjob(last_schedule_time=DUE + timedelta(days=30))))
    assert server.writes[0][1]["status"] == {"lastScheduleTime": "2026-03-02T08:00:00Z"}


@pytest.mark.parametrize("job", [job_body(conditions=[{"type": "Complete", "status": "True"}]), None])
def test_a_job_that_has_ended_meanwhile_is_not_listed_as_active(job: Body | None) -> None:
    server = JobServer(job)
    do(server, RepairCronJob(a_cronjob(), (a_job(),), None))
    assert server.patches == []


def test_a_job_at_work_that_the_controller_forgot_is_listed_as_active() -> None:
    server = JobServer(job_body())
    do(server, RepairCronJob(a_cronjob(), (a_job(), a_job(), a_job()), None))
    [(_, body)] = server.patches
    assert {job["uid"] for job in body["status"]["active"]} == {a_job().uid}
    assert server.listed == ["jobs"], "one look at all of them"


def test_a_job_that_is_held_is_listed_without_a_look() -> None:
    server = JobServer(job=None)
    do(server, RepairCronJob(a_cronjob(), (a_job(suspended=True),), None))
    assert (len(server.patches), server.listed) == (1, [])


def test_finalizers_of_others_stay_on_the_cronjob() -> None:
    server = Server(stored_cronjob(), date=DUE)
    apply(server, update(current=a_cronjob(finalizers=("example.test/hold",))))
    assert server.writes[0][1]["metadata"]["finalizers"] == ["example.test/hold"]
