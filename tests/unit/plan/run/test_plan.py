"""Runs that need no schedule any more."""

from __future__ import annotations

from datetime import timedelta

from agentschedule.plan.actions import DeleteRun
from agentschedule.plan.observed import Observed
from agentschedule.plan.run.plan import ORPHAN_LIFE, plan_run
from tests.unit.builders import a_run, a_schedule, at

NOW = at("08:00:10")


def test_a_run_that_found_no_schedule_goes_after_an_hour_though_one_has_come() -> None:
    skipped = a_run(owner=None, phase="Skipped", completionTime="2026-03-02T08:00:00Z")

    early = plan_run(skipped, a_schedule(), Observed(), NOW)
    late = plan_run(skipped, a_schedule(), Observed(), NOW + ORPHAN_LIFE)

    assert (early.actions, early.requeue_at) == ((), at("08:00:00") + timedelta(hours=1))
    assert [type(action) for action in late.actions] == [DeleteRun]
