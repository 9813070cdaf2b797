"""The kind AgentSchedule. Parsed by ``handlers``, read by ``plan``; ``crd`` makes its schema."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import ConfigDict, Field

from agentschedule.api.agent import Agent
from agentschedule.api.base import Condition, Count, FreeForm, Model, ObjectMeta, SpecTime, Time, calendar_rule, rules
from agentschedule.api.policies import (
    MAX_TEXT,
    MAX_TIMEOUT_SECONDS,
    History,
    ManualRuns,
    MessageFrom,
    Retry,
    Session,
)
from agentschedule.names import (
    DNS_LABEL,
    MAX_SCHEDULE_NAME,
    ConcurrencyPolicy,
    RunPhase,
    SchedulePhase,
    Trigger,
    TriggerOutcome,
)

# Hours, minutes and seconds, as Go writes a duration; the CronJob gets it as @every.
INTERVAL = "^([0-9]{1,5}h)?([0-9]{1,6}m)?([0-9]{1,7}s)?$"


class AgentScheduleSpec(Model):
    """When to run (schedule, interval, runAt), what (agent, message, params), and how (timeoutSeconds)."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "(has(self.schedule) ? 1 : 0) + (has(self.interval) ? 1 : 0) + (has(self.runAt) ? 1 : 0) == 1",
                "write exactly one of schedule, interval and runAt",
            ),
            (
                "!has(self.startAt) || !has(self.endAt) || self.startAt < self.endAt",
                "startAt must be before endAt",
            ),
            (
                "!has(self.runAt) || !(has(self.startAt) || has(self.endAt))",
                "runAt is one moment: leave startAt and endAt out",
            ),
            (
                "!(has(self.message) && has(self.messageFrom))",
                "write message or messageFrom, not both",
            ),
        )
    )

    description: Annotated[str | None, Field(max_length=1024, description="What this schedule is for, in words.")] = (
        None
    )
    schedule: Annotated[
        str | None,
        Field(
            max_length=128,
            description="When to run: five cron fields, minute hour day-of-month month day-of-week, such as "
            '"0 8 * * 1-5" for 08:00 on weekdays, "*/15 * * * *" for every quarter of an hour, "0 9 1 * *" for 09:00 '
            "on the first of each month; or @hourly, @daily, @weekly, @monthly, @yearly. Lists a,b, ranges a-b and "
            "steps */n work in each field, names in the last two (jan, mon); Sunday is 0 or 7. H in a field is a value "
            'that is fixed for this schedule and spreads many schedules over the range: "H 8 * * *". '
            "The zone goes into timeZone. Instead of schedule: interval or runAt.",
        ),
    ] = None
    interval: Annotated[
        str | None,
        Field(
            max_length=20,
            description="Time between two runs, such as 6h or 1h30m; at least 60s. Counted from the creation, "
            "from the last edit of it, or from a resume.",
            json_schema_extra=rules(
                (
                    f"self.matches('{INTERVAL}') && self != ''",
                    "interval takes hours, minutes and seconds, such as 6h or 1h30m; a day is 24h",
                ),
                (
                    f"!self.matches('{INTERVAL}') || self == '' || duration(self) >= duration('60s')",
                    "interval must be at least 60s: Kubernetes starts a run a minute at the most",
                ),
            ),
        ),
    ] = None
    run_at: Annotated[
        SpecTime | None,
        Field(
            description="One run, at this moment, on a full minute: 2026-12-24T18:00:00Z. A moment that is past when "
            "the schedule is made starts nothing.",
            json_schema_extra=rules(
                ("self.getSeconds() == 0", "runAt must be a full minute: end it in :00Z"), calendar_rule("runAt")
            ),
        ),
    ] = None
    start_at: Annotated[
        SpecTime | None,
        Field(description="No run is due before this moment.", json_schema_extra=rules(calendar_rule("startAt"))),
    ] = None
    end_at: Annotated[
        SpecTime | None,
        Field(description="No run is due after this moment.", json_schema_extra=rules(calendar_rule("endAt"))),
    ] = None
    time_zone: Annotated[
        str,
        Field(
            min_length=1,
            max_length=64,
            description="IANA name of the zone that schedule is read in, such as America/New_York.",
        ),
    ] = "Etc/UTC"
    suspend: Annotated[
        bool, Field(description="true stops scheduled runs; resuming never starts what came due meanwhile.")
    ] = False
    suspend_reason: Annotated[
        str | None, Field(max_length=1024, description="Why it is suspended; shown in status and events.")
    ] = None
    starting_deadline_seconds: Annotated[
        int,
        Field(
            ge=10,
            le=604_800,
            description="How late a run may start, in seconds; later it counts as missed. "
            "Under 60, a busy cluster may drop runs.",
        ),
    ] = 300
    concurrency_policy: Annotated[
        ConcurrencyPolicy,
        Field(
            description="While a run is active, Forbid (default) holds back or rejects others, Allow starts them, "
            "Replace ends the active one for the new one; for scheduled and manual runs alike."
        ),
    ] = ConcurrencyPolicy.FORBID
    manual_runs: Annotated[ManualRuns | None, Field(description="Rules for runs by hand.")] = None
    agent: Annotated[Agent, Field(description="What to run.")]
    message: Annotated[
        str | None,
        Field(max_length=MAX_TEXT, description="The prompt, handed to the agent as AGENT_MESSAGE."),
    ] = None
    message_from: Annotated[
        MessageFrom | None,
        Field(
            description="A long prompt, from a ConfigMap, instead of message: the agent finds it in the file "
            "AGENT_MESSAGE_FILE, as it is when the attempt starts."
        ),
    ] = None
    params: Annotated[
        FreeForm | None,
        Field(
            description=f"A JSON object, handed to the agent as AGENT_PARAMS; up to {MAX_TEXT:,} characters. "
            "Whole numbers beyond 2^53 lose digits: write them as strings."
        ),
    ] = None
    session: Annotated[Session | None, Field(description="Which session the runs belong to. Default: mode New.")] = None
    timeout_seconds: Annotated[
        int,
        Field(
            ge=1,
            le=MAX_TIMEOUT_SECONDS,
            description="How long an attempt may take, image pull included; then it is TimedOut.",
        ),
    ] = 3600
    retry: Annotated[Retry | None, Field(description="Whether a failed run is tried again. Default: no.")] = None
    history: Annotated[History | None, Field(description="How many finished runs are kept. Default: 10 and 10.")] = None


class RunSummary(Model):
    """The last run that ended."""

    name: str
    phase: RunPhase
    trigger: Trigger
    scheduled_time: Time | None = None
    start_time: Time | None = None
    completion_time: Time | None = None
    duration_seconds: Count | None = None


class Counts(Model):
    """Totals since the schedule was made; they only grow. due = started + skipped + missed + unknown."""

    due: Annotated[Count, Field(description="Due times that have been decided.")] = 0
    started: Annotated[Count, Field(description="Due times whose run started.")] = 0
    skipped: Annotated[Count, Field(description="Due times passed over because a run was active (Forbid).")] = 0
    missed: Annotated[Count, Field(description="Due times at which a run should have started and none did.")] = 0
    unknown: Annotated[Count, Field(description="Due times of which no evidence is left.")] = 0
    succeeded: Annotated[Count, Field(description="Runs that succeeded.")] = 0
    failed: Annotated[Count, Field(description="Runs that failed or timed out.")] = 0
    manual: Annotated[Count, Field(description="Runs started by hand.")] = 0


class Missed(Model):
    """The last due time that was missed."""

    scheduled_time: Time
    reason: str
    message: str = ""


class LastTrigger(Model):
    """What became of the last trigger annotation."""

    token: str
    time: Time
    outcome: TriggerOutcome
    reason: str
    message: str = ""
    run: str | None = None


class AgentScheduleStatus(Model):
    """What the operator observed and decided; written by the operator only."""

    observed_generation: Annotated[
        Count | None, Field(description="The generation of the spec that this status speaks of.")
    ] = None
    phase: Annotated[
        SchedulePhase | None, Field(description="Active, Suspended, Pending (before startAt), Completed or Invalid.")
    ] = None
    conditions: Annotated[
        tuple[Condition, ...] | None,
        Field(json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}),
    ] = None
    cron_job: Annotated[str | None, Field(description="The CronJob that starts the scheduled runs.")] = None
    resolved_schedule: Annotated[str | None, Field(description="The schedule as the CronJob got it.")] = None
    display_schedule: Annotated[
        str | None, Field(description="When it runs, in a few words: the cron fields, every 6h, or once.")
    ] = None
    effective_from: Annotated[
        Time | None,
        Field(description="When the schedule in force took effect; nothing before it counts or runs."),
    ] = None
    next_run_time: Annotated[
        str | None, Field(description="When the next run is due (RFC 3339, UTC); absent while suspended.")
    ] = None
    next_run_times: Annotated[tuple[str, ...] | None, Field(description="The next five due times.")] = None
    last_run_time: Annotated[Time | None, Field(description="Due time of the last scheduled run that started.")] = None
    last_successful_time: Annotated[Time | None, Field(description="When a run last ended well.")] = None
    last_failure_time: Annotated[Time | None, Field(description="When a run last failed or timed out.")] = None
    last_run: Annotated[RunSummary | None, Field(description="The last run that ended.")] = None
    last_session_id: Annotated[
        str | None,
        Field(alias="lastSessionID", description="The session that the last run reported, for session.mode Continue."),
    ] = None
    active_runs: Annotated[
        tuple[str, ...] | None, Field(description="Runs that have not ended; 100 at most are named.")
    ] = None
    active: Annotated[Count, Field(description="How many runs have not ended.")] = 0
    counts: Annotated[Counts | None, Field(description="Totals since the schedule was made.")] = None
    counted_runs: Annotated[
        tuple[str, ...] | None, Field(description="uids of ended runs that are counted and still exist.")
    ] = None
    consecutive_failures: Annotated[Count, Field(description="Failures since the last success.")] = 0
    last_missed: Annotated[Missed | None, Field(description="The last due time that was missed, and why.")] = None
    accounted_through: Annotated[Time | None, Field(description="All due times up to here are counted.")] = None
    last_trigger: Annotated[LastTrigger | None, Field(description="The answer to the last trigger annotation.")] = None
    handled_triggers: Annotated[
        tuple[str, ...] | None,
        Field(description="Hashes of the last 32 trigger tokens; none starts a second run."),
    ] = None


class AgentSchedule(Model):
    """Runs an agent on a schedule, and on demand."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                f"self.metadata.name.size() <= {MAX_SCHEDULE_NAME}",
                f"the name may have at most {MAX_SCHEDULE_NAME} characters: "
                "the names of its runs and their pods are made from it",
            ),
            (
                f"self.metadata.name.matches('{DNS_LABEL}')",
                "the name may have lower-case letters, digits and - only: write my-report, not my.report",
            ),
        )
    )

    metadata: ObjectMeta
    spec: AgentScheduleSpec
    status: AgentScheduleStatus | None = None


def is_schedule_name(name: str) -> bool:
    """False for what no AgentSchedule can be called."""
    return len(name) <= MAX_SCHEDULE_NAME and re.fullmatch(DNS_LABEL, name) is not None
