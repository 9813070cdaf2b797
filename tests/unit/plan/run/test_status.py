"""A run's words: what is said once stays, and a run without a schedule goes."""

from __future__ import annotations

from datetime import timedelta

from agentschedule.api.run import ScheduleRunStatus
from agentschedule.cluster import parse
from agentschedule.names import AGENT_CONTAINER, COMPLETION_INDEX, RunPhase
from agentschedule.plan.actions import DeleteRun
from agentschedule.plan.observed import Observed, Pod
from agentschedule.plan.run.plan import ORPHAN_LIFE, plan_run
from tests.unit.builders import a_cronjob, a_job, a_run, a_schedule, at

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


def test_a_run_that_found_no_schedule_goes_after_an_hour_though_one_has_come() -> None:
    skipped = a_run(owner=None, phase="Skipped", completionTime="2026-03-02T08:00:00Z")

    early = plan_run(skipped, a_schedule(), Observed(), NOW)
    late = plan_run(skipped, a_schedule(), Observed(), NOW + ORPHAN_LIFE)

    assert (early.actions, early.requeue_at) == ((), at("08:00:00") + timedelta(hours=1))
    assert [type(action) for action in late.actions] == [DeleteRun]
