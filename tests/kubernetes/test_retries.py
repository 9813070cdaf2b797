"""Between two attempts: delays, holding a retry back, and pods that others take away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from kubernetes.client import V1Job, V1Pod

from tests.fixtures import node_group
from tests.kubernetes.lab import Lab, sleep_until
from tests.kubernetes.objects import FAILURE_COUNT
from tests.kubernetes.runs import (
    IGNORED_COUNT,
    TIMEOUT,
    TRACKED,
    counts,
    end_of,
    evict,
    forbid_retry,
    gone,
    hold,
    newest,
    outcome,
    replaced,
    run,
    suspend,
    works,
)
from tests.kubernetes.scenes import Played, Scene, play

pytestmark = node_group("kubelet")

FIRST, SECOND = timedelta(seconds=10), timedelta(seconds=20)  # the gaps after the first and the second end
SLACK = timedelta(seconds=6)  # for a busy machine
SECONDS_HELD = 16  # longer than the Job's own time limit in that scene
LOOKS_AT_VOLUMES = 120.0  # seconds; the kubelet does it about once a minute
FAILS_ONCE = '[ "$COUNT" = 1 ]'
COUNT = [{"name": "COUNT", "valueFrom": {"fieldRef": {"fieldPath": f"metadata.annotations['{FAILURE_COUNT}']"}}}]


# Scenes


def failing(lab: Lab, image: str) -> list[V1Pod]:
    lab.add_job(run("failing", image, "exit 3", limit=2))
    outcome(lab, "failing")
    return lab.pods("failing")


def held(lab: Lab, image: str) -> tuple[V1Job, V1Pod, V1Pod]:
    """Held right after the failure, for longer than the Job may be active."""
    limited = {"activeDeadlineSeconds": SECONDS_HELD - 2}
    lab.add_job(run("held", image, FAILS_ONCE, container={"env": COUNT}, **limited))
    failed = newest(lab, "held", "Failed")
    suspend(lab, "held")
    sleep_until(end_of(failed).finished_at + timedelta(seconds=SECONDS_HELD))
    [kept] = lab.pods("held")
    job = lab.job("held")
    suspend(lab, "held", False)
    return job, kept, replaced(lab, "held", kept)


def held_for_a_moment(lab: Lab, image: str) -> timedelta:
    """The gap, though the hold ends at once."""
    lab.add_job(run("moment", image, "exit 3"))
    failed = newest(lab, "moment", "Failed")
    hold(lab, "moment")
    suspend(lab, "moment", False)
    return _gap(failed, replaced(lab, "moment", failed))


def held_too_late(lab: Lab, image: str) -> list[V1Pod]:
    lab.add_job(run("late", image, "sleep 2; exit 3"))
    second = replaced(lab, "late", newest(lab, "late", "Failed"))
    assert counts([second]) == ["1"]
    suspend(lab, "late")
    gone(lab, second, "late")
    suspend(lab, "late", False)
    outcome(lab, "late")
    return lab.pods("late")


def evicted_twice(lab: Lab, image: str) -> list[tuple[V1Pod, V1Pod]]:
    """Each evicted pod as it was at last, and its replacement."""
    lab.add_job(run("evicted", image, works()))
    seen = []
    for _ in range(2):
        pod = newest(lab, "evicted", "Running")
        evict(lab, pod.metadata.name)
        seen.append(_followed(lab, "evicted", pod))
    return seen


def deleted(lab: Lab, image: str) -> tuple[V1Pod, V1Pod]:
    lab.add_job(run("deleted", image, works()))
    pod = newest(lab, "deleted", "Running")
    lab.core.delete_namespaced_pod(pod.metadata.name, lab.namespace)
    return _followed(lab, "deleted", pod)


def evicted_and_exits_0(lab: Lab, image: str) -> str:
    lab.add_job(run("polite", image, works(code=0)))
    evict(lab, newest(lab, "polite", "Running").metadata.name)
    return outcome(lab, "polite").type


def cancelled_and_evicted(lab: Lab, image: str) -> str:
    lab.add_job(run("both", image, works()))
    pod = newest(lab, "both", "Running").metadata.name
    forbid_retry(lab, pod)
    evict(lab, pod)
    return outcome(lab, "both").type


def over_its_volume(lab: Lab, image: str) -> tuple[V1Pod, V1Pod]:
    volume = {"name": "scratch", "emptyDir": {"sizeLimit": "1Mi"}}
    script = "head -c 20000000 /dev/zero >/scratch/file; sleep 120"
    pod = {"volumes": [volume], "securityContext": {"fsGroup": 65532}}
    mounted = {"volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}]}
    lab.add_job(run("volume", image, script, pod=pod, container=mounted))
    newest(lab, "volume", "Running")
    failed = newest(lab, "volume", "Failed", LOOKS_AT_VOLUMES)
    return failed, replaced(lab, "volume", failed)


SCENES: tuple[Scene, ...] = (
    failing,
    held,
    held_for_a_moment,
    held_too_late,
    evicted_twice,
    deleted,
    evicted_and_exits_0,
    cancelled_and_evicted,
    over_its_volume,
)


@pytest.fixture(scope="module")
def played(node_lab: Lab, image: str) -> Iterator[Played]:
    with play(node_lab, image, *SCENES) as scenes:
        yield scenes


def test_the_gaps_double_from_ten_seconds_on(played: Played) -> None:
    first, second, third = played.end(failing)
    assert FIRST - timedelta(seconds=1) <= _gap(first, second) <= FIRST + SLACK
    assert SECOND - timedelta(seconds=1) <= _gap(second, third) <= SECOND + SLACK


def test_a_job_suspended_within_the_backoff_keeps_its_failed_pod_uncounted(played: Played) -> None:
    job, kept, _ = played.end(held)
    assert (kept.status.phase, kept.metadata.finalizers) == ("Failed", [TRACKED])
    assert (job.status.failed, job.status.active, job.status.start_time) == (None, None, None)
    assert [(c.type, c.status, c.reason) for c in job.status.conditions] == [("Suspended", "True", "JobSuspended")]


def test_after_the_hold_the_next_attempt_comes_at_once_and_knows_of_the_failure(played: Played) -> None:
    _, kept, second = played.end(held)
    assert counts([kept, second]) == ["0", "1"]
    resumed = end_of(kept).finished_at + timedelta(seconds=SECONDS_HELD)
    assert second.metadata.creation_timestamp - resumed <= SLACK


def test_a_resume_begins_the_jobs_time_anew(played: Played) -> None:
    _, _, second = played.end(held)
    assert outcome(played.lab, "held").type == "Complete"
    assert played.lab.job("held").status.start_time >= second.metadata.creation_timestamp - timedelta(seconds=2)


def test_a_hold_that_ends_early_does_not_shorten_the_gap(played: Played) -> None:
    assert FIRST - timedelta(seconds=1) <= played.end(held_for_a_moment) <= FIRST + SLACK


def test_a_hold_that_comes_after_the_replacement_deletes_it_and_the_count_begins_anew(played: Played) -> None:
    pods = played.end(held_too_late)
    assert counts(pods) == ["0", "0", "1"]  # with the deleted one four attempts, for a limit of one retry


def test_an_evicted_attempt_is_not_counted_but_its_replacement_waits_as_long(played: Played) -> None:
    (first, second), (again, third) = played.end(evicted_twice)
    assert counts([second, third]) == ["0", "0"]
    assert [pod.metadata.annotations.get(IGNORED_COUNT) for pod in (first, second, third)] == [None, "1", "2"]
    assert _gap(first, second) >= FIRST - timedelta(seconds=1)
    assert _gap(again, third) >= SECOND - timedelta(seconds=1)
    assert played.lab.job("evicted").status.failed is None


def test_an_evicted_pod_says_so_and_vanishes_once_it_is_replaced(played: Played) -> None:
    (first, _), _ = played.end(evicted_twice)
    [disruption] = [c for c in first.status.conditions if c.type == "DisruptionTarget"]
    assert disruption.reason == "EvictionByEvictionAPI"
    assert end_of(first).message == "given-up"
    gone(played.lab, first, "evicted")


def test_a_deleted_pod_counts_as_a_failed_attempt_and_vanishes(played: Played) -> None:
    first, second = played.end(deleted)
    assert counts([second]) == ["1"]
    gone(played.lab, first, "deleted")
    assert played.lab.job("deleted").status.failed == 1


def test_an_agent_that_exits_0_when_it_is_evicted_completes_its_job(played: Played) -> None:
    assert played.end(evicted_and_exits_0) == "Complete"


def test_no_retry_comes_before_the_eviction_in_the_policy(played: Played) -> None:
    assert played.end(cancelled_and_evicted) == "Failed"
    assert len(played.lab.pods("both")) <= 1


def test_a_volume_over_its_limit_counts_as_a_failed_attempt(played: Played) -> None:
    failed, second = played.end(over_its_volume)
    assert failed.status.reason == "Evicted"
    assert failed.status.message.strip() == 'Usage of EmptyDir volume "scratch" exceeds the limit "1Mi".'
    assert counts([second]) == ["1"]


def _followed(lab: Lab, name: str, pod: V1Pod) -> tuple[V1Pod, V1Pod]:
    """A pod that is being taken away, as it was when it had ended, and the one after it."""

    def look() -> V1Pod | None:
        same = [p for p in lab.pods(name) if p.metadata.name == pod.metadata.name]
        return same[0] if same and same[0].status.container_statuses[0].state.terminated else None

    ended = lab.wait(look, f"{name}: the end of a pod", TIMEOUT)
    return ended, replaced(lab, name, pod)


def _gap(first: V1Pod, second: V1Pod) -> timedelta:
    return second.metadata.creation_timestamp - end_of(first).finished_at
