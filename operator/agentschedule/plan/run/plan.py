"""What to do about one ScheduleRun, step by step, until there is nothing left to do."""

from __future__ import annotations

from datetime import datetime, timedelta

from agentschedule.api.run import ScheduleRun, ScheduleRunStatus
from agentschedule.api.schedule import AgentSchedule
from agentschedule.names import RunPhase
from agentschedule.plan.actions import DeleteRun, Event, Plan
from agentschedule.plan.concurrency import active_entries
from agentschedule.plan.manual_runs import too_many_open, waits
from agentschedule.plan.observed import Observed, Unreadable
from agentschedule.plan.ownership import claimed_job_uid
from agentschedule.plan.run.context import RunContext
from agentschedule.plan.run.status import run_status
from agentschedule.plan.run.table import judge

RunPlan = Plan[ScheduleRunStatus]
# A run of a schedule that does not exist stays this long, to be read.
ORPHAN_LIFE = timedelta(hours=1)
WARNINGS = frozenset({RunPhase.SKIPPED, RunPhase.FAILED, RunPhase.TIMED_OUT})


def plan_run(
    run: ScheduleRun, schedule: AgentSchedule | Unreadable | None, observed: Observed, now: datetime
) -> RunPlan:
    """The next step for a run: actions; or, when none are left, its status."""
    if run.metadata.deletion_timestamp:
        return RunPlan()
    if run.final:
        return RunPlan() if schedule and is_at_rest(run) else _orphaned(run, now)
    judged = judge(RunContext(run=run, schedule=schedule, observed=observed, now=now))
    decision, phase = judged.decide(), judged.row.to
    if decision.actions or decision.silent or phase is None:
        return RunPlan(decision.actions, requeue_at=decision.requeue_at)
    status = run_status(judged.context, phase, decision)
    event = Event(phase in WARNINGS or decision.warning, status.reason or phase, status.message or "")
    events = (event,) if phase.final and phase is not RunPhase.SUCCEEDED else ()
    return RunPlan(status=status, events=events, requeue_at=decision.requeue_at, replan=decision.replan)


def is_at_rest(run: ScheduleRun) -> bool:
    """True for an ended run of a schedule: only an orphan's has something to come."""
    return run.final and bool(run.metadata.owner_references)


def needs_fresh_look(run: ScheduleRun, observed: Observed) -> bool:
    """True before what must not be done on old knowledge, for the watch that showed the Jobs may be behind: before a
    run is turned down for what is active, before its suspended Job is listed, and before its Job is called deleted. A
    Job that is made in vain never runs, and a run that is one too many does not join."""
    uid = claimed_job_uid(run)
    if run.final:
        return False
    if uid is not None:
        return observed.job_of_uid(uid) is None
    if not waits(run) or too_many_open(observed, run.metadata.controller_uid(), run):
        return False
    cronjob, job = observed.cronjob, observed.job_named(run.metadata.name)
    if cronjob is None or cronjob.controller_uid != run.metadata.controller_uid():
        return True
    return not cronjob.lists(job.uid) if job else bool(active_entries(observed) or observed.unfinished)


def _orphaned(run: ScheduleRun, now: datetime) -> RunPlan:
    done = run.status.completion_time if run.status else None
    goes_at = (done or now) + ORPHAN_LIFE
    return RunPlan((DeleteRun(run),)) if goes_at <= now else RunPlan(requeue_at=goes_at)
