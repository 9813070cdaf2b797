"""Before a run has its Job: who may start, and how it joins the CronJob. Rows of ``plan.run``.

A manual run joins the CronJob, so that Forbid holds over scheduled and manual runs alike: its Job is made suspended,
then listed in the CronJob's ``status.active``, then its uid is written into the run, then it is released. Each step is
read from the world, so that a crash between any two is only a pause. The world is fresh from the API while a run joins:
a scheduled Job that the watch has not shown yet must be seen.
"""

from __future__ import annotations

from datetime import timedelta

from agentschedule import names
from agentschedule.api.schedule import AgentSchedule
from agentschedule.names import Reason, Trigger
from agentschedule.plan.actions import CancelRun, ClaimRun, CreateJob, DeleteJob, ReleaseJob, RepairCronJob
from agentschedule.plan.cronjob_gate import JOINING_PATIENCE, turn
from agentschedule.plan.objects import build
from agentschedule.plan.run.context import Case
from agentschedule.plan.run.decision import Step, do, wait_until
from agentschedule.plan.schedule.cronjob import live_cron

A_MOMENT = timedelta(seconds=1)


def claim(case: Case) -> Step:
    """The owner reference is the claim: it comes before everything else."""
    schedule = case.schedule
    assert schedule is not None  # noqa: S101 - what is seen says so
    owner = build.owner_reference(schedule)
    return do(ClaimRun(case.run, owner, build.run_labels(schedule, Trigger.MANUAL)))


def no_schedule(case: Case) -> Step:
    name = case.run.spec.schedule_name
    message = f"There is no AgentSchedule {name} in this namespace; make the run anew when there is."
    return Step(reason=Reason.SCHEDULE_NOT_FOUND, message=message)


def no_run(case: Case) -> Step:
    what = f"The annotation {names.ANNOTATION_JOB_UID}" if case.by_hand else "trigger: Schedule"
    message = f"{what} marks records of the operator's own, and starts nothing; leave it out to run now."
    return Step(reason=Reason.RECORD_ONLY, message=message)


def stranger(case: Case) -> Step:
    """Restored from another time, or forged: it starts nothing and counts nothing."""
    name = case.run.spec.schedule_name
    message = f"This run belongs to something else than today's AgentSchedule {name}, and starts nothing."
    return Step(reason=Reason.SCHEDULE_NOT_FOUND, message=message)


def cancelled(case: Case) -> Step:
    return _withdrawn(case) or Step(reason=Reason.CANCELLED, message="The run was cancelled before it had started.")


def name_taken(case: Case) -> Step:
    message = f"A Job {case.run.metadata.name} exists that is not this run's; make a run of another name."
    return Step(reason=Reason.NAME_TAKEN, message=message)


def refused(case: Case) -> Step:
    no = case.no
    assert no is not None  # noqa: S101 - what is seen says so
    return _withdrawn(case) or Step(reason=no.reason, message=no.message)


def job_refused(case: Case) -> Step:
    answer = case.observed.answered(Reason.JOB_REFUSED)
    said = answer.message if answer else ""
    return Step(reason=Reason.JOB_REFUSED, message=f"The API refused the run's Job: {said}")


def outrun(case: Case) -> Step:
    message = f"Run {case.newer} came later, and concurrencyPolicy is Replace."
    return _withdrawn(case) or Step(reason=Reason.REPLACED, message=message)


def replace(case: Case) -> Step:
    """End what is active, gently, and wait for its end: the two never overlap."""
    records = [case.record_of(job) for job in case.rivals]
    if cancels := [CancelRun(run, case.run.metadata.name) for run in records if run and not run.spec.cancel]:
        return do(*cancels)
    active = ", ".join(job.name for job in case.rivals)
    # A record that is not there yet comes in a moment. A cancel of ours is no news to us: until it is acted upon, look
    # again; from then on, the end is news.
    acted_upon = all(run and run.status and run.status.reason == Reason.STOPPING for run in records)
    look_again = None if acted_upon else case.now + A_MOMENT
    return Step(reason=Reason.REPLACING, message=f"Waits for the end of {active}.", look_again=look_again)


def join(case: Case) -> Step:
    schedule, job = case.schedule, case.job
    if not isinstance(schedule, AgentSchedule):  # refused before
        return wait_until(None)
    if job is None:
        return do(CreateJob(build.manual_job(schedule, case.run)))
    cronjob, live = case.observed.cronjob, live_cron(case.observed.cronjob)
    if cronjob is None or live is None:
        return wait_until(case.now + A_MOMENT)
    end = case.verdict.timing.end if case.verdict.timing else None
    may = turn(case.observed, live, case.now, end, JOINING_PATIENCE)
    if may.first:
        return do(may.first)
    if not may.ours:
        return wait_until(may.wait_until)
    return do(RepairCronJob(cronjob, (job,), cronjob.last_schedule_time))


def remember(_case: Case) -> Step:
    """The Job's uid goes into the record before the Job is let go: a run has one Job, ever."""
    return Step(again=True)


def release(case: Case) -> Step:
    cronjob, job, schedule = case.observed.cronjob, case.job, case.schedule
    assert job is not None and schedule is not None  # noqa: S101, PT018 - what is seen says so
    if case.run.spec.cancel or cronjob is None or cronjob.controller_uid != schedule.metadata.uid:
        return do(DeleteJob(job))
    owners = build.cronjob_reference(cronjob.name, cronjob.uid), build.run_reference(case.run)
    return do(ReleaseJob(job, owners))


def _withdrawn(case: Case) -> Step | None:
    """The suspended Job goes first, if it is there already."""
    if case.job and case.job.deleting:
        return wait_until(case.now + A_MOMENT)
    return do(DeleteJob(case.job)) if case.job else None
