"""Before a run has its Job: who may start, and how it joins the CronJob.

A manual run joins the CronJob, so that Forbid holds over scheduled and manual runs alike: its Job is made suspended,
then listed in the CronJob's ``status.active``, then its uid is written into the run, then it is released. Each step is
read from the world, so that a crash between any two is only a pause. The world is fresh from the API while a run joins:
a scheduled Job that the watch has not shown yet must be seen.
"""

from __future__ import annotations

from datetime import timedelta

from agentschedule import names
from agentschedule.api.schedule import AgentSchedule, is_schedule_name
from agentschedule.names import MAX_SCHEDULE_NAME, Reason, Trigger
from agentschedule.plan.actions import CancelRun, ClaimRun, CreateJob, DeleteJob, ReleaseJob, RepairCronJob
from agentschedule.plan.answers import JobRefused
from agentschedule.plan.objects import build
from agentschedule.plan.run.context import JobContext, OwnedContext, RunContext
from agentschedule.plan.run.decision import Decision, act, wait

A_MOMENT = timedelta(seconds=1)


def claim(context: RunContext) -> Decision:
    """The owner reference is the claim: it comes before everything else."""
    schedule = context.schedule
    if schedule is None:
        return wait(None)
    owner = build.owner_reference(schedule)
    return act(ClaimRun(context.run, owner, build.run_labels(schedule, Trigger.MANUAL)))


def schedule_not_found(context: RunContext) -> Decision:
    name = context.run.spec.schedule_name
    if not is_schedule_name(name):
        message = (
            f"No AgentSchedule can be called {name[:MAX_SCHEDULE_NAME]!a}: names have lower-case letters, digits and - "
            f"only, at most {MAX_SCHEDULE_NAME}; make the run anew with the name of a schedule."
        )
        return Decision(reason=Reason.SCHEDULE_NOT_FOUND, message=message)
    message = f"There is no AgentSchedule {name} in this namespace; make the run anew when there is."
    return Decision(reason=Reason.SCHEDULE_NOT_FOUND, message=message)


def record_only(context: RunContext) -> Decision:
    what = f"The annotation {names.ANNOTATION_JOB_UID}" if context.manual else "trigger: Schedule"
    message = f"{what} marks records of the operator's own, and starts nothing; leave it out to run now."
    return Decision(reason=Reason.RECORD_ONLY, message=message)


def foreign_owner(context: RunContext) -> Decision:
    """Restored from another time, or forged: it starts nothing and counts nothing."""
    name = context.run.spec.schedule_name
    message = f"This run belongs to something else than today's AgentSchedule {name}, and starts nothing."
    return Decision(reason=Reason.SCHEDULE_NOT_FOUND, message=message)


def withdraw(context: OwnedContext) -> Decision:
    """The suspended Job goes before the run says that it does not start."""
    job = context.made_job
    return wait(context.now + A_MOMENT) if job is None or job.deleting else act(DeleteJob(job))


def cancelled(_context: OwnedContext) -> Decision:
    return Decision(reason=Reason.CANCELLED, message="The run was cancelled before it had started.")


def name_taken(context: OwnedContext) -> Decision:
    message = f"A Job {context.run.metadata.name} exists that is not this run's; make a run of another name."
    return Decision(reason=Reason.NAME_TAKEN, message=message)


def rejected(context: OwnedContext) -> Decision:
    rejection = context.rejection
    return Decision(reason=rejection.reason, message=rejection.message) if rejection else wait(None)


def job_refused(context: OwnedContext) -> Decision:
    answer = context.observed.answer(JobRefused, context.run.metadata.name)
    return Decision(
        reason=Reason.JOB_REFUSED, message=f"The API refused the run's Job: {answer.message if answer else ''}"
    )


def superseded(context: OwnedContext) -> Decision:
    message = f"Run {context.newer} came later, and concurrencyPolicy is Replace."
    return Decision(reason=Reason.REPLACED, message=message)


def cancel_older(context: OwnedContext) -> Decision:
    """End what is active, gently."""
    older = (run for run in context.runs_to_replace if run and not run.spec.cancel)
    return act(*(CancelRun(run, context.run.metadata.name) for run in older))


def await_older(context: OwnedContext) -> Decision:
    """Wait for the end of what is active: the two never overlap. A record that is not there yet comes in a moment. The
    operator's own cancel brings no event to its watch: until it is acted upon, look again; from then on the end is one.
    """
    active = ", ".join(job.name for job in context.jobs_to_replace)
    stopping = all(run and run.status and run.status.reason == Reason.STOPPING for run in context.runs_to_replace)
    requeue_at = None if stopping else context.now + A_MOMENT
    return Decision(reason=Reason.REPLACING, message=f"Waits for the end of {active}.", requeue_at=requeue_at)


def create_job(context: OwnedContext) -> Decision:
    schedule = context.schedule
    if not isinstance(schedule, AgentSchedule):  # rejected before
        return wait(None)
    return act(CreateJob(build.manual_job(schedule, context.run)))


def await_cronjob(context: OwnedContext) -> Decision:
    return wait(context.now + A_MOMENT)


def pass_gate(context: OwnedContext) -> Decision:
    """What comes first: repair, or what is due."""
    blocked = context.join_gate
    if blocked and blocked.first:
        return act(blocked.first)
    return wait(blocked.wait_until if blocked else None)


def list_job(context: OwnedContext) -> Decision:
    cronjob, job = context.observed.cronjob, context.made_job
    if cronjob is None or job is None:
        return wait(None)
    return act(RepairCronJob(cronjob, (job,), cronjob.last_schedule_time))


def remember(_context: JobContext) -> Decision:
    """The Job's uid goes into the record before the Job is let go: a run has one Job, ever."""
    return Decision(replan=True)


def release(context: JobContext) -> Decision:
    cronjob = context.observed.cronjob
    if cronjob is None:
        return wait(None)
    owners = build.cronjob_reference(cronjob.name, cronjob.uid), build.run_reference(context.run)
    return act(ReleaseJob(context.job, owners))


def delete_unreleased(context: JobContext) -> Decision:
    return wait(context.now + A_MOMENT) if context.job.deleting else act(DeleteJob(context.job))
