"""The life of a run, in one table: in the order in which it is judged, the first row that is true counts.

What is seen of a run decides alone what its phase is and what happens next, whatever it was before, as long as it has
not ended. So events may come in any order, twice, or never, and the operator may die between any two steps. The docs
show this very table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from agentschedule.names import RunPhase
from agentschedule.plan.run import end, progress, start, state
from agentschedule.plan.run.context import JobContext, OwnedContext, RunContext
from agentschedule.plan.run.decision import Decision, nothing, wait
from agentschedule.plan.run.rows import Row, Section
from agentschedule.plan.run.state import RunState


def _always(_context: RunContext) -> bool:
    return True


def _cancel_requested(context: RunContext) -> bool:
    return context.cancel_requested


def _any_run(context: RunContext) -> RunContext | None:
    return context


def _before_job(context: RunContext) -> OwnedContext | None:
    return None if context.job_uid else context.owned


def _listed(context: RunContext) -> JobContext | None:
    before = _before_job(context)
    return before.of_job(before.made_job) if before and before.made_job and state.is_listed(before) else None


def _job_gone(context: RunContext) -> OwnedContext | None:
    return context.owned if context.job_uid and context.with_job is None else None


def _has_job(context: RunContext) -> JobContext | None:
    return context.with_job


def _job_finished(context: RunContext) -> JobContext | None:
    found = context.with_job
    return found if found and found.job.finished else None


def _between_attempts(context: RunContext) -> JobContext | None:
    found = context.with_job
    return found if found and state.is_between_attempts(found) else None


def _waits(_context: RunContext) -> Decision:
    return wait(None)


OWNERSHIP = Section[RunContext](
    "Whose run is it?",
    _any_run,
    (
        Row(RunState.SCHEDULE_NOT_FOUND, state.is_manual_orphan, RunPhase.SKIPPED, start.schedule_not_found),
        Row(RunState.SCHEDULE_GONE, state.goes_with_schedule, None, nothing),
        Row(RunState.UNCLAIMED, state.is_unclaimed, None, start.claim, "claim it: set the AgentSchedule as its owner"),
        Row(RunState.FOREIGN_OWNER, state.is_foreign_manual, RunPhase.SKIPPED, start.foreign_owner),
        Row(RunState.FOREIGN_RECORD, state.is_foreign_record, None, nothing),
        Row(RunState.RECORD_ONLY, state.is_no_record, RunPhase.SKIPPED, start.record_only),
    ),
)
START = Section[OwnedContext](
    "It has no Job yet",
    _before_job,
    (
        Row(
            RunState.JOB_NOT_WANTED,
            lambda context: context.made_job is not None and context.will_not_start,
            None,
            start.withdraw,
            "delete its suspended Job, and wait until it is gone",
        ),
        Row(RunState.CANCELLED_BEFORE_START, _cancel_requested, RunPhase.CANCELLED, start.cancelled),
        Row(RunState.NAME_TAKEN, state.is_name_taken, RunPhase.FAILED, start.name_taken),
        Row(
            RunState.START_REJECTED,
            lambda context: context.rejection is not None,
            RunPhase.SKIPPED,
            start.rejected,
            "a rejection is final",
        ),
        Row(RunState.JOB_REFUSED, state.is_job_refused, RunPhase.FAILED, start.job_refused),
        Row(RunState.SUPERSEDED, lambda context: context.newer is not None, RunPhase.SKIPPED, start.superseded),
        Row(RunState.OLDER_ACTIVE, state.has_older_to_cancel, None, start.cancel_older, "cancel the older run"),
        Row(
            RunState.REPLACING,
            lambda context: bool(context.jobs_to_replace),
            RunPhase.PENDING,
            start.await_older,
            "wait for its end",
        ),
    ),
)
LISTED = Section[JobContext](
    "Its Job is listed",
    _listed,
    (Row(RunState.JOB_LISTED, _always, RunPhase.PENDING, start.remember, "remember the Job's uid"),),
)
JOIN = Section[OwnedContext](
    "It joins the CronJob",
    _before_job,
    (
        Row(RunState.JOB_NOT_CREATED, state.is_job_to_create, None, start.create_job, "create its Job, suspended"),
        Row(RunState.CRONJOB_UNREADABLE, state.is_cronjob_unreadable, None, start.await_cronjob, "wait a moment"),
        Row(RunState.GATE_CLOSED, state.is_gate_closed, None, start.pass_gate, "wait for it, or do it"),
        Row(RunState.JOB_NOT_LISTED, _always, None, start.list_job, "list it as active"),
    ),
)
GONE = Section[OwnedContext](
    "Its Job is gone",
    _job_gone,
    (
        Row(RunState.GONE_AFTER_CANCEL, _cancel_requested, RunPhase.CANCELLED, end.cancelled),
        Row(RunState.REPLACED, lambda context: end.successor(context) is not None, RunPhase.CANCELLED, end.replaced),
        Row(RunState.BEING_REPLACED, end.successor_is_due, None, end.await_successor, "wait a moment"),
        Row(RunState.JOB_DELETED, _always, RunPhase.CANCELLED, end.job_deleted),
    ),
)
RELEASE = Section[JobContext](
    "It has its Job",
    _has_job,
    (
        Row(
            RunState.RELEASE_CANCELLED,
            state.is_release_cancelled,
            None,
            start.delete_unreleased,
            "delete the Job, and wait until it is gone",
        ),
        Row(RunState.JOB_NOT_RELEASED, state.is_unreleased, None, start.release, "let the Job go"),
        Row(
            RunState.END_HALF_SEEN,
            state.is_end_half_seen,
            None,
            end.await_status,
            "wait a moment for the other half: both are one write",
        ),
    ),
)
FINISHED = Section[JobContext](
    "Its Job has ended",
    _job_finished,
    (
        Row(RunState.PODS_NOT_LISTED, state.needs_pods, None, end.list_pods, "ask the API server for its pods"),
        Row(RunState.LOG_NOT_READ, lambda context: bool(context.unread_pods), None, end.read_log, "read the log"),
        Row(RunState.AGENT_FAILED, state.says_failed, RunPhase.FAILED, end.agent_failed),
        Row(RunState.SUCCEEDED, lambda context: context.job.succeeded is True, RunPhase.SUCCEEDED, nothing),
        Row(RunState.CANCELLED, state.was_cancelled, RunPhase.CANCELLED, end.cancelled),
        Row(RunState.NEVER_STARTED, state.has_never_started, RunPhase.FAILED, end.never_started),
        Row(RunState.TIMED_OUT, state.has_timed_out, RunPhase.TIMED_OUT, end.timed_out),
        Row(RunState.JOB_FAILED, _always, RunPhase.FAILED, end.job_failed),
    ),
)
STOP = Section[JobContext](
    "Its Job goes on, and is to end",
    _has_job,
    (
        Row(RunState.NAMESPACE_DELETED, state.is_namespace_deleted, None, end.leave, "delete the Job"),
        Row(RunState.POD_DELETED, state.is_pod_deleted, None, end.ask_namespace, "ask whether its namespace is, too"),
        Row(RunState.JOB_FAILING_SUSPENDED, state.is_failing_suspended, None, end.resume_to_fail, "resume the Job"),
        Row(RunState.JOB_FAILING, lambda context: context.job.ending, None, _waits, "wait"),
        Row(RunState.STOPPING, state.is_stopping, RunPhase.RUNNING, end.stopping, "wait"),
        Row(RunState.STOPPED, state.is_stopped, None, end.await_end, "wait a moment"),
        Row(
            RunState.RUNNING_CANCELLED,
            state.is_running_cancelled,
            None,
            end.cancel_running,
            "stop the pod, with its grace period",
        ),
        Row(RunState.CANCEL_REQUESTED, _cancel_requested, None, end.cancel, "fail the Job: Cancelled or Replaced"),
        Row(
            RunState.EXTRA_ATTEMPT_RUNNING,
            state.is_extra_attempt_running,
            None,
            end.stop_extra_attempt,
            "stop the pod: RetriesExhausted",
        ),
        Row(
            RunState.EXTRA_ATTEMPT,
            state.is_extra_attempt,
            None,
            end.prevent_extra_attempt,
            "fail the Job: RetriesExhausted",
        ),
        Row(RunState.JOB_SUSPENDED, state.is_suspended_by_others, RunPhase.PENDING, progress.job_suspended),
        Row(
            RunState.RETRIES_EXHAUSTED,
            state.is_last_attempt_failed,
            None,
            end.retries_exhausted,
            "fail the Job: RetriesExhausted",
        ),
        Row(RunState.ATTEMPT_LOG_NOT_READ, state.needs_attempt_log, None, end.read_log, "read the log"),
        Row(RunState.NOT_RETRYABLE, state.is_not_retryable, None, end.not_retryable, "fail the Job: NotRetryable"),
        Row(RunState.START_OVERDUE, state.is_start_overdue, None, end.start_overdue, "fail the Job: NeverStarted"),
    ),
)
RETRY = Section[JobContext](
    "Between two attempts",
    _between_attempts,
    (
        Row(RunState.RETRY_DUE, state.is_held_long_enough, None, progress.resume, "resume the Job"),
        Row(RunState.RETRY_HELD, lambda context: context.job.held, RunPhase.RETRYING, progress.retry_held),
        Row(RunState.ATTEMPT_NOT_JUDGED, progress.is_unjudged, None, progress.await_judgement, "wait a moment"),
        Row(
            RunState.RETRY_TOO_SOON,
            lambda context: progress.hold_until(context) is not None,
            None,
            progress.hold,
            "hold the Job: suspend it before its next pod exists",
        ),
        Row(
            RunState.RETRY_IMMINENT,
            lambda context: progress.is_imminent(context) and context.old.phase is RunPhase.RETRYING,
            None,
            progress.await_attempt,
            "wait",
        ),
        Row(RunState.RETRY_PENDING, _always, RunPhase.RETRYING, progress.retry_pending),
    ),
)
WORK = Section[JobContext](
    "It runs, or is to start",
    _has_job,
    (
        Row(RunState.NODE_LOST, state.is_node_lost, RunPhase.RUNNING, progress.node_lost),
        Row(RunState.RUNNING, state.is_running, RunPhase.RUNNING, progress.running),
        Row(RunState.EVENTS_NOT_READ, progress.events_are_due, None, progress.ask_events, "ask events why"),
        Row(
            RunState.NEW,
            progress.is_new,
            None,
            progress.await_first_word,
            "wait: most run a moment later",
        ),
        Row(
            RunState.RETRY_NOT_STARTED,
            lambda context: context.failures > 0,
            RunPhase.RETRYING,
            progress.not_started,
            "say why",
        ),
        Row(RunState.NOT_STARTED, _always, RunPhase.PENDING, progress.not_started, "say why"),
    ),
)
# Judged in this order.
TABLE: tuple[Section[Any], ...] = (
    OWNERSHIP, START, LISTED, JOIN, GONE, RELEASE, FINISHED, STOP, RETRY, WORK,
)  # fmt: skip


def rows() -> Iterator[Row[Any]]:
    """All rows, in the order in which they are judged."""
    return (row for section in TABLE for row in section.rows)


@dataclass(frozen=True)
class Judgement:
    """The first row that is true of a run, and the context in which it is."""

    row: Row[Any]
    context: RunContext

    def decide(self) -> Decision:
        return self.row.decide(self.context)


def judge(context: RunContext) -> Judgement:
    """The state of the run: the first row that is true."""
    for section in TABLE:
        narrowed = section.narrow(context)
        if narrowed is None:
            continue
        found = next((row for row in section.rows if row.when(narrowed)), None)
        if found:
            return Judgement(found, narrowed)
    raise AssertionError("the last row is true of every run")
