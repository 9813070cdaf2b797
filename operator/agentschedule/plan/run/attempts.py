"""The attempts of a run: one entry a pod, also of those that are gone.

Kubernetes counts failures too, but begins anew when somebody suspends a Job in the middle of an attempt, and forgets
pods that it replaced. What the record has once seen stays in it.
"""

from __future__ import annotations

from collections.abc import Iterable

from agentschedule.api.run import Attempt
from agentschedule.names import DEADLINE_EXCEEDED, RunPhase
from agentschedule.plan.observed import Job, Pod
from agentschedule.plan.run.result import AgentResult, read_result

# A Job whose pods are evicted again and again has no end: the oldest entries make room.
MAX_ATTEMPTS = 24
MAX_ERROR = 256
GONE = "The pod is gone; its end was not seen."
TAKEN = "Kubernetes took the pod away; its end was not seen."


def attempts_of(old: Iterable[Attempt], job: Job, pods: tuple[Pod, ...]) -> tuple[Attempt, ...]:
    """Oldest first: what the record knows, brought up to date with the pods that exist."""
    there = {pod.name: pod for pod in pods}
    entries: list[Attempt] = []
    for known in old:
        pod = there.pop(known.pod, None)
        entries.append(_entry(pod, known.attempt, known) if pod else _closed(known, job, pods))
    failed = failures(entries)
    for pod in there.values():
        entries.append(_entry(pod, max(pod.attempt, failed + 1)))
        failed = max(failed, failures(entries[-1:]))
    # What is still there would come back as new.
    here = {pod.name for pod in pods}
    gone = [known.pod for known in entries if known.pod not in here]
    forgotten = set(gone[: max(0, len(entries) - MAX_ATTEMPTS)])
    return tuple(known for known in entries if known.pod not in forgotten)


def failures(attempts: Iterable[Attempt]) -> int:
    """How many attempts have failed; a pod that Kubernetes took away is none of them."""
    return max((known.attempt for known in attempts if known.phase.failed), default=0)


def pod_result(pod: Pod | None, log: str | None = None) -> AgentResult:
    """What the agent left; the runtime's own words, for a container that never ran, are not the agent's."""
    if pod is None or not pod.ended or pod.never_ran:
        return AgentResult()
    return read_result(pod.termination_message, log)


def waiting(pod: Pod) -> str | None:
    """Why a pod does not run, in a few words, if there is something to mend."""
    return f"{pod.waiting_reason}: {pod.waiting_message}".removesuffix(": ") if pod.waiting_reason else None


def _entry(pod: Pod, number: int, known: Attempt | None = None) -> Attempt:
    result = pod_result(pod)
    error = result.error.message if result.error else pod.disrupted or None
    if pod.never_ran and not pod.disrupted:
        error = _why_not(pod, known.error if known else None)
    return Attempt(
        attempt=number,
        pod=pod.name,
        phase=_phase(pod),
        start_time=pod.started_at or (known.start_time if known else None),
        completion_time=pod.ended_at,
        exit_code=pod.exit_code,
        status_code=result.status_code,
        error=error[:MAX_ERROR] if error else None,
    )


def _why_not(pod: Pod, known: str | None) -> str | None:
    """Why the agent does not run. The words change with each try of the kubelet: what is said once stays; and after the
    pod's end they are gone."""
    now = waiting(pod)
    if known and (now is None or known.startswith(pod.waiting_reason)):
        return known
    tells = pod.failed and pod.reason != DEADLINE_EXCEEDED
    return now or (pod.message if tells else None) or None


def _phase(pod: Pod) -> RunPhase:
    if pod.phase == "Succeeded":
        return RunPhase.SUCCEEDED
    if pod.failed:
        if pod.disrupted:
            return RunPhase.CANCELLED
        return RunPhase.TIMED_OUT if pod.reason == DEADLINE_EXCEEDED else RunPhase.FAILED
    return RunPhase.RUNNING if pod.started_at else RunPhase.PENDING


def _closed(known: Attempt, job: Job, pods: tuple[Pod, ...]) -> Attempt:
    """An attempt whose pod is gone, and whose end was not seen: the pod that took its place tells what it was."""
    if known.phase.final or (not pods and not job.finished):
        return known
    if pods and pods[-1].ignored and pods[-1].attempt <= known.attempt:
        # Evicted while nobody looked, from a node that was drained say: it is repeated, and was not counted.
        return known.model_copy(update={"phase": RunPhase.CANCELLED, "error": known.error or TAKEN})
    if job.succeeded and not pods:
        return known.model_copy(update={"phase": RunPhase.SUCCEEDED})
    if known.error:  # it was being taken away, or never came to run
        return known.model_copy(update={"phase": RunPhase.CANCELLED})
    return known.model_copy(update={"phase": RunPhase.FAILED, "error": GONE})
