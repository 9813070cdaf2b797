"""A schedule due at every full hour, its CronJob, Jobs and runs around eight in the morning."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from agentschedule import child_names, names
from agentschedule.api.run import RunInput, ScheduleRun
from agentschedule.api.schedule import AgentSchedule
from agentschedule.plan.answers import MissReason
from agentschedule.plan.observed import CronJob, Job, Observed, Pod, Reference

NAME, NAMESPACE = "report", "analytics"
SCHEDULE_UID, CRONJOB_UID = "schedule-uid", "cronjob-uid"
# The CronJob's events were asked why a due time was missed, and there is none.
NOT_TOLD = MissReason(CRONJOB_UID, "")


def unexplained(world: Observed) -> Observed:
    """The world, of which nobody can tell why a due time was missed."""
    return replace(world, answers=(*world.answers, NOT_TOLD))


def at(text: str) -> datetime:
    """A moment of the day that the tests play on: 08:00:00 or 08:00:00.5."""
    return datetime.fromisoformat(f"2026-03-02T{text}").replace(tzinfo=UTC)


def a_schedule(
    status: dict[str, Any] | None = None, annotations: dict[str, str] | None = None, **spec: Any
) -> AgentSchedule:
    """An AgentSchedule as the API sends it; one that the operator has seen before, unless ``status`` says else."""
    return AgentSchedule.model_validate(
        {
            "metadata": {
                "name": NAME,
                "namespace": NAMESPACE,
                "uid": SCHEDULE_UID,
                "generation": 1,
                "annotations": annotations or {},
            },
            "spec": {"schedule": "0 * * * *", "agent": {"image": "agent.test/none:1"}, **spec},
            "status": {"observedGeneration": 1} if status is None else status,
        }
    )


def a_cronjob(policy: str = "Forbid", **changes: Any) -> CronJob:
    """The schedule's CronJob at rest: hourly, Forbid, made the day before, last started at 07:00."""
    labels = {names.LABEL_SCHEDULE: NAME, names.LABEL_AGENT: NAME, names.LABEL_MANAGED_BY: names.MANAGER}
    fields: dict[str, Any] = {
        "name": NAME,
        "namespace": NAMESPACE,
        "uid": CRONJOB_UID,
        "resource_version": "100",
        "generation": 1,
        "created": datetime(2026, 3, 1, tzinfo=UTC),
        "controller_uid": SCHEDULE_UID,
        "labels": frozenset(labels.items()),
        "ours": True,
        "deleting": False,
        "finalizers": (),
        "schedule": "0 * * * *",
        "time_zone": "Etc/UTC",
        "suspend": False,
        "concurrency_policy": names.ConcurrencyPolicy(policy),
        "deadline_seconds": 300,
        "last_schedule_time": at("07:00:00"),
        "active": (),
        "spec_hash": "hash",
        "spec_generation": 1,
        "not_before": None,
        "in_force_since": None,
    }
    return CronJob(**(fields | changes))


def a_job(name: str = "report-now", **changes: Any) -> Job:
    """A manual Job at work that the CronJob controls; with ``due`` a scheduled one."""
    fields: dict[str, Any] = {
        "name": name,
        "namespace": NAMESPACE,
        "uid": f"uid-of-{name}",
        "resource_version": "200",
        "created": changes.get("due") or at("07:30:00"),
        "controller_uid": CRONJOB_UID,
        "owner_uids": frozenset({CRONJOB_UID}),
        "due": None,
        "suspended": False,
        "deleting": False,
        "succeeded": None,
        "ending": False,
        "reason": "",
        "message": "",
        "started_at": None if changes.get("suspended") else at("07:30:00"),
        "finished_at": None,
        "input": RunInput(),
        "timeout_seconds": 3600,
        "retry_limit": 0,
        "retry_delay_seconds": 10,
        "held_until": None,
    }
    return Job(**(fields | changes))


def a_due_job(due: datetime, **changes: Any) -> Job:
    """The Job of a due time, as the controller makes it."""
    return a_job(child_names.scheduled_job_name(NAME, due), due=due, **changes)


def a_pod(name: str = "report-now-0", job: str = "report-now", **changes: Any) -> Pod:
    """The pod of a Job's first attempt, on a node and not started yet; see ``running`` and the like."""
    fields: dict[str, Any] = {
        "name": name,
        "namespace": NAMESPACE,
        "uid": f"uid-of-{name}",
        "resource_version": "300",
        "job_uid": f"uid-of-{job}",
        "created": at("07:30:01"),
        "attempt": 1,
        "ignored": 0,
        "phase": "Pending",
        "reason": "",
        "message": "",
        "on_node": True,
        "deadline_seconds": 3600,
        "deletion_time": None,
        "disrupted": "",
        "no_retry": "",
        "started_at": None,
        "ended_at": None,
        "exit_code": None,
        "termination_message": None,
        "container_reason": "",
        "waiting_reason": "",
        "waiting_message": "",
    }
    return Pod(**(fields | changes))


def a_run(
    name: str = "report-now", owner: str | None = SCHEDULE_UID, spec: dict[str, Any] | None = None, **status: Any
) -> ScheduleRun:
    """A manual run that the schedule owns."""
    reference = {"apiVersion": names.API_VERSION, "kind": names.SCHEDULE_KIND, "name": NAME, "controller": True}
    return ScheduleRun.model_validate(
        {
            "metadata": {
                "name": name,
                "namespace": NAMESPACE,
                "uid": f"uid-of-run-{name}",
                "ownerReferences": [reference | {"uid": owner}] if owner else [],
            },
            "spec": {"scheduleName": NAME} | (spec or {}),
            "status": status or None,
        }
    )


def listed(*jobs: Job) -> tuple[Reference, ...]:
    """Jobs, as entries of a CronJob's ``status.active``."""
    return tuple(Reference(job.name, job.uid) for job in jobs)


def observed(cronjob: CronJob | None = None, *jobs: Job, runs: tuple[ScheduleRun, ...] = ()) -> Observed:
    """What the cluster shows of the schedule."""
    return Observed(cronjob=cronjob, jobs=jobs, runs=runs)


def saying(job: Job, run: ScheduleRun) -> ScheduleRun:
    """The run, with an annotation that names a Job."""
    annotations = {names.ANNOTATION_JOB_UID: job.uid}
    return run.model_copy(update={"metadata": run.metadata.model_copy(update={"annotations": annotations})})
