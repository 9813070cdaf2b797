"""What is lost and what hangs when a Job, or the namespace around it, is deleted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes.client import V1Job, V1Pod
from kubernetes.watch import Watch

from tests.fixtures import node_group
from tests.kubernetes.lab import Lab, two_due_times
from tests.kubernetes.objects import due_name, job_spec, pod_spec
from tests.kubernetes.runs import TIMEOUT, TRACKED, gone, log_refused, newest, run, suspend, works
from tests.kubernetes.scenes import Played, Scene, play

pytestmark = node_group("kubelet")

HANGS = 6.0  # seconds to look on, after the last pod was told to go


# Scenes


def job_deleted(lab: Lab, image: str) -> list[Any]:
    """What a watcher of the pod sees; and the log is asked for at the end."""
    lab.add_job(run("deleted", image, works()))
    pod = newest(lab, "deleted", "Running")
    lab.batch.delete_namespaced_job("deleted", lab.namespace, propagation_policy="Background")
    seen = []
    for event in Watch().stream(
        lab.core.list_namespaced_pod,
        lab.namespace,
        field_selector=f"metadata.name={pod.metadata.name}",
        resource_version=pod.metadata.resource_version,
        timeout_seconds=int(TIMEOUT),
    ):
        seen.append((event["type"], event["raw_object"]))
        if event["type"] == "DELETED":
            break
    assert log_refused(lab, pod)[0] == 404
    return seen


def replaced_by_its_cronjob(lab: Lab, image: str) -> V1Pod:
    """The old pod as it is when the new one is there, which may be before it is told to go."""
    first, second, interval = two_due_times(12)
    spec = job_spec(pod_spec(image, "sh", "-c", works(seconds=4)))
    lab.due("replacing", first, interval, policy="Replace", jobTemplate={"spec": spec})
    newest(lab, due_name("replacing", first), "Running")
    lab.wait(lambda: lab.pods(due_name("replacing", second)), "the second Job's pod", TIMEOUT)
    [old] = lab.pods(due_name("replacing", first))
    lab.edit("replacing", suspend=True)
    gone(lab, old, due_name("replacing", first))
    return old


def namespace_of_a_held_job(lab: Lab, image: str) -> tuple[V1Job, V1Pod]:
    other = Lab(lab.core.api_client)
    other.add_job(run("run", image, "exit 3"))
    newest(other, "run", "Failed")
    suspend(other, "run")
    return _hangs_until_the_job_is_deleted(other)


def namespace_of_a_job_that_waits(lab: Lab, image: str) -> tuple[V1Job, V1Pod]:
    other = Lab(lab.core.api_client)
    other.add_job(run("run", image, "exit 3"))
    newest(other, "run", "Failed")
    return _hangs_until_the_job_is_deleted(other)


def namespace_of_an_attempt_that_fails_when_it_ends(lab: Lab, image: str) -> tuple[V1Job, V1Pod]:
    other = Lab(lab.core.api_client)
    other.add_job(run("run", image, works()))
    newest(other, "run", "Running")
    return _hangs_until_the_job_is_deleted(other)


NAMESPACES: tuple[Scene, ...] = (
    namespace_of_a_held_job,
    namespace_of_a_job_that_waits,
    namespace_of_an_attempt_that_fails_when_it_ends,
)


@pytest.fixture(scope="module")
def played(node_lab: Lab, image: str) -> Iterator[Played]:
    """All scenes, under way."""
    with play(node_lab, image, job_deleted, replaced_by_its_cronjob, *NAMESPACES) as scenes:
        yield scenes


def test_a_watcher_sees_the_result_of_a_deleted_jobs_pod_just_before_it_is_gone(played: Played) -> None:
    seen = played.end(job_deleted)
    ends = [(kind, _terminated(pod)["message"]) for kind, pod in seen if _terminated(pod)]
    assert ends[0] == ("MODIFIED", "given-up")
    assert ends[-1] == ("DELETED", "given-up")


def test_a_cronjob_that_replaces_does_not_wait_for_the_old_attempt(played: Played) -> None:
    old = played.end(replaced_by_its_cronjob)
    assert old.status.container_statuses[0].state.running


@pytest.mark.parametrize("scene", NAMESPACES)
def test_a_namespace_hangs_on_a_failed_attempt_that_waits_for_its_replacement(played: Played, scene: Scene) -> None:
    job, pod = played.end(scene)
    assert job.metadata.deletion_timestamp is None
    assert (pod.status.phase, pod.metadata.finalizers) == ("Failed", [TRACKED])


def _hangs_until_the_job_is_deleted(lab: Lab) -> tuple[V1Job, V1Pod]:
    """Delete the namespace, and then the Job; what was there in between."""
    lab.core.delete_namespace(lab.namespace)
    lab.wait(lambda: _leaving(lab.pods("run")[0]), "the end of the pod's grace", TIMEOUT)
    lab.never(lambda: not _exists(lab), "the namespace's end", HANGS)
    job, [pod] = lab.job("run"), lab.pods("run")
    lab.batch.delete_namespaced_job("run", lab.namespace, propagation_policy="Background")
    lab.wait(lambda: not _exists(lab), "the namespace's end", TIMEOUT)
    return job, pod


def _leaving(pod: V1Pod) -> bool:
    return pod.metadata.deletion_timestamp is not None and pod.status.phase == "Failed"


def _exists(lab: Lab) -> bool:
    names = f"metadata.name={lab.namespace}"
    return bool(lab.core.list_namespace(field_selector=names).items)


def _terminated(pod: Any) -> dict[str, Any]:
    statuses = pod["status"].get("containerStatuses", [{}])
    found: dict[str, Any] = statuses[0].get("state", {}).get("terminated", {})
    return found
