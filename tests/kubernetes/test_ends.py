"""Ends that somebody wants: of an attempt, of a run between two attempts, of a run without a pod."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kubernetes.client import V1JobCondition
from kubernetes.client.exceptions import ApiException

from tests.fixtures import node_group
from tests.kubernetes.lab import Lab, now
from tests.kubernetes.objects import job, rfc3339
from tests.kubernetes.runs import (
    NO_IMAGE,
    cancel,
    end_of,
    forbid_retry,
    forgotten,
    hold,
    is_over,
    log,
    newest,
    outcome,
    patch_job_status,
    run,
    suspend,
    target_failure,
    works,
)
from tests.kubernetes.scenes import Played, Scene, play
from tools.cluster.base import Cluster

pytestmark = node_group("kubelet")

OURS = ("Failed", "NeverStarted", "it waited for nothing")  # what `target_failure` says


# Scenes: one attempt


def cancelled(lab: Lab, image: str) -> None:
    lab.add_job(run("cancelled", image, works(code=0, seconds=1), limit=2))
    pod = newest(lab, "cancelled", "Running").metadata.name
    cancel(lab, pod)
    cancel(lab, pod)
    outcome(lab, "cancelled")


def cancelled_while_pulling(lab: Lab, _: str) -> V1JobCondition:
    lab.add_job(run("pulling", NO_IMAGE, "true", limit=2))
    pod = newest(lab, "pulling", "Pending").metadata.name
    lab.wait(lambda: lab.pods("pulling")[0].status.container_statuses, "word from the kubelet")
    cancel(lab, pod)
    return outcome(lab, "pulling")


def told_while_running(lab: Lab, image: str) -> V1JobCondition:
    lab.add_job(run("running", image, works()))
    newest(lab, "running", "Running")
    target_failure(lab, "running")
    return outcome(lab, "running")


def complete(lab: Lab, image: str) -> None:
    lab.add_job(run("complete", image, "true"))
    outcome(lab, "complete")


# Scenes: between two attempts, and without a pod


def forbidden_within_the_backoff(lab: Lab, image: str) -> None:
    lab.add_job(run("forbidden", image, "echo tried; exit 3"))
    forbid_retry(lab, newest(lab, "forbidden", "Failed").metadata.name)
    outcome(lab, "forbidden")


def forbidden_while_held(lab: Lab, image: str) -> V1JobCondition:
    lab.add_job(run("refused", image, "exit 3"))
    pod = newest(lab, "refused", "Failed").metadata.name
    hold(lab, "refused")
    forbid_retry(lab, pod)
    lab.wait(lambda: lab.condition("refused", "FailureTarget"), "the condition FailureTarget")
    lab.never(lambda: is_over(lab, "refused"), "the end of a Job without a start time")
    suspend(lab, "refused", False)
    return outcome(lab, "refused")


def told_within_the_backoff(lab: Lab, image: str) -> None:
    lab.add_job(run("told", image, "echo tried; exit 3"))
    newest(lab, "told", "Failed")
    target_failure(lab, "told")
    outcome(lab, "told")


def told_while_held(lab: Lab, image: str) -> None:
    lab.add_job(run("held", image, "echo tried; exit 3"))
    newest(lab, "held", "Failed")
    hold(lab, "held")
    target_failure(lab, "held", startTime=rfc3339(now()))
    outcome(lab, "held")


def told_while_held_without_a_start(lab: Lab, image: str) -> V1JobCondition:
    lab.add_job(run("startless", image, "exit 3", suspend=True))
    lab.wait(lambda: lab.condition("startless", "Suspended") is not None, "the condition Suspended")
    target_failure(lab, "startless")
    lab.never(lambda: is_over(lab, "startless"), "the end of a Job that never started")
    patch_job_status(lab, "startless", {"status": {"startTime": rfc3339(now())}})
    return outcome(lab, "startless")


def told_without_a_pod(lab: Lab, image: str) -> V1JobCondition:
    lab.add_job(run("podless", image, "true", pod={"serviceAccountName": "nobody"}))
    lab.wait(lambda: lab.job("podless").status.start_time, "the Job's start")
    target_failure(lab, "podless")
    return outcome(lab, "podless")


def told_while_unscheduled(lab: Lab, image: str) -> V1JobCondition:
    lab.add_job(run("unscheduled", image, "true", pod={"nodeSelector": {"no": "where"}}))
    cancel(lab, newest(lab, "unscheduled", "Pending").metadata.name)
    lab.never(lambda: is_over(lab, "unscheduled"), "the end of a Job whose pod nobody runs")
    assert lab.pods("unscheduled")[0].status.phase == "Pending"
    target_failure(lab, "unscheduled")
    return outcome(lab, "unscheduled")


SCENES: tuple[Scene, ...] = (
    cancelled,
    cancelled_while_pulling,
    complete,
    told_while_running,
    forbidden_within_the_backoff,
    forbidden_while_held,
    told_within_the_backoff,
    told_while_held,
    told_while_held_without_a_start,
    told_without_a_pod,
    told_while_unscheduled,
)


@pytest.fixture(scope="module")
def played(node_lab: Lab, image: str) -> Iterator[Played]:
    """All scenes, under way."""
    with play(node_lab, image, *SCENES) as scenes:
        yield scenes


def test_a_cancelled_attempt_is_the_last_one_and_leaves_pod_log_and_result(played: Played) -> None:
    played.end(cancelled)
    lab = played.lab
    assert lab.condition("cancelled", "Failed") == "FailedIndexes"
    [pod] = lab.pods("cancelled")
    assert (pod.status.phase, pod.status.reason) == ("Failed", "DeadlineExceeded")
    assert (end_of(pod).exit_code, end_of(pod).message) == (0, "given-up")
    assert log(lab, pod) == b"working\nbye\n"


def test_cancelling_again_changes_nothing_and_a_deadline_can_only_shrink(played: Played) -> None:
    played.end(cancelled)
    lab = played.lab
    [pod] = lab.pods("cancelled")
    before = lab.job("cancelled").status
    cancel(lab, pod.metadata.name)
    assert lab.job("cancelled").status == before
    with pytest.raises(ApiException, match="must be less than or equal to previous value"):
        lab.core.patch_namespaced_pod(pod.metadata.name, lab.namespace, {"spec": {"activeDeadlineSeconds": 5}})


def test_a_cancelled_attempt_that_has_not_started_is_the_last_one_too(played: Played) -> None:
    assert played.end(cancelled_while_pulling).reason == "FailedIndexes"
    [pod] = forgotten(played.lab, "pulling")
    assert (pod.status.phase, pod.status.reason) == ("Failed", "DeadlineExceeded")
    assert (end_of(pod).exit_code, end_of(pod).reason) == (137, "ContainerStatusUnknown")


def test_no_retry_on_a_failed_pod_ends_its_job_within_the_backoff(played: Played) -> None:
    played.end(forbidden_within_the_backoff)
    assert played.lab.condition("forbidden", "Failed") == "FailedIndexes"
    [pod] = played.lab.pods("forbidden")
    assert log(played.lab, pod) == b"tried\n"


@pytest.mark.parametrize(("scene", "name"), [(told_within_the_backoff, "told"), (told_while_held, "held")])
def test_a_failure_target_ends_a_job_between_two_attempts_in_its_words(played: Played, scene: Scene, name: str) -> None:
    played.end(scene)
    assert _words(outcome(played.lab, name)) == OURS
    [pod] = played.lab.pods(name)
    assert log(played.lab, pod) == b"tried\n"


def test_a_suspended_job_does_not_end_before_it_has_a_start_time(played: Played) -> None:
    assert _words(played.end(told_while_held_without_a_start)) == OURS


def test_no_retry_ends_a_held_job_only_when_it_goes_on_and_makes_no_other_pod(played: Played) -> None:
    assert played.end(forbidden_while_held).reason == "FailedIndexes"
    assert len(played.lab.pods("refused")) == 1


def test_a_start_time_is_refused_by_a_job_that_is_not_suspended(played: Played) -> None:
    played.end(complete)
    with pytest.raises(ApiException, match="field is immutable for unsuspended job once set"):
        patch_job_status(played.lab, "complete", {"status": {"startTime": rfc3339(now())}})


@pytest.mark.parametrize("scene", [told_without_a_pod, told_while_unscheduled])
def test_a_failure_target_ends_a_job_that_could_not_start(played: Played, scene: Scene) -> None:
    assert _words(played.end(scene)) == OURS


def test_cancelling_does_nothing_to_a_pod_without_a_node_and_a_failure_target_deletes_it(played: Played) -> None:
    played.end(told_while_unscheduled)
    assert played.lab.pods("unscheduled") == []


def test_a_failure_target_deletes_a_running_pod(played: Played) -> None:
    assert _words(played.end(told_while_running)) == OURS
    assert played.lab.pods("running") == []


def test_a_complete_job_refuses_a_failure_target(played: Played) -> None:
    played.end(complete)
    with pytest.raises(ApiException, match="cannot set Complete=True and FailureTarget=true conditions"):
        target_failure(played.lab, "complete")


def test_a_list_of_conditions_that_others_have_changed_is_refused(played: Played) -> None:
    played.end(complete)
    with pytest.raises(ApiException, match="the object has been modified"):
        patch_job_status(played.lab, "complete", {"metadata": {"resourceVersion": "1"}, "status": {}})


def test_a_failure_target_before_a_success_is_counted_wins(lab: Lab, control_plane: Cluster) -> None:
    lab.add_job(job("overtaken"))
    [pod] = lab.wait(lambda: lab.pods("overtaken"), "the pod")
    control_plane.stop_controller_manager()
    try:
        lab.core.patch_namespaced_pod_status(pod.metadata.name, lab.namespace, {"status": {"phase": "Succeeded"}})
        target_failure(lab, "overtaken")
    finally:
        control_plane.start_controller_manager()
    assert _words(outcome(lab, "overtaken")) == OURS
    assert lab.job("overtaken").status.succeeded == 1


def _words(condition: V1JobCondition) -> tuple[str, str, str]:
    return condition.type, condition.reason, condition.message
