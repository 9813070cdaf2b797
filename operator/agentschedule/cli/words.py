"""Words of the operator's, as commands repeat them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentschedule.names import Condition

if TYPE_CHECKING:
    from agentschedule.api.run import ScheduleRun
    from agentschedule.api.schedule import AgentScheduleStatus


def because(reason: str | None) -> str:
    """A reason in brackets, where there is one."""
    return f" ({reason})" if reason else ""


def obstacle(status: AgentScheduleStatus) -> str | None:
    """What the operator says stands in a schedule's way, without its full stop: above all, what is wrong with it."""
    denials = {c.type: c.message.rstrip(".") for c in status.conditions or () if c.status == "False"}
    return denials.get(Condition.ACCEPTED) or denials.get(Condition.READY)


def how_it_stands(run: ScheduleRun) -> str:
    """Its phase, with what the operator says of it: ``Pending (Unschedulable: no node has enough memory)``."""
    status = run.status
    if status is None:
        return "not seen by the operator yet"
    reason, message = status.reason or "", status.message or ""
    why = message if not reason or reason in message else f"{reason}: {message}".removesuffix(": ")
    return f"{status.phase or 'in a phase that is not known here'}{because(why.rstrip('.'))}"
