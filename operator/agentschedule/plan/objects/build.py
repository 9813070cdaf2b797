"""From an AgentSchedule to the objects that run it: CronJob, Jobs, records.

Returns the JSON bodies that go to the API, complete: nothing is left to the API server's defaults that decides when,
whether or how often an agent runs.
"""

from __future__ import annotations

import copy
import hashlib
import json
from datetime import datetime
from typing import Any

from agentschedule import child_names, names
from agentschedule.api.base import rfc3339
from agentschedule.api.run import ScheduleRun
from agentschedule.api.schedule import AgentSchedule
from agentschedule.names import Trigger
from agentschedule.plan.objects.job import job_template
from agentschedule.plan.objects.pod import labels
from agentschedule.plan.observed import Job, Unreadable
from agentschedule.plan.spec.overrides import Overrides, with_overrides
from agentschedule.plan.spec.timing import Timing

Body = dict[str, Any]

# Finished Jobs that the CronJob keeps of each kind: what the operator finds of an outage of its own.
KEPT_JOBS = 100


def owner_reference(schedule: AgentSchedule | Unreadable) -> Body:
    """The schedule as the owner that controls a child. Without blockOwnerDeletion: that needs rights on finalizers."""
    meta = schedule.metadata
    return _reference(names.API_VERSION, names.SCHEDULE_KIND, meta.name, meta.uid) | {"controller": True}


def run_reference(run: ScheduleRun) -> Body:
    """A ScheduleRun as a plain owner."""
    return _reference(names.API_VERSION, names.RUN_KIND, run.metadata.name, run.metadata.uid)


def cronjob_reference(name: str, uid: str) -> Body:
    """A CronJob as the owner that controls a Job, as the CronJob controller writes it."""
    return _reference("batch/v1", "CronJob", name, uid) | {"controller": True}


def _reference(api_version: str, kind: str, name: str, uid: str) -> Body:
    return {"apiVersion": api_version, "kind": kind, "name": name, "uid": uid}


def run_labels(schedule: AgentSchedule | Unreadable, trigger: Trigger) -> dict[str, str]:
    """The labels on a ScheduleRun."""
    return labels(schedule) | {names.LABEL_TRIGGER: trigger.value}


def cronjob(schedule: AgentSchedule, timing: Timing, suspend: bool) -> Body:
    """The CronJob of a schedule, with the hash of what it is to be."""
    spec = schedule.spec
    body: Body = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {
            "name": schedule.metadata.name,
            "namespace": schedule.metadata.namespace,
            "labels": labels(schedule),
            "ownerReferences": [owner_reference(schedule)],
        },
        "spec": {
            "schedule": timing.cron.text,
            "timeZone": timing.cron.time_zone,
            "suspend": suspend,
            "concurrencyPolicy": spec.concurrency_policy.value,
            "startingDeadlineSeconds": timing.deadline_seconds,
            "successfulJobsHistoryLimit": KEPT_JOBS,
            "failedJobsHistoryLimit": KEPT_JOBS,
            "jobTemplate": job_template(schedule),
        },
    }
    # A new CronJob is of generation 1; an update writes the generation that it makes.
    annotations = body["metadata"]["annotations"] = {}
    if timing.not_before:
        annotations[names.ANNOTATION_NOT_BEFORE] = rfc3339(timing.not_before)
    annotations |= {names.ANNOTATION_SPEC_HASH: fingerprint(body), names.ANNOTATION_SPEC_GENERATION: "1"}
    return body


def held(cronjob: Body) -> Body:
    """The CronJob, not to start anything yet: its mark must come first, and only an update can bring it."""
    meta = cronjob["metadata"]
    annotations = meta["annotations"] | {names.ANNOTATION_SPEC_HASH: ""}
    return cronjob | {"metadata": meta | {"annotations": annotations}, "spec": cronjob["spec"] | {"suspend": True}}


def fingerprint(body: Body) -> str:
    """A hash of a body as we mean it: the API server's own rewriting (1000m to 1, defaults) never enters it."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]


def due_job(live: Body, due: datetime) -> Body:
    """The Job of a due time, as the CronJob controller makes it from the CronJob on the cluster (``live``)."""
    template = copy.deepcopy(live["spec"]["jobTemplate"])
    meta, given = live["metadata"], template.get("metadata", {})
    # The controller writes the time in the CronJob's zone; any offset names the same moment.
    annotations = {**given.get("annotations", {}), names.CRONJOB_TIMESTAMP: rfc3339(due)}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": child_names.scheduled_job_name(meta["name"], due),
            "namespace": meta["namespace"],
            "labels": given.get("labels", {}),
            "annotations": annotations,
            "ownerReferences": [cronjob_reference(meta["name"], meta["uid"])],
        },
        "spec": template["spec"],
    }


def manual_job(schedule: AgentSchedule, run: ScheduleRun) -> Body:
    """The Job of a manual run, with what it says otherwise than its schedule: suspended, and owned by its run only,
    until the CronJob lists it."""
    template = job_template(with_overrides(schedule, run))
    pod = template["spec"]["template"]["metadata"]
    pod["annotations"] |= {names.ANNOTATION_RUN_TRIGGER: Trigger.MANUAL.value}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": run.metadata.name,
            "namespace": run.metadata.namespace,
            "labels": labels(schedule),
            "annotations": template["metadata"]["annotations"],
            "ownerReferences": [run_reference(run)],
        },
        "spec": template["spec"] | {"suspend": True},
    }


def requested_run(schedule: AgentSchedule, token: str, overrides: Overrides | None = None) -> Body:
    """The ScheduleRun that a token of the trigger annotation asks for, with the overrides that go with it."""
    name = child_names.triggered_run_name(schedule.metadata.name, schedule.metadata.uid, token)
    body = _run(schedule, name, Trigger.MANUAL)
    body["metadata"]["annotations"] = {names.ANNOTATION_TOKEN: child_names.short_hash(token)}
    body["spec"] |= {field.value: value for field, value in (overrides or {}).items()}
    return body


def record(schedule: AgentSchedule, job: Job, taken: frozenset[str]) -> Body:
    """The ScheduleRun that records a Job which Kubernetes, or a person with kubectl, made; ``taken``: names in use."""
    name = child_names.recorded_run_name(schedule.metadata.name, job.name, job.uid, scheduled=job.due is not None)
    for number in range(len(taken)):
        if name not in taken:
            break
        name = child_names.unique_run_name(schedule.metadata.name, job.uid, number)
    body = _run(schedule, name, job.trigger)
    body["metadata"]["annotations"] = {names.ANNOTATION_JOB_UID: job.uid}
    if job.due:
        body["spec"]["scheduledTime"] = rfc3339(job.due)
    return body


def _run(schedule: AgentSchedule, name: str, trigger: Trigger) -> Body:
    return {
        "apiVersion": names.API_VERSION,
        "kind": names.RUN_KIND,
        "metadata": {
            "name": name,
            "namespace": schedule.metadata.namespace,
            "labels": run_labels(schedule, trigger),
            "ownerReferences": [owner_reference(schedule)],
        },
        "spec": {"scheduleName": schedule.metadata.name, "trigger": trigger.value},
    }
