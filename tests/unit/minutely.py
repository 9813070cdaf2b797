"""A schedule of every minute and what the cluster has of it, all of one piece: nothing in it wants to be changed.

The parts come out of ``build`` and ``parse``, as they do between the operator and a cluster.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from agentschedule import child_names, names
from agentschedule.api.base import ObjectMeta, OwnerReference, rfc3339
from agentschedule.api.run import ScheduleRun, ScheduleRunStatus
from agentschedule.api.schedule import AgentSchedule, AgentScheduleStatus
from agentschedule.cluster import parse
from agentschedule.plan.objects import build
from agentschedule.plan.objects.job import job_template
from agentschedule.plan.observed import CronJob, Job
from agentschedule.plan.spec.validate import validate
from tests.unit.builders import CRONJOB_UID, NAME, NAMESPACE, SCHEDULE_UID

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)  # the first due time
CREATED = NOON - timedelta(seconds=30)
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


def a_schedule(
    schedule: str = "*/1 * * * *",
    *,
    status: AgentScheduleStatus | None = None,
    meta: dict[str, Any] | None = None,
    **spec: Any,
) -> AgentSchedule:
    """An AgentSchedule; ``spec`` in Python's names, ``meta`` on top of a plain metadata."""
    plain = {"name": NAME, "namespace": NAMESPACE, "uid": SCHEDULE_UID, "generation": 1}
    given = {"schedule": schedule, "agent": {"image": "agent.test/none:1"}} | spec
    return AgentSchedule.model_validate({"metadata": plain | (meta or {}), "spec": given, "status": status})


def a_cronjob(of: AgentSchedule | None = None, /, **changes: Any) -> CronJob:
    """The CronJob that the operator makes of a schedule, as it stands on the cluster."""
    schedule = of or a_schedule()
    timing = validate(schedule).timing
    assert timing, "an accepted schedule"
    body = build.cronjob(schedule, timing, suspend=schedule.spec.suspend)
    body["metadata"] |= {
        "uid": CRONJOB_UID,
        "resourceVersion": "20",
        "generation": 1,
        "creationTimestamp": rfc3339(CREATED),
    }
    return replace(parse.cronjob(body), **changes)


def a_job(due: datetime, **changes: Any) -> Job:
    """The Job of a due time, at work."""
    name = child_names.scheduled_job_name(NAME, due)
    meta = {
        "name": name,
        "namespace": NAMESPACE,
        "uid": f"uid-of-{name}",
        "resourceVersion": "30",
        "creationTimestamp": rfc3339(due),
        "labels": {names.LABEL_SCHEDULE: NAME},
        "annotations": {names.CRONJOB_TIMESTAMP: rfc3339(due)},
        "ownerReferences": [build.cronjob_reference(NAME, CRONJOB_UID)],
    }
    return replace(parse.job({"metadata": meta, "spec": job_template(a_schedule())["spec"]}), **changes)


def a_record(job: Job, **status: Any) -> ScheduleRun:
    """The ScheduleRun that records a Job; without a status until one is said."""
    body = build.record(a_schedule(), job, frozenset())
    meta = body["metadata"]
    own = ObjectMeta(
        name=meta["name"],
        namespace=NAMESPACE,
        uid=f"uid-of-run-{meta['name']}",
        creation_timestamp=job.created,
        annotations=meta["annotations"],
        owner_references=tuple(OwnerReference.model_validate(ref) for ref in meta["ownerReferences"]),
    )
    given = ScheduleRunStatus(**status) if status else None
    return ScheduleRun.model_validate({"metadata": own, "spec": body["spec"], "status": given})
