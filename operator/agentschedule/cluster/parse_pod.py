"""How a pod's containers stand, as the API says it: part of ``parse``."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypedDict

from agentschedule import names
from agentschedule.cluster import fields
from agentschedule.plan.observed import NEVER_RAN

Body = dict[str, Any]


class AgentState(TypedDict):
    """The fields of a ``Pod`` that its agent's container decides."""

    started_at: datetime | None
    ended_at: datetime | None
    exit_code: int | None
    termination_message: str | None
    container_reason: str
    waiting_reason: str
    waiting_message: str


def agent_state(status: Body) -> AgentState:
    """How the agent's container stands, or why it does not run yet."""
    agent = next((c for c in fields.parts(status, "containerStatuses") if _is_agent(c)), {})
    state = fields.part(agent, "state")
    end, running = fields.part(state, "terminated"), fields.part(state, "running")
    reason, message = _waiting(status, fields.part(state, "waiting"))
    started = fields.moment(end, "startedAt") or fields.moment(running, "startedAt")
    return AgentState(
        # Of a container that could not be started, the kubelet says 1970.
        started_at=None if fields.text(end, "reason") in NEVER_RAN else started,
        ended_at=fields.moment(end, "finishedAt"),
        exit_code=fields.count(end, "exitCode", None),
        termination_message=fields.text_or(end, "message", None),
        container_reason=fields.text(end, "reason"),
        waiting_reason=reason,
        waiting_message=message,
    )


def _is_agent(container: Body) -> bool:
    return fields.text(container, "name") == names.AGENT_CONTAINER


def _conditions(status: Body) -> list[Body]:
    return fields.parts(status, "conditions")


def true_conditions(status: Body) -> dict[str, Body]:
    return {fields.text(c, "type"): c for c in _conditions(status) if fields.text(c, "status") == "True"}


def other_failure(status: Body) -> str:
    """How another container than the agent's failed: after that of an init container the agent's never runs."""
    statuses = [*fields.parts(status, "initContainerStatuses"), *fields.parts(status, "containerStatuses")]
    for container in statuses:
        end = fields.part(fields.part(container, "state"), "terminated")
        code = fields.count(end, "exitCode", 0)
        if code and not _is_agent(container):
            words = first_line(fields.text(end, "message").strip())
            how = f"container {fields.text(container, 'name')} exited with code {code}"
            return f"{how}: {words}" if words else how
    return ""


# While these last, there is nothing to tell: the kubelet is at work.
QUIET_WAITS = frozenset({"ContainerCreating", "PodInitializing"})


def _waiting(status: Body, waiting: Body) -> tuple[str, str]:
    """Why a pod does not run yet, if there is something to mend."""
    reason = fields.text(waiting, "reason")
    if reason and reason not in QUIET_WAITS:
        # The kubelet alternates between the two; one of them is shown, so that the status stays put.
        reason = "ImagePullBackOff" if reason == "ErrImagePull" else reason
        return reason, first_line(fields.text(waiting, "message"))
    unscheduled = next((c for c in _conditions(status) if _is_unscheduled(c)), {})
    return fields.text(unscheduled, "reason"), first_line(fields.text(unscheduled, "message"))


def _is_unscheduled(condition: Body) -> bool:
    return (condition.get("type"), condition.get("status")) == ("PodScheduled", "False")


def first_line(text: str) -> str:
    return text.partition("\n")[0][:512]
