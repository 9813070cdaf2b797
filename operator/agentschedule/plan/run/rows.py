"""What a row of the table of a run's life says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from agentschedule.names import RunPhase
from agentschedule.plan.run.context import RunContext
from agentschedule.plan.run.decision import Decision
from agentschedule.plan.run.state import RunState

C = TypeVar("C", bound=RunContext)


@dataclass(frozen=True)
class Row(Generic[C]):
    """A state; when a run is in it; the phase that its record gets (None: it stays as it is); and what is done, also in
    words, for the docs."""

    state: RunState
    when: Callable[[C], bool]
    to: RunPhase | None
    decide: Callable[[C], Decision]
    then: str = ""


@dataclass(frozen=True)
class Section(Generic[C]):
    """Rows that are judged in the same context; ``narrow`` gives it, or None where the section is not about the run."""

    title: str
    narrow: Callable[[RunContext], C | None]
    rows: tuple[Row[C], ...]
