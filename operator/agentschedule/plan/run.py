"""What to do about one ScheduleRun. Called by ``handlers``, step by step, until there is nothing left to do.

A manual run joins the CronJob, so that Forbid holds over scheduled and manual runs alike: its Job is made suspended,
then listed in the CronJob's ``status.active``, then its uid is written into the run, then it is released. Each step is
read from the world, so that a crash between any two is only a pause. ``observed`` is fresh from the API while a run
joins: a scheduled Job that the watch has not shown yet must be seen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from agentschedule.api.run import ScheduleRun, ScheduleRunStatus
from agentschedule.api.schedule import AgentSchedule
from agentschedule.names import Reason, RunPhase, Trigger
from agentschedule.plan import build
from agentschedule.plan.actions import (
    ClaimRun,
    CreateJob,
    DeleteJob,
    DeleteRun,
    Event,
    Plan,
    ReleaseJob,
    RepairCronJob,
)
from agentschedule.plan.cronjob import live_cron
from agentschedule.plan.history import job_uid
from agentschedule.plan.observed import CronJob, Job, Observed, Unreadable
from agentschedule.plan.outcome import End, ended, follow
from agentschedule.plan.settle import JOINING_PATIENCE, turn
from agentschedule.plan.trigger import refusal
from agentschedule.plan.verdict import Verdict, as_written

RunPlan = Plan[ScheduleRunStatus]
# A run of a schedule that does not exist stays this long, to be read.
ORPHAN_LIFE = timedelta(hours=1)
# A run that has only just been made is not written as Pending: most are running a moment later.
FIRST_WORD = timedelta(seconds=3)
# How long a finished Job waits for the last news of its pods, and an ended pod for its Job: both are one write.
LAST_NEWS = timedelta(seconds=5)


@dataclass(frozen=True)
class Case:
    """One run, and what is known about it."""

    run: ScheduleRun
    schedule: AgentSchedule | Unreadable
    observed: Observed
    now: datetime

    @property
    def verdict(self) -> Verdict:
        return as_written(self.schedule)

    def end(self, phase: RunPhase, reason: Reason, message: str) -> RunPlan:
        """The run ends here, with one event."""
        status = ended(self.run, End(phase, reason, message), self.now)
        return RunPlan(status=status, events=(Event(True, reason, message),))


def plan_run(
    run: ScheduleRun, schedule: AgentSchedule | Unreadable | None, observed: Observed, now: datetime
) -> RunPlan:
    """The next step for a run: actions; or, when none are left, its status. A final status never changes."""
    if run.metadata.deletion_timestamp:
        return RunPlan()
    if run.final:
        return RunPlan() if schedule and run.metadata.owner_references else _orphaned(run, now)
    if schedule is None:
        return _no_schedule(run, now)
    owner = run.metadata.controller_uid()
    case = Case(run, schedule, observed, now)
    if owner is None and run.spec.trigger is Trigger.MANUAL:
        return RunPlan((ClaimRun(run, build.owner_reference(schedule), build.run_labels(schedule, Trigger.MANUAL)),))
    if owner != schedule.metadata.uid:
        return _foreign(case)
    if uid := job_uid(run):
        return _with_job(case, uid)
    return _join(case) if run.spec.trigger is Trigger.MANUAL else RunPlan()


def _orphaned(run: ScheduleRun, now: datetime) -> RunPlan:
    done = run.status.completion_time if run.status else None
    goes_at = (done or now) + ORPHAN_LIFE
    return RunPlan((DeleteRun(run),)) if goes_at <= now else RunPlan(requeue_at=goes_at)


def _no_schedule(run: ScheduleRun, now: datetime) -> RunPlan:
    if run.spec.trigger is not Trigger.MANUAL or run.metadata.owner_references:
        return RunPlan()  # its owner is going, and the garbage collector takes it along
    message = f"There is no AgentSchedule {run.spec.schedule_name} in this namespace; make the run anew when there is."
    status = ended(run, End(RunPhase.SKIPPED, Reason.SCHEDULE_NOT_FOUND, message), now)
    return RunPlan(status=status, events=(Event(True, Reason.SCHEDULE_NOT_FOUND, message),))


def _foreign(case: Case) -> RunPlan:
    """A record restored from another time, or a forgery: it starts nothing and counts nothing."""
    if case.run.spec.trigger is not Trigger.MANUAL:
        return RunPlan()
    name = case.run.spec.schedule_name
    return case.end(
        RunPhase.SKIPPED,
        Reason.SCHEDULE_NOT_FOUND,
        f"This run belongs to something else than today's AgentSchedule {name}, and starts nothing.",
    )


def _with_job(case: Case, uid: str) -> RunPlan:
    """The run has its one Job: release it if that is still to do, else follow it."""
    job = next((job for job in case.observed.jobs if job.uid == uid), None)
    if job is None:
        return case.end(RunPhase.CANCELLED, Reason.JOB_DELETED, "The run's Job was deleted before it had finished.")
    cronjob = case.observed.cronjob
    if case.run.spec.trigger is Trigger.MANUAL and job.suspended and not job.finished and not job.controller_uid:
        if cronjob is None or cronjob.controller_uid != case.schedule.metadata.uid:
            return RunPlan((DeleteJob(job),))
        return RunPlan((ReleaseJob(job, _owners(case.run, cronjob)),))
    return _follow(case, job)


def _owners(run: ScheduleRun, cronjob: CronJob) -> tuple[build.Body, ...]:
    return build.cronjob_reference(cronjob.name, cronjob.uid), build.run_reference(run)


def _follow(case: Case, job: Job) -> RunPlan:
    pods = case.observed.pods_of(job)
    half = job.finished_at if job.finished else pods[-1].ended_at if pods else None
    if half and job.finished != bool(pods and pods[-1].ended) and case.now < half + LAST_NEWS:
        return RunPlan(requeue_at=half + LAST_NEWS)
    status = follow(case.run, job, pods, case.now)
    fresh = job.created + FIRST_WORD
    if status.phase is RunPhase.PENDING and not status.reason and case.now < fresh:
        return RunPlan(requeue_at=fresh)
    return RunPlan(status=status, events=_last_words(status))


def _last_words(status: ScheduleRunStatus) -> tuple[Event, ...]:
    if status.phase not in (RunPhase.FAILED, RunPhase.TIMED_OUT):
        return ()
    return (Event(True, status.reason or status.phase, status.message or ""),)


def _join(case: Case) -> RunPlan:
    """Steps (a) to (d) of a manual run: made suspended, listed, remembered; then ``_with_job`` releases it."""
    job = case.observed.by_name.get(case.run.metadata.name)
    if job and case.run.metadata.uid not in job.owner_uids:
        return _name_taken(case)
    no = refusal(case.schedule, case.verdict, _without(case.observed, job))
    if no:
        return RunPlan((DeleteJob(job),)) if job else case.end(RunPhase.SKIPPED, no.reason, no.message)
    if job is None:
        return _make_job(case)
    cronjob, live = case.observed.cronjob, live_cron(case.observed.cronjob)
    if cronjob and cronjob.lists(job.uid):
        return RunPlan(status=follow(case.run, job, (), case.now), again=True)
    if cronjob is None or live is None:
        return RunPlan(requeue_at=case.now + timedelta(seconds=1))
    may = turn(
        case.observed, live, case.now, case.verdict.timing.end if case.verdict.timing else None, JOINING_PATIENCE
    )
    if may.first:
        return RunPlan((may.first,))
    if not may.ours:
        return RunPlan(requeue_at=may.wait_until)
    return RunPlan((RepairCronJob(cronjob, (job,), cronjob.last_schedule_time),))


def _make_job(case: Case) -> RunPlan:
    if case.observed.answered(Reason.NAME_TAKEN):
        return _name_taken(case)
    if answer := case.observed.answered(Reason.JOB_REFUSED):
        message = f"The API refused the run's Job: {answer.message}"
        return case.end(RunPhase.FAILED, Reason.JOB_REFUSED, message)
    if not isinstance(case.schedule, AgentSchedule):  # refused before
        return RunPlan()
    return RunPlan((CreateJob(build.manual_job(case.schedule, case.run)),))


def _name_taken(case: Case) -> RunPlan:
    message = f"A Job {case.run.metadata.name} exists that is not this run's; make a run of another name."
    return case.end(RunPhase.FAILED, Reason.NAME_TAKEN, message)


def _without(observed: Observed, job: Job | None) -> Observed:
    """The world without this run: what else is active."""
    cronjob = observed.cronjob
    if cronjob and job:
        rest = tuple(ref for ref in cronjob.active if ref.uid != job.uid)
        observed = replace(observed, cronjob=replace(cronjob, active=rest))
    return replace(observed, runs=())
