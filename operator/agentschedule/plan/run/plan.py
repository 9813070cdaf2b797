"""The life of a run, in one table. Called by ``handlers``, step by step, until there is nothing left to do.

What is seen of a run (``plan.sight``) decides alone what it is and what happens next, whatever it was before, as long
as it has not ended; a run that has ended never changes. So news may come in any order, twice, or never, and the
operator may die between any two steps. The docs show this very table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from agentschedule.api.run import ScheduleRun, ScheduleRunStatus
from agentschedule.api.schedule import AgentSchedule
from agentschedule.names import RunPhase
from agentschedule.plan.actions import DeleteRun, Event, Plan
from agentschedule.plan.observed import Observed, Unreadable
from agentschedule.plan.run import end as ending
from agentschedule.plan.run import progress as working
from agentschedule.plan.run import start as joining
from agentschedule.plan.run.context import Case
from agentschedule.plan.run.decision import Step, nothing
from agentschedule.plan.run.state import Sight, look
from agentschedule.plan.run.status import run_status

RunPlan = Plan[ScheduleRunStatus]
# A run of a schedule that does not exist stays this long, to be read.
ORPHAN_LIFE = timedelta(hours=1)
WARNINGS = frozenset({RunPhase.SKIPPED, RunPhase.FAILED, RunPhase.TIMED_OUT})


@dataclass(frozen=True)
class Row:
    """What follows from a sight: the phase that the record gets (None: it stays as it is), and what is done, also in
    words, for the docs."""

    to: RunPhase | None
    does: Callable[[Case], Step]
    then: str = ""


TABLE: Mapping[Sight, Row] = {
    Sight.OTHERS_RECORD: Row(None, nothing),
    Sight.UNCLAIMED: Row(None, joining.claim, "claim it: set the AgentSchedule as its owner"),
    Sight.NO_SCHEDULE: Row(RunPhase.SKIPPED, joining.no_schedule),
    Sight.NO_RUN: Row(RunPhase.SKIPPED, joining.no_run),
    Sight.STRANGER: Row(RunPhase.SKIPPED, joining.stranger),
    Sight.CANCELLED_EARLY: Row(RunPhase.CANCELLED, joining.cancelled, "delete its suspended Job, if there is one"),
    Sight.NAME_TAKEN: Row(RunPhase.FAILED, joining.name_taken),
    Sight.REFUSED: Row(
        RunPhase.SKIPPED, joining.refused, "delete its suspended Job, if there is one; a refusal is final"
    ),
    Sight.JOB_REFUSED: Row(RunPhase.FAILED, joining.job_refused),
    Sight.OUTRUN: Row(RunPhase.SKIPPED, joining.outrun, "delete its suspended Job, if there is one"),
    Sight.RIVALS: Row(RunPhase.PENDING, joining.replace, "cancel the older run, and wait for its end"),
    Sight.MAY_START: Row(None, joining.join, "settle what is due; create its Job, suspended; list it as active"),
    Sight.LISTED: Row(RunPhase.PENDING, joining.remember, "remember the Job's uid"),
    Sight.NOT_RELEASED: Row(None, joining.release, "let the Job go"),
    Sight.WAITING: Row(RunPhase.PENDING, working.wait, "ask events why, where the pod does not say"),
    Sight.PAUSED: Row(RunPhase.PENDING, working.paused),
    Sight.RUNNING: Row(RunPhase.RUNNING, working.run),
    Sight.LOST: Row(RunPhase.RUNNING, working.lost),
    Sight.BETWEEN: Row(
        RunPhase.RETRYING, working.between, "hold the Job, if the wait is longer than Kubernetes' own; resume it"
    ),
    Sight.WAITING_AGAIN: Row(RunPhase.RETRYING, working.wait, "ask events why, where the pod does not say"),
    Sight.OVERDUE: Row(None, ending.overdue, "fail the Job: NeverStarted"),
    Sight.FAILED_FOR_GOOD: Row(None, ending.not_retryable, "fail the Job: NotRetryable"),
    Sight.SPENT: Row(None, ending.spent, "fail the Job: RetriesExhausted"),
    Sight.TOO_MANY: Row(None, ending.too_many, "stop the pod: RetriesExhausted"),
    Sight.CANCEL: Row(None, ending.cancel, "stop the pod, with its grace period; without one at work, fail the Job"),
    Sight.STOPPING: Row(RunPhase.RUNNING, ending.stopping, "wait"),
    Sight.LEAVING: Row(None, ending.leave, "if its namespace is being deleted, delete the Job"),
    Sight.ENDING: Row(None, ending.let_end, "wait; resume a suspended Job, which would never end"),
    Sight.HALF_THE_NEWS: Row(None, working.other_half, "wait a moment for the other half: both are one write"),
    Sight.UNSEEN: Row(None, ending.look_at_pods, "ask the API server for its pods"),
    Sight.UNREAD: Row(None, ending.read_log, "read the log"),
    Sight.SUCCEEDED: Row(RunPhase.SUCCEEDED, nothing),
    Sight.SAYS_FAILED: Row(RunPhase.FAILED, ending.says_failed),
    Sight.FAILED: Row(RunPhase.FAILED, ending.failed),
    Sight.NEVER_STARTED: Row(RunPhase.FAILED, ending.never_started),
    Sight.TIMED_OUT: Row(RunPhase.TIMED_OUT, ending.timed_out),
    Sight.STOPPED: Row(RunPhase.CANCELLED, ending.stopped),
    Sight.JOB_GONE: Row(RunPhase.CANCELLED, ending.job_gone),
}


def plan_run(
    run: ScheduleRun, schedule: AgentSchedule | Unreadable | None, observed: Observed, now: datetime
) -> RunPlan:
    """The next step for a run: actions; or, when none are left, its status."""
    if run.metadata.deletion_timestamp:
        return RunPlan()
    if run.final:
        return RunPlan() if schedule and run.metadata.owner_references else _orphaned(run, now)
    case = Case(run, schedule, observed, now)
    row = TABLE[look(case)]
    step = row.does(case)
    if step.actions or step.silent or row.to is None:
        return RunPlan(step.actions, requeue_at=step.look_again)
    status = run_status(case, row.to, step)
    events = (Event(row.to in WARNINGS or step.warning, status.reason or row.to, status.message or ""),)
    speaks = row.to.final and row.to is not RunPhase.SUCCEEDED
    return RunPlan(status=status, events=events if speaks else (), requeue_at=step.look_again, again=step.again)


def _orphaned(run: ScheduleRun, now: datetime) -> RunPlan:
    done = run.status.completion_time if run.status else None
    goes_at = (done or now) + ORPHAN_LIFE
    return RunPlan((DeleteRun(run),)) if goes_at <= now else RunPlan(requeue_at=goes_at)
