"""What an author should know though the schedule is valid: what the clock will do to it, a zone that may not be what it
seems, a deadline that a busy cluster cannot keep.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from agentschedule.api.schedule import AgentScheduleSpec
from agentschedule.names import Reason
from agentschedule.plan.cron import zone_warning
from agentschedule.plan.spec.clock_changes import clock_changes
from agentschedule.plan.spec.timing import Timing

# The controller makes about ten Jobs a second: with many due at once, a minute is soon over.
BUSY_SECONDS = 60


@dataclass(frozen=True)
class Warning:  # noqa: A001 (the field's word for it)
    reason: Reason
    message: str


def warnings(spec: AgentScheduleSpec, timing: Timing, now: datetime) -> list[Warning]:
    """Sentences, the most surprising first."""
    found = []
    if spec.schedule is not None:
        found += [Warning(Reason.CLOCK_CHANGE, text) for text in clock_changes(timing.cron, _day(now))]
        if text := zone_warning(spec.time_zone):
            found.append(Warning(Reason.ZONE, f"{text}."))
    if timing.deadline_seconds < BUSY_SECONDS:
        text = (
            f"startingDeadlineSeconds is {timing.deadline_seconds}: when many schedules are due at once, Kubernetes "
            f"takes longer to start them and drops the rest; 60 or more is safer."
        )
        found.append(Warning(Reason.SHORT_DEADLINE, text))
    return found


def _day(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)
