"""Records: which Jobs have none yet, and which are to go. Called by ``plan.schedule``.

A run's Job, pods and record go together: the Job first, for a Job without a record would be recorded anew.
"""

from __future__ import annotations

from collections.abc import Iterable

from agentschedule import names
from agentschedule.api.policies import History
from agentschedule.api.run import ScheduleRun
from agentschedule.api.schedule import AgentSchedule
from agentschedule.names import Reason, RunPhase
from agentschedule.plan.actions import CreateRun, DeleteJob, DeleteRun
from agentschedule.plan.objects import build
from agentschedule.plan.observed import Job, Observed


def job_uid(run: ScheduleRun, schedule_uid: str, observed: Observed) -> str | None:
    """The uid of the one Job that a run has, if it has one. Its status is the operator's word; its annotation anybody
    can write: it holds for a Job that the run can be the record of, or that is gone."""
    known, said = known_job(run), said_job(run)
    if known or said is None or run.final or run.metadata.controller_uid() != schedule_uid:
        return known
    job = next((job for job in observed.jobs if job.uid == said), None)
    return said if job is None or _can_be_record(run, job, observed) else None


def known_job(run: ScheduleRun) -> str | None:
    return run.status.job_uid if run.status else None


def said_job(run: ScheduleRun) -> str | None:
    return known_job(run) or run.metadata.annotations.get(names.ANNOTATION_JOB_UID)


def _can_be_record(run: ScheduleRun, job: Job, observed: Observed) -> bool:
    """A Job of the CronJob, made at this due time, or by hand, that no other run has."""
    cronjob, me = observed.cronjob, run.metadata.uid
    controlled = job.controller_uid == cronjob.uid if cronjob else bool(job.controller_uid)
    others = (other for other in observed.runs if other.metadata.uid != me)
    free = not any(known_job(other) == job.uid or other.metadata.uid in job.owner_uids for other in others)
    return controlled and free and (run.spec.trigger, run.spec.scheduled_time) == (job.trigger, job.due)


def count_key(run: ScheduleRun) -> str:
    """What a counted run is remembered by: its Job, so that a record made anew is not counted again."""
    return known_job(run) or run.metadata.uid


def missing_records(schedule: AgentSchedule, observed: Observed) -> list[CreateRun]:
    """A record for each Job of the CronJob that has none, and was not counted before someone deleted its record."""
    counted = set((schedule.status.counted_runs if schedule.status else None) or ())
    known = {job_uid(run, schedule.metadata.uid, observed) for run in observed.runs}
    wanted = (job for job in observed.controlled if not job.deleting and job.uid not in known | counted)
    return [CreateRun(build.record(schedule, job, taken=_names(observed))) for job in wanted]


def _names(observed: Observed) -> frozenset[str]:
    """What is taken: by runs of this schedule, and of others, as far as the API has just said so."""
    said = (answer.about for answer in observed.answers if answer.reason == Reason.NAME_TAKEN)
    return frozenset((*said, *(run.metadata.name for run in observed.runs)))


def expired(schedule: AgentSchedule, observed: Observed) -> list[DeleteJob | DeleteRun]:
    """What is beyond ``history``: of runs that ended and are counted, the oldest."""
    keep = schedule.spec.history or History()
    counted = set((schedule.status.counted_runs if schedule.status else None) or ())
    ended = [run for run in own_runs(schedule, observed) if run.final and count_key(run) in counted]
    good = [run for run in ended if run.status and run.status.phase is RunPhase.SUCCEEDED]
    bad = [run for run in ended if run not in good]
    gone = [*_oldest(good, keep.succeeded), *_oldest(bad, keep.failed)]
    jobs = {job.uid: job for job in observed.jobs}
    return [step for run in gone if (step := _removal(run, jobs.get(known_job(run) or "")))]


def _removal(run: ScheduleRun, job: Job | None) -> DeleteJob | DeleteRun | None:
    if job is None:
        return DeleteRun(run)
    return None if job.deleting else DeleteJob(job)


def _oldest(runs: list[ScheduleRun], keep: int) -> list[ScheduleRun]:
    return sorted(runs, key=ended_at)[: max(0, len(runs) - keep)]


def ended_at(run: ScheduleRun) -> str:
    """A key that sorts runs by their end, then by name."""
    ended = run.status.completion_time if run.status else None
    return f"{(ended or run.metadata.creation_timestamp or '')!s} {run.metadata.name}"


def own_runs(schedule: AgentSchedule, observed: Observed) -> Iterable[ScheduleRun]:
    """The runs of this very schedule: not those that were restored from another's time, nor anybody's forgeries."""
    return (run for run in observed.runs if run.metadata.controller_uid() == schedule.metadata.uid)
