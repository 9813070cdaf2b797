"""A run as the operator starts one, and what the operator does to it: merge patches, as its client sends them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kubernetes.client import ApiClient, V1ContainerStateTerminated, V1Job, V1JobCondition, V1Pod
from kubernetes.client.exceptions import ApiException

from tests.kubernetes.lab import Lab, now
from tests.kubernetes.objects import FAILURE_COUNT, Body, job, job_spec, pod_spec, rfc3339

MERGE_PATCH = "application/merge-patch+json"
NO_RETRY = "agentschedule.dev/NoRetry"
IGNORED_COUNT = "batch.kubernetes.io/job-index-ignored-failure-count"
TRACKED = "batch.kubernetes.io/job-tracking"
FAILURE_POLICY = {
    "rules": [
        {"action": "FailIndex", "onPodConditions": [{"type": NO_RETRY, "status": "True"}]},
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        {"action": "FailIndex", "onExitCodes": {"containerName": "agent", "operator": "In", "values": [64, 77, 78]}},
    ]
}
TIMEOUT = 60.0  # seconds for what the kubelet does; a busy machine needs some
NO_IMAGE = "127.0.0.1:1/none:1"  # a registry that refuses at once


def run(
    name: str,
    image: str,
    script: str,
    *,
    limit: int = 1,
    pod: Body | None = None,
    container: Body | None = None,
    **spec: Any,
) -> Body:
    """A Job of one index that is tried `limit` + 1 times; `pod` and `container` add to what stands in it."""
    shaped = pod_spec(image, "sh", "-c", script)
    shaped["containers"][0].update(container or {})
    shaped.update(pod or {})
    return job(name, **job_spec(shaped, backoffLimitPerIndex=limit, podFailurePolicy=FAILURE_POLICY, **spec))


def works(code: int = 1, seconds: int = 0) -> str:
    """A script that works until it is ended, then takes `seconds`, leaves a result and exits with `code`."""
    leave = f"sleep {seconds}; printf given-up >/dev/termination-log; echo bye; exit {code}"
    return f"trap '{leave}' TERM; echo working; sleep 120 & wait"


# What the operator writes


def forbid_retry(lab: Lab, pod: str) -> None:
    """Add the condition to a pod's others: the list is replaced as a whole."""
    _add_condition(
        lambda: lab.core.read_namespaced_pod(pod, lab.namespace),
        lambda body: lab.core.patch_namespaced_pod_status(pod, lab.namespace, body, _content_type=MERGE_PATCH),
        {"type": NO_RETRY, "reason": "Cancelled", "message": "somebody cancelled this run"},
    )


def end_attempt(lab: Lab, pod: str) -> None:
    """Let a pod's time be over."""
    body = {"spec": {"activeDeadlineSeconds": 1}}
    lab.core.patch_namespaced_pod(pod, lab.namespace, body, _content_type=MERGE_PATCH)


def cancel(lab: Lab, pod: str) -> None:
    """End an attempt, and have no other."""
    forbid_retry(lab, pod)
    end_attempt(lab, pod)


def target_failure(lab: Lab, name: str, **status: Any) -> None:
    """Tell the Job controller that the Job shall fail, and why."""
    _add_condition(
        lambda: lab.job(name),
        lambda body: patch_job_status(lab, name, body),
        {"type": "FailureTarget", "reason": "NeverStarted", "message": "it waited for nothing"},
        **status,
    )


def patch_job_status(lab: Lab, name: str, body: Body) -> V1Job:
    """Write to a Job's status."""
    return lab.batch.patch_namespaced_job_status(name, lab.namespace, body, _content_type=MERGE_PATCH)


def suspend(lab: Lab, name: str, suspended: bool = True) -> None:
    """Hold a Job, or let it go on."""
    body = {"spec": {"suspend": suspended}}
    lab.batch.patch_namespaced_job(name, lab.namespace, body, _content_type=MERGE_PATCH)


def hold(lab: Lab, name: str) -> None:
    """Suspend a Job, and return when its controller knows."""
    suspend(lab, name)
    lab.wait(lambda: lab.condition(name, "Suspended") is not None, f"{name}: the condition Suspended")


def evict(lab: Lab, pod: str) -> None:
    """Ask for a pod's eviction, as a drained node does."""
    lab.core.create_namespaced_pod_eviction(pod, lab.namespace, {"metadata": {"name": pod}})


def _add_condition(read: Callable[[], Any], patch: Callable[[Body], Any], added: Body, **status: Any) -> None:
    while True:
        found = read()
        found_status = _plain(found.status)
        others = [c for c in found_status.get("conditions", []) if c["type"] != added["type"]]
        condition = {**added, "status": "True", "lastTransitionTime": rfc3339(now())}
        body = {
            "metadata": {"resourceVersion": found.metadata.resource_version},
            "status": {"conditions": [*others, condition], **status},
        }
        try:
            patch(body)
        except ApiException as error:
            if error.status != 409:  # somebody else wrote in between
                raise
        else:
            return


def _plain(value: Any) -> Any:
    """A model of the client as the API's own JSON."""
    return ApiClient().sanitize_for_serialization(value)


# What comes of it


def newest(lab: Lab, name: str, phase: str, seconds: float = TIMEOUT) -> V1Pod:
    """The run's newest pod, once it is in that phase."""

    def look() -> V1Pod | None:
        pods = lab.pods(name)
        return pods[-1] if pods and pods[-1].status.phase == phase else None

    return lab.wait(look, f"a pod of {name} that is {phase}", seconds)


def replaced(lab: Lab, name: str, old: V1Pod) -> V1Pod:
    """The pod that comes after `old`."""

    def look() -> V1Pod | None:
        newer = [pod for pod in lab.pods(name) if pod.metadata.creation_timestamp > old.metadata.creation_timestamp]
        return newer[-1] if newer else None

    return lab.wait(look, f"a replacement for {old.metadata.name}", TIMEOUT)


def gone(lab: Lab, pod: V1Pod, name: str) -> None:
    """Return when a pod of the run is no more."""
    lab.wait(lambda: pod.metadata.name not in {p.metadata.name for p in lab.pods(name)}, f"{name}: a pod's end")


def outcome(lab: Lab, name: str) -> V1JobCondition:
    """The condition with which the run's Job ends."""
    return lab.wait(lambda: _final(lab.job(name)), f"the end of {name}", TIMEOUT)


def is_over(lab: Lab, name: str) -> bool:
    """Whether the run's Job has ended."""
    return _final(lab.job(name)) is not None


def _final(found: V1Job) -> V1JobCondition | None:
    ends = [c for c in found.status.conditions or [] if c.type in ("Failed", "Complete") and c.status == "True"]
    return ends[0] if ends else None


def end_of(pod: V1Pod, container: str = "agent") -> V1ContainerStateTerminated:
    """How a container of the pod ended."""
    end = next(c for c in pod.status.container_statuses if c.name == container).state.terminated
    assert end, f"{pod.metadata.name}: {container} has not ended"
    return end


def forgotten(lab: Lab, name: str) -> list[V1Pod]:
    """The pods of a run that never started, once no container waits any more: it goes on for a while after the end."""

    def look() -> list[V1Pod]:
        pods = lab.pods(name)
        return pods if not any(c.state.waiting for pod in pods for c in pod.status.container_statuses or []) else []

    return lab.wait(look, f"{name}: containers that have ended")


def counts(pods: list[V1Pod]) -> list[str]:
    """How many failures each pod knows of."""
    return [pod.metadata.annotations[FAILURE_COUNT] for pod in pods]


def log(lab: Lab, pod: V1Pod, **options: Any) -> bytes:
    """The agent's log as the API sends it."""
    name = pod.metadata.name
    answer = lab.core.read_namespaced_pod_log(name, lab.namespace, container="agent", _preload_content=False, **options)
    return bytes(answer.data)


def log_refused(lab: Lab, pod: V1Pod) -> tuple[int, str]:
    """What the API answers instead of a log."""
    try:
        log(lab, pod)
    except ApiException as refused:
        return refused.status, str(refused.body)
    raise AssertionError(f"{pod.metadata.name} has a log")
