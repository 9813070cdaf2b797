"""Builders of the CronJobs and Jobs that these tests hand to Kubernetes: pure values."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Any

from kubernetes.client import V1CronJob, V1Job

Body = dict[str, Any]

SCHEDULED_TIMESTAMP = "batch.kubernetes.io/cronjob-scheduled-timestamp"
FAILURE_COUNT = "batch.kubernetes.io/job-index-failure-count"
INSTANTIATE = "cronjob.kubernetes.io/instantiate"
EVERY_MINUTE = "* * * * *"
LEAP_DAY = "0 0 29 2 *"  # a time that does not come while a test runs


def cronjob(name: str, schedule: str, policy: str = "Forbid", **spec: Any) -> Body:
    """A CronJob as the operator writes one: a deadline always, Indexed Jobs of one pod."""
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": name},
        "spec": {
            "schedule": schedule,
            "concurrencyPolicy": policy,
            "startingDeadlineSeconds": 300,
            "jobTemplate": {"spec": job_spec()},
            **spec,
        },
    }


def job(name: str, cronjob: V1CronJob | None = None, due: datetime | None = None, **spec: Any) -> Body:
    """A Job; with `cronjob` under its control, with `due` also as the controller starts it for that time."""
    metadata: Body = {"name": name}
    if cronjob:
        metadata["ownerReferences"] = [controlled_by(cronjob)]
    if due:
        metadata["annotations"] = {SCHEDULED_TIMESTAMP: rfc3339(due)}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {**job_spec(), **spec}}


def job_spec(pod: Body | None = None, **spec: Any) -> Body:
    """One index, one pod that is counted once; no node ever takes it, unless `pod` replaces its spec."""
    return {
        "completionMode": "Indexed",
        "completions": 1,
        "parallelism": 1,
        "backoffLimitPerIndex": 0,
        "template": {"spec": pod or {**pod_spec(image="never-pulled"), "schedulerName": "nobody"}},
        **spec,
    }


def pod_spec(image: str, *command: str, **container: Any) -> Body:
    """A pod with the one container `agent`, which runs `command`."""
    agent = {"name": "agent", "image": image, "imagePullPolicy": "IfNotPresent", **container}
    if command:
        agent["command"] = list(command)
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 5,
        "containers": [agent],
    }


def controlled_by(cronjob: V1CronJob) -> Body:
    """The owner reference that makes a Job the CronJob's own."""
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "name": cronjob.metadata.name,
        "uid": cronjob.metadata.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def listed(job: V1Job) -> Body:
    """A Job's entry in `status.active`."""
    name, namespace, uid = job.metadata.name, job.metadata.namespace, job.metadata.uid
    return {"apiVersion": "batch/v1", "kind": "Job", "name": name, "namespace": namespace, "uid": uid}


def due_name(cronjob: str, due: datetime) -> str:
    """The name of the Job of a due time."""
    return f"{cronjob}-{int(due.timestamp()) // 60}"


def scheduled_time(job: V1Job) -> datetime | None:
    """The due time that a Job was started for, as its annotation says."""
    text = (job.metadata.annotations or {}).get(SCHEDULED_TIMESTAMP)
    return datetime.fromisoformat(text) if text else None


def yearly(moment: datetime, zone: tzinfo = UTC) -> str:
    """The five fields of the minute of `moment`, once a year."""
    return moment.astimezone(zone).strftime("%-M %-H %-d %-m *")


def rfc3339(moment: datetime) -> str:
    """A time as Kubernetes writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
