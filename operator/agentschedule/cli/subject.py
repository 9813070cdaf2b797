"""What ``next`` is asked about: an expression, or an AgentSchedule."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from agentschedule.plan.cron import Cron


@dataclass(frozen=True)
class Subject:
    """Due times to be shown, and what to say with them."""

    cron: Cron
    time_zone: str  # that the rows are shown in
    fields: bool = True  # five fields or a macro, which changes of the clock matter to
    seed: datetime | None = None  # where the controller's chain of due times starts; None: where we start
    end: datetime | None = None  # nothing is due after it
    idle: bool = False  # nothing is due at all
    note: str = ""  # what to know beside the times
    facts: dict[str, object] = field(default_factory=dict)  # more for programs
