"""Whose CronJob, Job and run is it? Names and labels can be copied, and annotations forged: uids decide."""

from __future__ import annotations

from collections.abc import Iterator

from agentschedule import names
from agentschedule.api.run import ScheduleRun
from agentschedule.api.schedule import AgentSchedule
from agentschedule.plan.observed import CronJob, Job, Observed, Unreadable


def is_name_taken(schedule: AgentSchedule | Unreadable, observed: Observed) -> bool:
    """True if the CronJob of the schedule's name is somebody else's: it is never touched. One that lost its owner but
    carries our label is taken back."""
    cronjob = observed.cronjob
    if cronjob is None or cronjob.controller_uid == schedule.metadata.uid:
        return False
    return cronjob.controller_uid is not None or not cronjob.ours


def own_cronjob(schedule: AgentSchedule | Unreadable, observed: Observed) -> CronJob | None:
    """The schedule's CronJob, unless it is somebody else's."""
    return None if is_name_taken(schedule, observed) else observed.cronjob


def own_runs(schedule: AgentSchedule | Unreadable, observed: Observed) -> Iterator[ScheduleRun]:
    """The runs of this very schedule: not those that were restored from another's time, nor anybody's forgeries."""
    return (run for run in observed.runs if run.metadata.controller_uid() == schedule.metadata.uid)


def recorded_job_uid(run: ScheduleRun) -> str | None:
    """The uid of the run's Job by its status, which only the operator writes."""
    return run.status.job_uid if run.status else None


def claimed_job_uid(run: ScheduleRun) -> str | None:
    """The same, or what the annotation claims, which anybody can write."""
    return recorded_job_uid(run) or run.metadata.annotations.get(names.ANNOTATION_JOB_UID)


def job_uid_of(run: ScheduleRun, schedule_uid: str, observed: Observed) -> str | None:
    """The uid of the one Job that a run has, if it has one. A claim holds for a Job that the run can be the record of,
    or that is gone."""
    recorded, claimed = recorded_job_uid(run), claimed_job_uid(run)
    if recorded or claimed is None or run.final or run.metadata.controller_uid() != schedule_uid:
        return recorded
    job = observed.job_of_uid(claimed)
    return claimed if job is None or _can_be_record(run, job, observed) else None


def run_of(job: Job, schedule_uid: str, observed: Observed) -> ScheduleRun | None:
    """The run that has this Job, if its record exists yet."""
    return next((run for run in observed.runs if job_uid_of(run, schedule_uid, observed) == job.uid), None)


def count_key(run: ScheduleRun) -> str:
    """What a counted run is remembered by: its Job's uid, so that a record made anew is not counted again; of a run
    without one, its own."""
    return recorded_job_uid(run) or run.metadata.uid


def _can_be_record(run: ScheduleRun, job: Job, observed: Observed) -> bool:
    """A Job of the CronJob, made at this due time, or by hand, that no other run has."""
    cronjob, own_uid = observed.cronjob, run.metadata.uid
    controlled = job.controller_uid == cronjob.uid if cronjob else bool(job.controller_uid)
    others = (other for other in observed.runs if other.metadata.uid != own_uid)
    free = not any(recorded_job_uid(other) == job.uid or other.metadata.uid in job.owner_uids for other in others)
    return controlled and free and (run.spec.trigger, run.spec.scheduled_time) == (job.trigger, job.due)
