"""What only running pods can show: attempts, a pod's deadline, what arrives in a container.

All tests share one node and their waiting: the fixture starts everything at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from kubernetes.client import V1ContainerStateTerminated, V1Pod

from tests.fixtures import node_group
from tests.kubernetes.lab import Lab, this_minute
from tests.kubernetes.objects import FAILURE_COUNT, Body, due_name, job, job_spec, pod_spec, scheduled_time, yearly
from tests.kubernetes.policy import SCHEDULED_TIME, labelled, scheduled_time_policy
from tools.cluster.base import Cluster

pytestmark = node_group("kubelet")

BACKOFF = timedelta(seconds=10)  # before the first retry
SLACK = timedelta(seconds=6)  # for a busy machine
POD = 60.0  # seconds until a pod that runs for an instant has ended
REFUSED = 64  # EX_USAGE: the exit code that forbids a retry
FAILURE_POLICY = {
    "rules": [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        {
            "action": "FailIndex",
            "onExitCodes": {"containerName": "agent", "operator": "In", "values": [REFUSED, 77, 78]},
        },
    ]
}


def _annotation(variable: str, annotation: str) -> Body:
    return {"name": variable, "valueFrom": {"fieldRef": {"fieldPath": f"metadata.annotations['{annotation}']"}}}


def _tries(image: str, script: str) -> Body:
    """A Job that is tried twice; the script knows as COUNT how often it failed."""
    pod = pod_spec(image, "sh", "-c", script, env=[_annotation("COUNT", FAILURE_COUNT)])
    return job_spec(pod, backoffLimitPerIndex=1, podFailurePolicy=FAILURE_POLICY)


def _outlives_its_deadline(image: str) -> Body:
    script = "trap 'printf given-up >/dev/termination-log; exit 0' TERM; echo working; sleep 60 & wait"
    return job_spec({**pod_spec(image, "sh", "-c", script), "activeDeadlineSeconds": 3})


def _dollars(image: str) -> Body:
    """Says what it got: the message, then its arguments."""
    script = 'printf "%s\\n" "$MESSAGE" "$PLAIN" "$@" >/dev/termination-log'
    environment = [
        {"name": "MESSAGE", "value": "$$(SECRET) costs $$5, $$$$ and $$"},
        {"name": "PLAIN", "value": "$(SECRET)"},
    ]
    args = ["$$(SECRET)", "$(MESSAGE)"]
    secret = [{"secretRef": {"name": "secret"}}]
    return job_spec(pod_spec(image, "sh", "-c", script, "sh", args=args, env=environment, envFrom=secret))


@pytest.fixture(scope="module")
def started(node_lab: Lab, image: str, node_cluster: Cluster) -> Iterator[Lab]:
    """The lab with everything under way."""
    lab = node_lab
    secret = {"metadata": {"name": "secret"}, "stringData": {"SECRET": "canary"}}
    lab.core.create_namespaced_secret(lab.namespace, secret)
    says_count = 'printf "failures: %s" "$COUNT" >/dev/termination-log'
    specs = {
        "failing": _tries(image, f"{says_count}; exit 3"),
        "recovering": _tries(image, '[ "$COUNT" = 1 ]'),
        "refusing": _tries(image, f"exit {REFUSED}"),
        "deadline": _outlives_its_deadline(image),
        "dollars": _dollars(image),
    }
    for name, spec in specs.items():
        lab.add_job(job(name, **spec))
    with scheduled_time_policy(node_cluster, lab):
        yield lab


def test_the_second_attempt_of_an_indexed_job_knows_that_one_has_failed(started: Lab) -> None:
    _wait_for(started, "failing", "Failed")
    pods = started.pods("failing")
    assert [pod.metadata.annotations[FAILURE_COUNT] for pod in pods] == ["0", "1"]
    assert [_end(pod).message for pod in pods] == ["failures: 0", "failures: 1"]


def test_the_second_attempt_comes_about_ten_seconds_after_the_first_has_ended(started: Lab) -> None:
    _wait_for(started, "failing", "Failed")
    first, second = started.pods("failing")
    gap = second.metadata.creation_timestamp - _end(first).finished_at
    assert BACKOFF - timedelta(seconds=1) <= gap <= BACKOFF + SLACK


def test_failed_attempts_stay_and_the_job_fails_with_failed_indexes(started: Lab) -> None:
    assert _wait_for(started, "failing", "Failed") == "FailedIndexes"
    pods = started.pods("failing")
    assert [(pod.status.phase, _end(pod).exit_code) for pod in pods] == [("Failed", 3), ("Failed", 3)]


def test_a_job_whose_second_attempt_succeeds_is_complete_and_keeps_the_failed_pod(started: Lab) -> None:
    _wait_for(started, "recovering", "Complete")
    assert [pod.status.phase for pod in started.pods("recovering")] == ["Failed", "Succeeded"]


def test_an_exit_code_of_the_failure_policy_ends_the_job_at_its_first_attempt(started: Lab) -> None:
    assert _wait_for(started, "refusing", "Failed") == "FailedIndexes"
    [pod] = started.pods("refusing")
    assert _ended_after(started, "refusing", _end(pod).finished_at) < BACKOFF


def test_a_pods_deadline_fails_the_job_and_leaves_pod_and_log(started: Lab) -> None:
    assert _wait_for(started, "deadline", "Failed") == "FailedIndexes"
    [pod] = started.pods("deadline")
    assert (pod.status.phase, pod.status.reason) == ("Failed", "DeadlineExceeded")
    assert started.core.read_namespaced_pod_log(pod.metadata.name, started.namespace) == "working\n"


def test_what_an_agent_writes_when_its_deadline_ends_it_is_kept(started: Lab) -> None:
    _wait_for(started, "deadline", "Failed")
    [pod] = started.pods("deadline")
    end = started.wait(lambda: _terminated(started.pods("deadline")[0]), "the container's end")
    assert (end.exit_code, end.message) == (0, "given-up")
    assert pod.status.phase == "Failed"


def test_doubled_dollars_arrive_as_one_and_a_name_behind_them_is_not_expanded(started: Lab) -> None:
    message, _, argument, _ = _said(started)
    assert message == "$(SECRET) costs $5, $$ and $"
    assert argument == "$(SECRET)"


def test_a_single_dollar_before_a_name_is_expanded_once(started: Lab) -> None:
    message, plain, _, expanded = _said(started)
    assert plain == "canary"
    assert expanded == message


def test_a_pod_reads_its_due_time_through_a_field_reference(started: Lab, image: str) -> None:
    due = this_minute()
    script = 'printf %s "$DUE" >/dev/termination-log'
    pod = pod_spec(image, "sh", "-c", script, env=[_annotation("DUE", SCHEDULED_TIME)])
    started.add(labelled("told", yearly(due), pod, suspend=True))
    started.mark("told", due - timedelta(hours=1))
    started.edit("told", suspend=False)
    name = due_name("told", due)
    started.wait(lambda: started.started("told"), "the CronJob's start")
    _wait_for(started, name, "Complete")
    assert datetime.fromisoformat(_end(started.pods(name)[0]).message) == due
    assert scheduled_time(started.job(name)) == due


def _wait_for(lab: Lab, job: str, condition: str) -> str:
    """The reason of the Job's final condition."""
    lab.wait(lambda: lab.condition(job, condition) is not None, f"{job} is {condition}", POD)
    return lab.condition(job, condition) or ""


def _ended_after(lab: Lab, job: str, moment: datetime) -> timedelta:
    conditions = {c.type: c.last_transition_time for c in lab.job(job).status.conditions}
    return conditions["Failed"] - moment


def _said(lab: Lab) -> list[str]:
    _wait_for(lab, "dollars", "Complete")
    return _end(lab.pods("dollars")[0]).message.splitlines()


def _terminated(pod: V1Pod) -> V1ContainerStateTerminated | None:
    return pod.status.container_statuses[0].state.terminated


def _end(pod: V1Pod) -> V1ContainerStateTerminated:
    end = _terminated(pod)
    assert end, f"{pod.metadata.name} has not ended"
    return end
