"""Records: which Jobs have none yet, and which are to go. Called by ``plan.schedule``.

A run's Job, pods and record go together: the Job first, for a Job without a record would be recorded anew.
"""

from __future__ import annotations

from collections.abc import Iterable

from agentschedule import names
from agentschedule.api.policies import History
from agentschedule.api.run import ScheduleRun
from agentschedule.api.schedule import AgentSchedule
from agentschedule.names import RunPhase
from agentschedule.plan import build
from agentschedule.plan.actions import CreateRun, DeleteJob, DeleteRun
from agentschedule.plan.observed import Job, Observed


def job_uid(run: ScheduleRun) -> str | None:
    """The uid of the one Job that a run has, if it has one."""
    known = run.status.job_uid if run.status else None
    return known or run.metadata.annotations.get(names.ANNOTATION_JOB_UID)


def count_key(run: ScheduleRun) -> str:
    """What a counted run is remembered by: its Job, so that a record made anew is not counted again."""
    return job_uid(run) or run.metadata.uid


def missing_records(schedule: AgentSchedule, observed: Observed) -> list[CreateRun]:
    """A record for each Job of the CronJob that has none, and was not counted before someone deleted its record."""
    counted = set((schedule.status.counted_runs if schedule.status else None) or ())
    known = {job_uid(run) for run in observed.runs}
    wanted = (job for job in observed.controlled if not job.deleting and job.uid not in known | counted)
    return [CreateRun(build.record(schedule, job, taken=_names(observed))) for job in wanted]


def _names(observed: Observed) -> frozenset[str]:
    return frozenset(run.metadata.name for run in observed.runs)


def expired(schedule: AgentSchedule, observed: Observed) -> list[DeleteJob | DeleteRun]:
    """What is beyond ``history``: of runs that ended and are counted, the oldest."""
    keep = schedule.spec.history or History()
    counted = set((schedule.status.counted_runs if schedule.status else None) or ())
    ended = [run for run in own_runs(schedule, observed) if run.final and count_key(run) in counted]
    good = [run for run in ended if run.status and run.status.phase is RunPhase.SUCCEEDED]
    bad = [run for run in ended if run not in good]
    gone = [*_oldest(good, keep.succeeded), *_oldest(bad, keep.failed)]
    jobs = {job.uid: job for job in observed.jobs}
    return [step for run in gone if (step := _removal(run, jobs.get(job_uid(run) or "")))]


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
