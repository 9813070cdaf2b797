"""The kind ScheduleRun: the record of one run, and for people the way to start one. Read by ``plan``."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from agentschedule.api.base import (
    PRESERVE_UNKNOWN,
    Condition,
    Count,
    FreeForm,
    Model,
    ObjectMeta,
    Time,
    calendar_rule,
    rules,
)
from agentschedule.api.policies import MAX_PARAMS, MAX_TEXT, MAX_TIMEOUT_SECONDS, MessageFrom
from agentschedule.names import (
    DNS_LABEL,
    DUE_MINUTE_SUFFIX,
    MAX_RUN_NAME,
    MAX_SCHEDULE_NAME,
    Override,
    RunPhase,
    Trigger,
)

# What cannot be changed. Of params, which are free-form, CEL compares how many fields there are, and those that both
# sides have: it does not see one field give way to another. What a run was really given is in its status.
FIXED = ("scheduleName", "trigger", "scheduledTime", "message", "params", "model", "timeoutSeconds")
OVERRIDES = " || ".join(f"has(self.{field.value})" for field in Override)


def _unchanged(field: str) -> str:
    both = f"has(self.{field}) == has(oldSelf.{field})"
    return f"{both} && (!has(self.{field}) || self.{field} == oldSelf.{field})"


class ScheduleRunSpec(Model):
    """Which schedule to run. It cannot be changed afterwards, but for ``cancel``."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (" && ".join(_unchanged(field) for field in FIXED), "a run cannot be changed: make a new one"),
            (
                "!(has(oldSelf.cancel) && oldSelf.cancel) || (has(self.cancel) && self.cancel)",
                "a run that is cancelled stays so: make a new one",
            ),
            (
                f"self.trigger == 'Manual' || !({OVERRIDES})",
                "a record of a scheduled run takes no message, params, model or timeoutSeconds",
            ),
        )
    )

    # The API alone holds to the name's rules: a run that was stored before they came is read, and answered.
    schedule_name: Annotated[
        str,
        Field(
            description="The AgentSchedule, in this namespace, to run.",
            json_schema_extra={"minLength": 1, "maxLength": MAX_SCHEDULE_NAME}
            | rules(
                (
                    f"self.matches('{DNS_LABEL}')",
                    "scheduleName is the name of an AgentSchedule: lower-case letters, digits and - only",
                )
            ),
        ),
    ]
    trigger: Annotated[
        Trigger,
        Field(description="Manual for a run by hand; Schedule marks the operator's records and starts nothing."),
    ] = Trigger.MANUAL
    scheduled_time: Annotated[
        Time | None,
        Field(
            description="The due time; absent on manual runs.", json_schema_extra=rules(calendar_rule("scheduledTime"))
        ),
    ] = None
    message: Annotated[
        str | None,
        Field(max_length=MAX_TEXT, description="Instead of the schedule's, where manualRuns.allowOverrides says so."),
    ] = None
    params: Annotated[
        FreeForm | None,
        Field(
            description=f"Instead of the schedule's, where manualRuns.allowOverrides says so; up to {MAX_TEXT:,} "
            "characters of JSON.",
            json_schema_extra=PRESERVE_UNKNOWN | {"maxProperties": MAX_PARAMS},
        ),
    ] = None
    model: Annotated[
        str | None,
        Field(max_length=253, description="Instead of agent.model, where manualRuns.allowOverrides says so."),
    ] = None
    timeout_seconds: Annotated[
        int | None,
        Field(
            ge=1,
            le=MAX_TIMEOUT_SECONDS,
            description="Instead of the schedule's, where manualRuns.allowOverrides says so.",
        ),
    ] = None
    cancel: Annotated[bool | None, Field(description="true stops the run; it ends Cancelled.")] = None


class RunInput(Model):
    """What this run was given, read from its Job."""

    message: str | None = None
    message_from: MessageFrom | None = None
    params: FreeForm | None = None
    model: str | None = None
    session_id: Annotated[str | None, Field(alias="sessionID")] = None
    truncated: Annotated[
        bool | None, Field(description="true if message or params are longer than a record holds; the Job has them.")
    ] = None


class Attempt(Model):
    """One pod of the run. A pod that was evicted or preempted shares its number with the pod that took its place."""

    attempt: Count
    pod: str
    phase: RunPhase
    start_time: Time | None = None
    completion_time: Time | None = None
    exit_code: Count | None = None
    status_code: Count | None = None
    error: str | None = None


class Usage(Model):
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    total_tokens: Count | None = None
    cost_usd: Annotated[str | None, Field(alias="costUSD", description="US dollars, a decimal number as a string.")] = (
        None
    )


class RunError(Model):
    code: str | None = None
    message: str


class Output(Model):
    content: str | None = None
    content_type: str | None = None
    truncated: bool | None = None
    ref: Annotated[str | None, Field(description="Where the agent put its whole output.")] = None


class ScheduleRunStatus(Model):
    """What became of the run; written by the operator only."""

    phase: Annotated[
        RunPhase | None,
        Field(description="Pending, Running, Retrying, Succeeded, Failed, TimedOut, Cancelled or Skipped."),
    ] = None
    reason: Annotated[str | None, Field(description="One word for why.")] = None
    message: Annotated[str | None, Field(description="A sentence for why.")] = None
    attempt: Annotated[Count | None, Field(description="The attempt that ran last, from 1.")] = None
    attempts: Annotated[tuple[Attempt, ...] | None, Field(description="The pods of this run.")] = None
    triggered_at: Annotated[Time | None, Field(description="When the run was asked for.")] = None
    start_time: Annotated[Time | None, Field(description="When the first pod started.")] = None
    completion_time: Annotated[Time | None, Field(description="When the run ended.")] = None
    duration_seconds: Count | None = None
    duration: Annotated[str | None, Field(description="The same for people, such as 4m12s.")] = None
    input: Annotated[RunInput | None, Field(description="What this run was given.")] = None
    exit_code: Annotated[Count | None, Field(description="Exit code of the agent's process.")] = None
    status_code: Annotated[Count | None, Field(description="Status code that the agent reports.")] = None
    agent_run_id: Annotated[str | None, Field(alias="agentRunID", description="The agent's own id of the run.")] = None
    session_id: Annotated[str | None, Field(alias="sessionID", description="The agent's session.")] = None
    model: Annotated[str | None, Field(description="The model that the agent reports.")] = None
    usage: Annotated[Usage | None, Field(description="Tokens and cost that the agent reports.")] = None
    error: Annotated[RunError | None, Field(description="What went wrong, in the agent's words where it has any.")] = (
        None
    )
    output: Annotated[Output | None, Field(description="What the agent said.")] = None
    requirements: Annotated[
        tuple[Any, ...] | None,
        Field(
            description="What the agent asks for before it goes on.",
            json_schema_extra={"items": {"x-kubernetes-preserve-unknown-fields": True}},
        ),
    ] = None
    conditions: Annotated[
        tuple[Condition, ...] | None,
        Field(json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}),
    ] = None
    job: Annotated[str | None, Field(description="The Job of this run.")] = None
    job_uid: Annotated[str | None, Field(alias="jobUID", description="Its uid: a run has one Job, ever.")] = None
    pod: Annotated[str | None, Field(description="The pod of the last attempt.")] = None


class ScheduleRun(Model):
    """One run of an AgentSchedule. Create one to run now: spec.scheduleName is all it needs."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                f"self.spec.trigger == 'Schedule' || self.metadata.name.size() <= {MAX_RUN_NAME}",
                f"the name of a run may have at most {MAX_RUN_NAME} characters",
            ),
            (
                f"self.spec.trigger == 'Schedule' || self.metadata.name.matches('{DNS_LABEL}')",
                "the name of a run may have lower-case letters, digits and - only: write my-run, not my.run",
            ),
            (
                f"self.spec.trigger == 'Schedule' || !self.metadata.name.matches('{DUE_MINUTE_SUFFIX}')",
                "the name of a manual run may not end in - and 8 or 9 digits: such names are due minutes",
            ),
        )
    )

    metadata: ObjectMeta
    spec: ScheduleRunSpec
    status: ScheduleRunStatus | None = None

    @property
    def final(self) -> bool:
        """True once the run has ended: nothing changes it any more."""
        return self.status is not None and self.status.phase is not None and self.status.phase.final
