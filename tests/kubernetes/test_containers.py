"""What else in a pod fails an attempt: the containers beside the agent and before it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from kubernetes.client import V1Pod

from tests.fixtures import node_group
from tests.kubernetes.lab import Lab
from tests.kubernetes.objects import pod_spec
from tests.kubernetes.runs import counts, end_of, log_refused, newest, replaced, run
from tests.kubernetes.scenes import Played, play

pytestmark = [node_group("kubelet"), pytest.mark.turn(-3)]

BACKOFF = timedelta(seconds=10)
SLACK = timedelta(seconds=6)  # for a busy machine
PREPARES = 8  # seconds until the init container fails


# Scenes: the failed pod, and its replacement


def beside_a_failing_container(lab: Lab, image: str) -> tuple[V1Pod, V1Pod]:
    """The agent succeeds; a plain container beside it ends with a code that would forbid a retry for the agent."""
    [agent] = pod_spec(image, "sh", "-c", "sleep 1")["containers"]
    beside = {**agent, "name": "beside", "command": ["sh", "-c", "exit 64"]}
    lab.add_job(run("beside", image, "", pod={"containers": [agent, beside]}))
    failed = newest(lab, "beside", "Failed")
    return failed, replaced(lab, "beside", failed)


def after_a_failed_init_container(lab: Lab, image: str) -> tuple[V1Pod, V1Pod]:
    [prepare] = pod_spec(image, "sh", "-c", f"sleep {PREPARES}; exit 9")["containers"]
    lab.add_job(run("init", image, "true", pod={"initContainers": [{**prepare, "name": "prepare"}]}))
    failed = newest(lab, "init", "Failed")
    return failed, replaced(lab, "init", failed)


@pytest.fixture(scope="module")
def played(node_lab: Lab, image: str) -> Iterator[Played]:
    """All scenes, under way."""
    with play(node_lab, image, beside_a_failing_container, after_a_failed_init_container) as scenes:
        yield scenes


def test_a_container_beside_the_agent_fails_the_pod_and_its_exit_code_forbids_nothing(played: Played) -> None:
    failed, second = played.end(beside_a_failing_container)
    assert end_of(failed).exit_code == 0
    assert counts([second]) == ["1"]


def test_after_a_failed_init_container_the_agent_still_waits_and_has_no_log(played: Played) -> None:
    failed, _ = played.end(after_a_failed_init_container)
    assert (failed.status.phase, failed.status.reason) == ("Failed", None)
    assert failed.status.init_container_statuses[0].state.terminated.exit_code == 9
    assert failed.status.container_statuses[0].state.waiting.reason == "PodInitializing"
    status, text = log_refused(played.lab, failed)
    assert status == 400
    assert "is waiting to start: PodInitializing" in text


def test_the_gap_after_a_failed_init_container_counts_from_the_begin_of_the_pod(played: Played) -> None:
    failed, second = played.end(after_a_failed_init_container)
    [ready] = [c for c in failed.status.conditions if c.type == "Ready"]
    assert ready.last_transition_time - failed.status.start_time <= timedelta(seconds=1)
    gap = second.metadata.creation_timestamp - failed.status.init_container_statuses[0].state.terminated.finished_at
    assert gap < BACKOFF - timedelta(seconds=PREPARES) + SLACK
    assert second.metadata.creation_timestamp - failed.status.start_time >= BACKOFF - timedelta(seconds=1)
