"""What a manual run says otherwise than its schedule, and whether it may.

Who may start a run may not rewrite it: nothing is taken that ``manualRuns.allowOverrides`` does not list.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from agentschedule import names
from agentschedule.api.policies import MAX_TEXT, ManualRuns
from agentschedule.api.run import ScheduleRun, ScheduleRunSpec
from agentschedule.api.schedule import AgentSchedule
from agentschedule.names import Override
from agentschedule.plan.spec.validate import params_problem

Overrides = Mapping[Override, Any]
ANNOTATIONS = {
    Override.MESSAGE: names.ANNOTATION_TRIGGER_MESSAGE,
    Override.PARAMS: names.ANNOTATION_TRIGGER_PARAMS,
}


def overrides_of(spec: ScheduleRunSpec) -> Overrides:
    """The overrides of a ScheduleRun. An empty message is one."""
    values = {
        Override.MESSAGE: spec.message,
        Override.PARAMS: spec.params,
        Override.MODEL: spec.model,
        Override.TIMEOUT_SECONDS: spec.timeout_seconds,
    }
    return {field: value for field, value in values.items() if value is not None}


def annotated_overrides(annotations: Mapping[str, str]) -> Overrides:
    """The overrides that go with a token. An empty annotation says nothing; params that cannot be read are None."""
    texts = {field: annotations.get(annotation) for field, annotation in ANNOTATIONS.items()}
    return {field: _json(text) if field is Override.PARAMS else text for field, text in texts.items() if text}


def _json(text: str) -> Any:
    """Strictly: what is taken here must go through the API."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def with_overrides(schedule: AgentSchedule, run: ScheduleRun) -> AgentSchedule:
    """The schedule as this run wants it, which it may: see ``forbidden`` and ``invalid``."""
    return _changed(schedule, overrides_of(run.spec))


def _changed(schedule: AgentSchedule, overrides: Overrides) -> AgentSchedule:
    spec = schedule.spec
    changes: dict[str, Any] = {}
    if Override.MESSAGE in overrides:
        changes |= {"message": overrides[Override.MESSAGE], "message_from": None}
    if Override.PARAMS in overrides:
        changes["params"] = overrides[Override.PARAMS]
    if Override.MODEL in overrides:
        changes["agent"] = spec.agent.model_copy(update={"model": overrides[Override.MODEL]})
    if Override.TIMEOUT_SECONDS in overrides:
        changes["timeout_seconds"] = overrides[Override.TIMEOUT_SECONDS]
    return schedule.model_copy(update={"spec": spec.model_copy(update=changes)})


def forbidden(schedule: AgentSchedule, overrides: Overrides) -> str | None:
    """What a run says that the schedule does not allow, and what to write; None if it may say all of it."""
    allowed = (schedule.spec.manual_runs or ManualRuns()).allow_overrides or ()
    extra = [field.value for field in overrides if field not in allowed]
    if not extra:
        return None
    quoted, it = " and ".join(f'"{field}"' for field in extra), "it" if len(extra) == 1 else "them"
    return (
        f"A run of this schedule may not bring its own {' and '.join(extra)}: "
        f"add {quoted} to manualRuns.allowOverrides, or leave {it} out."
    )


def invalid(overrides: Overrides) -> str | None:
    """What is wrong with that which a run says; the limits are those of the schedule's own fields."""
    message = overrides.get(Override.MESSAGE) or ""
    if len(message) > MAX_TEXT:
        return f"message is {len(message):,} characters; at most {MAX_TEXT:,} fit."
    if Override.PARAMS in overrides and not isinstance(overrides[Override.PARAMS], dict):
        example = f"""{names.ANNOTATION_TRIGGER_PARAMS}='{{"region": "emea"}}'"""
        return f"params must be a JSON object: write {example}."
    # Nothing else that a run may say can make its schedule one that cannot run.
    problem = params_problem(overrides.get(Override.PARAMS))
    return f"{problem}." if problem else None
