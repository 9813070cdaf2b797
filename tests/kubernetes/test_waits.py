"""Why an attempt has not started: where Kubernetes says so, and what is left of a pod that never did."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from kubernetes.client import CoreV1Event, V1ContainerStateWaiting

from tests.fixtures import node_group
from tests.kubernetes.lab import Lab
from tests.kubernetes.objects import Body
from tests.kubernetes.runs import NO_IMAGE, TIMEOUT, counts, end_of, forgotten, log, log_refused, outcome, run

pytestmark = node_group("kubelet")

LIMIT = 3  # seconds that the attempts have which never start
PULLS = 40.0  # seconds until a pull that fails has been put off; it is tried again after 10 and 20
BACKOFF = timedelta(seconds=10)
SLACK = timedelta(seconds=6)  # for a busy machine


def _secret(name: str, key: str) -> Body:
    return {"env": [{"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": name, "key": key}}}]}


CONTAINERS: dict[str, Body] = {
    "refused": {"image": NO_IMAGE},
    "misspelt": {"image": "UPPER//case"},
    "never-pulled": {"image": "docker.io/library/none:1", "imagePullPolicy": "Never"},
    "no-key": _secret("present", "missing"),
    "no-secret": _secret("missing", "key"),
    "no-config": {"envFrom": [{"configMapRef": {"name": "missing"}}]},
    "root": {"securityContext": {"runAsNonRoot": True, "runAsUser": 0}},
}
PODS: dict[str, Body] = {
    "no-node": {"nodeSelector": {"no": "where"}},
    "no-claim": {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "missing"}}]},
    "no-account": {"serviceAccountName": "missing"},
    "no-class": {"priorityClassName": "missing"},
}
MOUNTS: Body = {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}  # what nobody mounts is not waited for
MOUNTED: Body = {"volumes": [{"name": "data", "configMap": {"name": "missing"}}]}
WAITING = [
    ("refused", "ErrImagePull", "connection refused"),
    ("misspelt", "InvalidImageName", """couldn't parse image name "UPPER//case": invalid reference format"""),
    ("never-pulled", "ErrImageNeverPull", 'Container image "docker.io/library/none:1" is not present'),
    ("no-key", "CreateContainerConfigError", "couldn't find key missing in Secret"),
    ("no-secret", "CreateContainerConfigError", 'secret "missing" not found'),
    ("no-config", "CreateContainerConfigError", 'configmap "missing" not found'),
    ("root", "CreateContainerConfigError", "container's runAsUser breaks non-root policy"),
]
UNSCHEDULABLE = [
    ("no-node", "1 node(s) didn't match Pod's node affinity/selector"),
    ("no-claim", 'persistentvolumeclaim "missing" not found'),
]
WITHOUT_POD = [
    ("no-account", 'serviceaccount "missing" not found'),
    ("no-class", "no PriorityClass with name missing was found"),
]


@pytest.fixture(scope="module")
def waiting(node_lab: Lab, image: str) -> Lab:
    """The lab, where nothing starts."""
    secret = {"metadata": {"name": "present"}, "stringData": {"key": "value"}}
    node_lab.core.create_namespaced_secret(node_lab.namespace, secret)
    for name, container in CONTAINERS.items():
        node_lab.add_job(run(name, image, "true", container=container))
    for name, pod in PODS.items():
        node_lab.add_job(run(name, image, "true", pod=pod))
    node_lab.add_job(run("no-volume", image, "true", pod=MOUNTED, container=MOUNTS))
    node_lab.add_job(run("out-of-time", NO_IMAGE, "true", pod={"activeDeadlineSeconds": LIMIT}))
    return node_lab


@pytest.fixture(scope="module")
def full(node_lab: Lab, image: str) -> Iterator[Lab]:
    """A namespace whose quota allows no pod."""
    lab = Lab(node_lab.core.api_client)
    quota = {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    lab.core.create_namespaced_resource_quota(lab.namespace, quota)
    used = lambda: lab.core.read_namespaced_resource_quota("none", lab.namespace).status.used  # noqa: E731
    lab.wait(used, "the quota's status")
    lab.add_job(run("full", image, "true"))
    yield lab
    lab.close()


@pytest.fixture(scope="module")
def strict(node_lab: Lab, image: str) -> Iterator[Lab]:
    """A namespace whose pods must be restricted."""
    lab = Lab(node_lab.core.api_client)
    label = {"pod-security.kubernetes.io/enforce": "restricted"}
    lab.core.patch_namespace(lab.namespace, {"metadata": {"labels": label}})
    lab.add_job(run("strict", image, "true"))
    yield lab
    lab.close()


@pytest.mark.parametrize(("name", "reason", "text"), WAITING)
def test_the_containers_status_says_why_it_waits(waiting: Lab, name: str, reason: str, text: str) -> None:
    state = waiting.wait(lambda: _waits(waiting, name, reason), f"{name}: {reason}")
    assert text in state.message


def test_a_pull_that_fails_is_put_off_and_repeats_the_reason(waiting: Lab) -> None:
    state = waiting.wait(lambda: _waits(waiting, "refused", "ImagePullBackOff"), "ImagePullBackOff", PULLS)
    assert state.message.startswith(f'Back-off pulling image "{NO_IMAGE}": ErrImagePull: ')
    assert "connection refused" in state.message


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("misspelt", "InvalidImageName"),
        ("never-pulled", "ErrImageNeverPull"),
        ("no-key", "CreateContainerConfigError"),
        ("no-volume", "ContainerCreating"),
    ],
)
def test_a_container_that_waits_has_no_log_and_says_why(waiting: Lab, name: str, reason: str) -> None:
    waiting.wait(lambda: _waits(waiting, name, reason), f"{name}: {reason}")
    [pod] = waiting.pods(name)
    status, text = log_refused(waiting, pod)
    assert status == 400
    assert f"is waiting to start: {reason}" in text


@pytest.mark.parametrize(("name", "text"), UNSCHEDULABLE)
def test_an_unscheduled_pod_says_so_in_a_condition_and_has_an_empty_log(waiting: Lab, name: str, text: str) -> None:
    message = waiting.wait(lambda: _unschedulable(waiting, name), f"{name}: Unschedulable")
    assert text in message
    [pod] = waiting.pods(name)
    assert (pod.status.start_time, pod.status.container_statuses) == (None, None)
    assert log(waiting, pod) == b""


def test_a_volume_that_cannot_be_mounted_shows_in_an_event_of_the_pod_only(waiting: Lab) -> None:
    [pod] = waiting.wait(lambda: waiting.pods("no-volume"), "the pod")
    event = waiting.wait(lambda: _warnings(waiting, "Pod", pod.metadata.name), "a warning")[0]
    assert event.reason == "FailedMount"
    assert event.message == 'MountVolume.SetUp failed for volume "data" : configmap "missing" not found'
    assert (event.involved_object.uid, event.involved_object.field_path) == (pod.metadata.uid, None)
    assert waiting.pods("no-volume")[0].status.container_statuses[0].state.waiting.reason == "ContainerCreating"


@pytest.mark.parametrize(("name", "text"), WITHOUT_POD)
def test_what_forbids_every_pod_shows_in_one_event_of_the_job_only(waiting: Lab, name: str, text: str) -> None:
    def repeated() -> list[CoreV1Event]:
        return [event for event in _warnings(waiting, "Job", name) if event.count and event.count > 1]

    [event] = waiting.wait(repeated, f"{name}: a repeated warning")
    assert (event.reason, event.involved_object.uid) == ("FailedCreate", waiting.job(name).metadata.uid)
    assert event.message.startswith(f'Error creating: pods "{name}-0-" is forbidden: ')
    assert text in event.message
    assert waiting.job(name).status.conditions is None


def test_a_quota_shows_in_an_event_of_the_job_for_each_random_pod_name(full: Lab) -> None:
    first, second = _two_warnings(full, "full")
    assert first != second
    assert _nameless(first) == _nameless(second)
    assert _nameless(first) == (
        'Error creating: pods "full-0-?" is forbidden: exceeded quota: none, '
        "requested: pods=1, used: pods=0, limited: pods=0"
    )


def test_pod_security_shows_in_an_event_of_the_job_for_each_random_pod_name(strict: Lab) -> None:
    first, second = _two_warnings(strict, "strict")
    assert first != second
    assert _nameless(first) == _nameless(second)
    assert 'is forbidden: violates PodSecurity "restricted:latest": ' in first


def test_a_pod_whose_time_is_over_before_it_started_forgets_why_it_waited(waiting: Lab) -> None:
    assert outcome(waiting, "out-of-time").reason == "FailedIndexes"
    for pod in forgotten(waiting, "out-of-time"):
        assert (pod.status.phase, pod.status.reason) == ("Failed", "DeadlineExceeded")
        end = end_of(pod)
        assert (end.exit_code, end.reason) == (137, "ContainerStatusUnknown")
        assert end.message == "The container could not be located when the pod was terminated"
        assert (end.started_at, end.finished_at) == (None, None)
        assert pod.status.start_time


def test_an_attempt_that_never_started_is_counted_and_the_gap_counts_from_its_begin(waiting: Lab) -> None:
    outcome(waiting, "out-of-time")
    first, second = waiting.pods("out-of-time")
    assert counts([first, second]) == ["0", "1"]
    gap = second.metadata.creation_timestamp - first.status.start_time
    assert BACKOFF - timedelta(seconds=1) <= gap <= BACKOFF + SLACK


def test_a_container_that_never_started_has_no_log(waiting: Lab) -> None:
    outcome(waiting, "out-of-time")
    status, text = log_refused(waiting, forgotten(waiting, "out-of-time")[0])
    assert status == 400
    assert "is terminated" in text


def _waits(lab: Lab, name: str, reason: str) -> V1ContainerStateWaiting | None:
    for pod in lab.pods(name):
        for container in pod.status.container_statuses or []:
            if container.state.waiting and container.state.waiting.reason == reason:
                return container.state.waiting
    return None


def _unschedulable(lab: Lab, name: str) -> str | None:
    conditions = [c for pod in lab.pods(name) for c in pod.status.conditions or []]
    return next((c.message for c in conditions if (c.type, c.reason) == ("PodScheduled", "Unschedulable")), None)


def _warnings(lab: Lab, kind: str, name: str) -> list[CoreV1Event]:
    chosen = f"involvedObject.kind={kind},involvedObject.name={name},type=Warning"
    found: list[Any] = lab.core.list_namespaced_event(lab.namespace, field_selector=chosen).items
    return found


def _two_warnings(lab: Lab, name: str) -> tuple[str, str]:
    """The texts of the first two events, which count for themselves."""

    def look() -> list[CoreV1Event] | None:
        found = _warnings(lab, "Job", name)
        return found if len(found) >= 2 else None

    found = lab.wait(look, f"{name}: two warnings", TIMEOUT)
    assert {(event.reason, event.count) for event in found} == {("FailedCreate", 1)}
    return found[0].message, found[1].message


def _nameless(message: str) -> str:
    return re.sub(r'(pods "[a-z]+-0-)[a-z0-9]{5}"', r'\1?"', message)
