"""A run's words: what is said once stays, and a run without a schedule goes."""

from __future__ import annotations

from dataclasses import replace

from agentschedule.api.run import ScheduleRunStatus
from agentschedule.cluster import parse
from agentschedule.names import AGENT_CONTAINER, COMPLETION_INDEX, RunPhase
from agentschedule.plan.observed import Observed, Pod
from agentschedule.plan.run.plan import plan_run
from tests.unit.builders import a_cronjob, a_job, a_run, a_schedule, at
from tests.unit.plan.run.worlds import at_work, ended, failed_pod, play, waiting_pod

NOW = at("08:00:10")


def status_of(pod: Pod, before: ScheduleRunStatus | None = None) -> ScheduleRunStatus:
    """What the record of a run says whose Job has just this pod."""
    run = a_run(jobUID="uid-of-report-now", phase="Pending")
    run = run.model_copy(update={"status": before}) if before else run
    plan = plan_run(run, a_schedule(), Observed(a_cronjob(), (a_job(),), (pod,), (run,)), NOW)
    assert plan.status is not None
    return plan.status


def a_waiting_pod(reason: str, message: str) -> Pod:
    waiting = {"waiting": {"reason": reason, "message": message}}
    owner = {"uid": "uid-of-report-now", "controller": True}
    meta = {"name": "p", "namespace": "n", "uid": "u", "resourceVersion": "1", "ownerReferences": [owner]}
    meta |= {"annotations": {COMPLETION_INDEX: "0"}}
    status = {"phase": "Pending", "containerStatuses": [{"name": AGENT_CONTAINER, "state": waiting}]}
    return parse.pod({"metadata": meta | {"creationTimestamp": "2026-03-02T08:00:00Z"}, "spec": {}, "status": status})


def test_an_image_that_cannot_be_pulled_is_told_once_and_not_at_each_try() -> None:
    first = status_of(a_waiting_pod("ErrImagePull", "failed to pull and unpack x: not found"))
    second = status_of(a_waiting_pod("ImagePullBackOff", "Back-off pulling image x"), first)

    assert first.phase is RunPhase.PENDING
    assert first.message == "ImagePullBackOff: failed to pull and unpack x: not found"
    assert second == first


def test_a_new_reason_is_told() -> None:
    first = status_of(a_waiting_pod("ErrImagePull", "not found"))
    second = status_of(a_waiting_pod("CreateContainerConfigError", "secret x not found"), first)

    assert second.message == "CreateContainerConfigError: secret x not found"


def test_a_pod_that_never_ran_keeps_its_reason_to_the_end() -> None:
    pulls = at_work(a_job(), waiting_pod(waiting_reason="ImagePullBackOff", waiting_message="no such image"))
    _, told = play(pulls)
    assert told is not None
    assert (told.phase, told.reason) == (RunPhase.PENDING, "ImagePullBackOff")
    assert told.message == "ImagePullBackOff: no such image"

    killed = failed_pod(started_at=None, ended_at=None, reason="DeadlineExceeded", message="Pod was active …")
    run = pulls.run.model_copy(update={"status": told})
    _, status = play(replace(pulls, run=run, observed=replace(pulls.observed, jobs=(ended(),), pods=(killed,))))
    assert status is not None
    assert status.message == ("The agent did not start within its time limit (ImagePullBackOff: no such image).")
