"""Records: which Jobs have none yet, and which are to go.

A run's Job, pods and record go together: the Job first, for a Job without a record would be recorded anew.
"""

from __future__ import annotations

from agentschedule.api.policies import History
from agentschedule.api.run import ScheduleRun
from agentschedule.api.schedule import AgentSchedule
from agentschedule.names import RunPhase
from agentschedule.plan.actions import CreateRun, DeleteJob, DeleteRun
from agentschedule.plan.answers import RunNameTaken
from agentschedule.plan.objects import build
from agentschedule.plan.observed import Job, Observed
from agentschedule.plan.ownership import count_key, job_uid_of, own_runs, recorded_job_uid


def missing_records(schedule: AgentSchedule, observed: Observed) -> list[CreateRun]:
    """A record for each Job of the CronJob that has none, and was not counted before someone deleted its record."""
    counted = set((schedule.status.counted_runs if schedule.status else None) or ())
    known = {job_uid_of(run, schedule.metadata.uid, observed) for run in observed.runs}
    wanted = (job for job in observed.controlled if not job.deleting and job.uid not in known | counted)
    return [CreateRun(build.record(schedule, job, taken=_names(observed))) for job in wanted]


def _names(observed: Observed) -> frozenset[str]:
    """What is taken: by runs of this schedule, and of others, as far as the API has just said so."""
    others = (answer.about for answer in observed.answers_of(RunNameTaken))
    return frozenset((*others, *(run.metadata.name for run in observed.runs)))


def expired(schedule: AgentSchedule, observed: Observed) -> list[DeleteJob | DeleteRun]:
    """What is beyond ``history``: of runs that ended and are counted, the oldest."""
    keep = schedule.spec.history or History()
    counted = set((schedule.status.counted_runs if schedule.status else None) or ())
    ended = [run for run in own_runs(schedule, observed) if run.final and count_key(run) in counted]
    good = [run for run in ended if run.status and run.status.phase is RunPhase.SUCCEEDED]
    bad = [run for run in ended if run not in good]
    gone = [*_oldest(good, keep.succeeded), *_oldest(bad, keep.failed)]
    jobs = {job.uid: job for job in observed.jobs}
    return [step for run in gone if (step := _removal(run, jobs.get(recorded_job_uid(run) or "")))]


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
