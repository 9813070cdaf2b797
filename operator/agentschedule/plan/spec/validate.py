"""Is this spec one that can run? The part of it that only the operator can judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agentschedule.api.policies import MAX_TEXT
from agentschedule.api.schedule import AgentSchedule
from agentschedule.names import AGENT_CONTAINER, Condition, Env, HttpEnv, Reason
from agentschedule.plan.cron import ScheduleError
from agentschedule.plan.observed import Unreadable
from agentschedule.plan.spec.depth import AGENT_TOO_DEEP, MAX_AGENT_DEPTH, MAX_PARAMS_DEPTH, PARAMS_TOO_DEEP, is_deeper
from agentschedule.plan.spec.env import compact_json
from agentschedule.plan.spec.timing import Timing, timing


@dataclass(frozen=True)
class Validation:
    """Accepted with the schedule to run by, or not, with a sentence that says what to write instead."""

    timing: Timing | None
    reason: Reason = Reason.ACCEPTED
    message: str = "The schedule is valid."

    @property
    def accepted(self) -> bool:
        return self.timing is not None


def validate(schedule: AgentSchedule | Unreadable) -> Validation:
    """Whether a spec can run, by itself: no cluster needed."""
    if isinstance(schedule, Unreadable):
        return Validation(None, Reason.INVALID_SPEC, schedule.problem)
    problem = _agent_problem(schedule) or params_problem(schedule.spec.params)
    if problem:
        return Validation(None, Reason.INVALID_AGENT, problem)
    meta = schedule.metadata
    try:
        return Validation(timing(schedule.spec, seed=f"{meta.namespace}/{meta.name}"))
    except ScheduleError as error:
        return Validation(None, Reason.INVALID_SCHEDULE, str(error))


RESERVED = {variable.value for variable in (*Env, HttpEnv.SPEC, HttpEnv.CA_FILE)}


def with_refusal(validation: Validation, refusal: str | None) -> Validation:
    """The validation, after what the API said against the CronJob."""
    return Validation(None, Reason.CRONJOB_REFUSED, refusal) if validation.accepted and refusal else validation


def validation_in_force(schedule: AgentSchedule | Unreadable) -> Validation:
    """The validation of a spec that the schedule's own reconcile has judged already: with the API's part of it."""
    status, generation = schedule.status, schedule.metadata.generation
    denials = (c for c in (status and status.conditions) or () if c.type == Condition.ACCEPTED and c.status == "False")
    refusal = next((c.message for c in denials if c.observed_generation == generation), None)
    return with_refusal(validate(schedule), refusal)


def _agent_problem(schedule: AgentSchedule) -> str | None:
    if is_deeper(schedule.spec.agent, MAX_AGENT_DEPTH):
        return AGENT_TOO_DEEP
    template = schedule.spec.agent.pod_template
    containers = (template.spec.containers if template and template.spec else None) or ()
    given = [item.name for item in schedule.spec.agent.env or ()]
    given += [item.name for c in containers if c.name == AGENT_CONTAINER for item in c.env or ()]
    taken = sorted({name for name in given if name in RESERVED or name.startswith(HttpEnv.HEADER)})
    return f"agent.env may not set {', '.join(taken)}: the operator sets it; choose another name" if taken else None


def params_problem(params: dict[str, Any] | None) -> str | None:
    """What is wrong with params, of a schedule or of a run, and what to do; None if nothing is."""
    if is_deeper(params, MAX_PARAMS_DEPTH):
        return PARAMS_TOO_DEEP
    size = len(compact_json(params or {}))
    if size <= MAX_TEXT:
        return None
    return (
        f"params is {size:,} characters of JSON; at most {MAX_TEXT:,} fit: put large data where the agent can fetch it"
    )
