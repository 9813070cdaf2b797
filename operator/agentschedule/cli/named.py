"""``next NAME``: an AgentSchedule on the cluster, to be counted on as the operator does."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from agentschedule.api.schedule import AgentSchedule, AgentScheduleStatus
from agentschedule.cli.cluster import connect
from agentschedule.cli.errors import USAGE, CommandError
from agentschedule.cli.subject import Subject
from agentschedule.cli.words import because, obstacle
from agentschedule.names import SchedulePhase
from agentschedule.plan.observed import Unreadable
from agentschedule.plan.spec.timing import Timing
from agentschedule.plan.spec.validate import validate

AHEAD = "The operator has not taken up the last edit yet: these are the times once it has."


def named(args: argparse.Namespace) -> Subject:
    """The AgentSchedule of that name. Raises CommandError if there is none, or none that can run."""
    if args.time_zone or args.seed:
        raise CommandError(f"{args.schedule} has a zone and an H of its own: leave --time-zone and --for out", USAGE)
    schedule = connect(args.namespace).schedule(args.schedule)
    validation = validate(schedule)
    if isinstance(schedule, Unreadable) or validation.timing is None:
        raise CommandError(_refused(schedule, validation.message))
    return _subject(schedule, validation.timing)


def _subject(schedule: AgentSchedule, timing: Timing) -> Subject:
    meta, spec, status = schedule.metadata, schedule.spec, schedule.status
    known = status if status and status.observed_generation == meta.generation else None
    if known and (known.phase is SchedulePhase.INVALID or known.cron_job is None):
        raise CommandError(_refused(schedule, obstacle(known) or "the operator has not made its CronJob yet"))
    over = known is not None and known.phase is SchedulePhase.COMPLETED
    return Subject(
        timing.cron,
        spec.time_zone,
        fields=spec.schedule is not None,
        seed=_mark(known, timing),
        end=timing.end,
        idle=spec.suspend or over,
        note=_note(schedule, over, known is None),
        facts={"namespace": meta.namespace, "name": meta.name, "suspended": spec.suspend},
    )


def _mark(known: AgentScheduleStatus | None, timing: Timing) -> datetime:
    """Where the controller counts from: the last run, or the moment from which the schedule is in force."""
    if known is None:
        return max(datetime.now(UTC), timing.not_before or datetime.min.replace(tzinfo=UTC))
    marks = [mark for mark in (known.effective_from, known.last_run_time) if mark]
    return max(marks, default=datetime.now(UTC))


def _note(schedule: AgentSchedule, over: bool, ahead: bool) -> str:
    spec, name = schedule.spec, schedule.metadata.name
    if over:
        return f"{name} is completed: nothing is due any more."
    if spec.suspend:
        return f"{name} is suspended{because(spec.suspend_reason)}: nothing is due until it is resumed."
    return AHEAD if ahead else ""


def _refused(schedule: AgentSchedule | Unreadable, problem: str) -> str:
    status = schedule.status
    goes_on = f"; the CronJob goes on by {status.resolved_schedule}" if status and status.resolved_schedule else ""
    return f"{schedule.metadata.name} is not in force: {problem.rstrip('.')}{goes_on}"
