"""Rules of a schedule that have fields of their own: manual runs, history, messages, sessions, retries. Parts of
``schedule``.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from agentschedule.api.base import KeyRef, Model, rules
from agentschedule.names import (
    ANNOTATION_TRIGGER,
    ANNOTATION_TRIGGER_MESSAGE,
    ANNOTATION_TRIGGER_PARAMS,
    Override,
    SessionMode,
    WhenInactive,
)

# Message and params travel as environment variables; together they stay well below the kernel's 128 KiB for one.
MAX_TEXT = 32_000
# The API sees no more of free-form JSON than how many fields it has; how long it is, the operator judges.
MAX_PARAMS = 1_000
MAX_TIMEOUT_SECONDS = 86_400


class ManualRuns(Model):
    """How runs by annotation or by a ScheduleRun are treated."""

    when_inactive: Annotated[
        WhenInactive,
        Field(description="While the schedule is suspended: Reject (default) or Allow manual runs."),
    ] = WhenInactive.REJECT
    allow_overrides: Annotated[
        tuple[Override, ...] | None,
        Field(
            max_length=len(Override),
            description="What a manual run may say otherwise: of message, params, model, timeoutSeconds. "
            "Default: nothing, since who may start a run may not rewrite it. The annotations "
            f"{ANNOTATION_TRIGGER_MESSAGE} and {ANNOTATION_TRIGGER_PARAMS} (JSON) go with every value of "
            f"{ANNOTATION_TRIGGER} for as long as they are there: remove them for the schedule's own.",
        ),
    ] = None


class MessageFrom(Model):
    """Where the message comes from. The operator never reads it: it is mounted into the agent's pod."""

    config_map_key_ref: Annotated[KeyRef, Field(description="A key of a ConfigMap in the schedule's namespace.")]


class Session(Model):
    """Which session the agent's runs belong to."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "has(self.id) == (self.mode == 'Fixed')",
                "session takes mode Fixed with an id, and New or Continue without one",
            )
        )
    )

    mode: Annotated[
        SessionMode,
        Field(
            description="New (default): each run has a session of its own. Fixed: all runs have the session id. "
            "Continue: a run gets the session that the last run reported before it was made; a run that is due in the "
            "seconds in which another ends gets the one before.",
        ),
    ]
    id: Annotated[str | None, Field(min_length=1, max_length=253, description="The session of mode Fixed.")] = None


class Retry(Model):
    """What happens after an attempt that failed."""

    limit: Annotated[
        int,
        Field(ge=0, le=10, description="How many times a run is tried again after its first attempt. Default: 0."),
    ] = 0
    delay_seconds: Annotated[
        int,
        Field(
            ge=10,
            le=3600,
            description="Seconds between the end of the first attempt and the second; it doubles with each attempt, "
            "to an hour at most. Default: 10.",
        ),
    ] = 10


class History(Model):
    """How many finished runs are kept, with their Jobs, pods and logs."""

    succeeded: Annotated[int, Field(ge=0, le=100, description="Succeeded runs to keep. Default: 10.")] = 10
    failed: Annotated[int, Field(ge=0, le=100, description="Runs with any other end to keep. Default: 10.")] = 10
