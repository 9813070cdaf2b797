"""What the names say of themselves."""

from __future__ import annotations

from typing import Any

import pytest

from agentschedule.names import RunPhase

OPEN = {RunPhase.PENDING, RunPhase.RUNNING, RunPhase.RETRYING}
ENDS = {RunPhase.SUCCEEDED, RunPhase.FAILED, RunPhase.TIMED_OUT, RunPhase.CANCELLED, RunPhase.SKIPPED}
FINAL: Any = RunPhase.final


def test_every_phase_of_a_run_is_open_or_an_end() -> None:
    assert {phase for phase in RunPhase if phase.final} == ENDS
    assert set(RunPhase) == OPEN | ENDS


def test_a_phase_that_nobody_called_an_end_is_none() -> None:
    with pytest.raises(AssertionError):
        FINAL.fget("Paused")


def test_only_an_end_is_a_failure() -> None:
    assert {phase for phase in RunPhase if phase.failed} <= ENDS
