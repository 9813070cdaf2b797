"""Records: which Jobs have none yet, and which are to go.

A run's Job, pods and record go together: the Job first, for a Job without a record would be recorded anew.
"""

from __future__ import annotations

from datetime import UTC, datetime

from agentschedule.api.policies import History
from agentschedule.api.run import ScheduleRun
from agentschedule.api.schedule import AgentSchedule
from agentschedule.names import RunPhase
from agentschedule.plan.actions import CreateRun, DeleteJob, DeleteRun
from agentschedule.plan.answers import RunNameTaken
from agentschedule.plan.objects import build
from agentschedule.plan.observed import Job, Observed
from agentschedule.plan.ownership import count_key, job_uid_of, own_runs, recorded_job_uid

EVER = datetime(1970, 1, 1, tzinfo=UTC)


def missing_records(schedule: AgentSchedule, observed: Observed) -> list[CreateRun]:
    """A record for each Job of the CronJob that has none, and was not counted before someone deleted its record."""
    counted = set((schedule.status.counted_runs if schedule.status else None) or ())
    known = counted | {job_uid_of(run, schedule.metadata.uid, observed) for run in observed.runs}
    wanted = [job for job in observed.controlled if not job.deleting and job.uid not in known]
    taken = _names(observed) if wanted else frozenset()
    return [CreateRun(build.record(schedule, job, taken)) for job in wanted]


def _names(observed: Observed) -> frozenset[str]:
    """What is taken: by runs of this schedule, and of others, as far as the API has just said so."""
    others = (answer.about for answer in observed.answers_of(RunNameTaken))
    return frozenset((*others, *(run.metadata.name for run in observed.runs)))


def expired(schedule: AgentSchedule, observed: Observed) -> list[DeleteJob | DeleteRun]:
    """What is beyond ``history``: of runs that ended and are counted, the oldest."""
    keep = schedule.spec.history or History()
    counted = set((schedule.status.counted_runs if schedule.status else None) or ())
    ended = [run for run in own_runs(schedule, observed) if run.final and count_key(run) in counted]
    good = [run for run in ended if _succeeded(run)]
    bad = [run for run in ended if not _succeeded(run)]
    gone = [*_oldest(good, keep.succeeded), *_oldest(bad, keep.failed)]
    return [step for run in gone if (step := _removal(run, observed.job_of_uid(recorded_job_uid(run))))]


def _succeeded(run: ScheduleRun) -> bool:
    return run.status is not None and run.status.phase is RunPhase.SUCCEEDED


def _removal(run: ScheduleRun, job: Job | None) -> DeleteJob | DeleteRun | None:
    if job is None:
        return DeleteRun(run)
    return None if job.deleting else DeleteJob(job)


def _oldest(runs: list[ScheduleRun], keep: int) -> list[ScheduleRun]:
    extra = len(runs) - keep
    return sorted(runs, key=ended_at)[:extra] if extra > 0 else []


def ended_at(run: ScheduleRun) -> tuple[datetime, str]:
    """A key that sorts runs by their end, then by name."""
    ended = run.status.completion_time if run.status else None
    return ended or run.metadata.creation_timestamp or EVER, run.metadata.name
