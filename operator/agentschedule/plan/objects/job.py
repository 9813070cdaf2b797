"""The Job of a run: one Job is one run, its pods are the attempts."""

from __future__ import annotations

from typing import Any

from agentschedule import names
from agentschedule.api.policies import Retry
from agentschedule.api.schedule import AgentSchedule
from agentschedule.plan.objects.backoff import total_delay
from agentschedule.plan.objects.pod import labels, pod_template

Body = dict[str, Any]

# A Job that never gets a pod to run ends this long after all its attempts could have ended.
BACKSTOP_SECONDS = 600
# What Kubernetes gives a pod that does not say; and more than any pod means.
GRACE_SECONDS, MAX_GRACE_SECONDS = 30, 604_800


def job_template(schedule: AgentSchedule) -> Body:
    """The Jobs that the CronJob makes of the schedule."""
    retry, template = schedule.spec.retry or Retry(), pod_template(schedule)
    return {
        "metadata": {
            "labels": labels(schedule),
            "annotations": {names.ANNOTATION_RETRY_DELAY: str(retry.delay_seconds)},
        },
        "spec": {
            "completionMode": "Indexed",
            "completions": 1,
            "parallelism": 1,
            "backoffLimitPerIndex": retry.limit,
            "podFailurePolicy": failure_policy(),
            "activeDeadlineSeconds": _backstop(schedule.spec.timeout_seconds + _grace(template), retry),
            "template": template,
        },
    }


def failure_policy() -> Body:
    """The first rule that fits decides: what is said to be final is, even of an evicted pod; evictions are not the
    agent's failure; exit codes that a retry cannot mend are final."""
    exit_codes = {"containerName": names.AGENT_CONTAINER, "operator": "In", "values": list(names.FINAL_EXIT_CODES)}
    return {
        "rules": [
            {"action": "FailIndex", "onPodConditions": [{"type": names.NO_RETRY, "status": "True"}]},
            {"action": "Ignore", "onPodConditions": [{"type": names.DISRUPTION_TARGET, "status": "True"}]},
            {"action": "FailIndex", "onExitCodes": exit_codes},
        ]
    }


def _backstop(attempt_seconds: int, retry: Retry) -> int:
    """Attempts and the waits between them, and some more: nothing that goes its way is ended by it."""
    waits = int(total_delay(retry.delay_seconds, retry.limit).total_seconds())
    return (retry.limit + 1) * attempt_seconds + waits + BACKSTOP_SECONDS


def _grace(template: Body) -> int:
    """Seconds from SIGTERM to SIGKILL; what is none is left for the API to refuse."""
    given = template["spec"].get("terminationGracePeriodSeconds")
    return min(max(given, 0), MAX_GRACE_SECONDS) if isinstance(given, int) else GRACE_SECONDS
