"""The chart's MutatingAdmissionPolicy on a cluster, without the rest of the chart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.kubernetes.lab import Lab
from tests.kubernetes.objects import Body, cronjob, job, job_spec
from tools.cluster import chart
from tools.cluster.base import Cluster

TEMPLATE = "templates/scheduled-time-policy.yaml"
RELEASE = "behaviour"
LABELS = {"agentschedule.dev/schedule": "schedule"}  # what the policy selects
SCHEDULED_TIME = "agentschedule.dev/scheduled-time"
RUN_TRIGGER = "agentschedule.dev/run-trigger"


@contextmanager
def scheduled_time_policy(cluster: Cluster, lab: Lab) -> Iterator[None]:
    """Apply the policy, wait until the API server acts on it, and remove it again."""
    options = ["--set", "scheduledTimePolicy.enabled=true", "--show-only", TEMPLATE]
    options += ["--kube-version", lab.version().git_version]  # else Helm assumes a version
    manifest = chart.helm(cluster, "template", RELEASE, str(chart.CHART), *options)
    cluster.kubectl("apply", "-f", "-", stdin=manifest)
    try:
        lab.wait(lambda: _acts(lab), "the policy at work")
        yield
    finally:
        cluster.kubectl("delete", "--ignore-not-found", "-f", "-", stdin=manifest)


def labelled(name: str, schedule: str, pod: Body | None = None, **spec: Any) -> Body:
    """A CronJob whose Jobs the policy selects."""
    template = {"metadata": {"labels": LABELS}, "spec": job_spec(pod)}
    return cronjob(name, schedule, jobTemplate=template, **spec)


def _acts(lab: Lab) -> bool:
    body = job("probe")
    body["metadata"]["labels"] = LABELS
    made = lab.batch.create_namespaced_job(lab.namespace, body, dry_run="All")
    return RUN_TRIGGER in (made.spec.template.metadata.annotations or {})
