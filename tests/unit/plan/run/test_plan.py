"""Runs that need no schedule any more, and what is not decided about a run on old knowledge."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from agentschedule.plan.actions import DeleteRun
from agentschedule.plan.observed import Observed
from agentschedule.plan.run.plan import ORPHAN_LIFE, needs_fresh_look, plan_run
from tests.unit.builders import a_cronjob, a_job, a_run, a_schedule, at, listed, observed
from tests.unit.plan.run.worlds import suspended_job

NOW = at("08:00:10")


def test_a_run_that_found_no_schedule_goes_after_an_hour_though_one_has_come() -> None:
    skipped = a_run(owner=None, phase="Skipped", completionTime="2026-03-02T08:00:00Z")

    early = plan_run(skipped, a_schedule(), Observed(), NOW)
    late = plan_run(skipped, a_schedule(), Observed(), NOW + ORPHAN_LIFE)

    assert (early.actions, early.requeue_at) == ((), at("08:00:00") + timedelta(hours=1))
    assert [type(action) for action in late.actions] == [DeleteRun]


OTHER = a_job("other")
DONE = a_job("done", succeeded=True, finished_at=at("07:40:00"))
MINE = suspended_job()


@pytest.mark.parametrize(
    ("seen", "looks"),
    [
        pytest.param(observed(), True, id="no CronJob is known: it would be turned down for good"),
        pytest.param(observed(a_cronjob(controller_uid="another")), True, id="nor one of its schedule"),
        pytest.param(observed(a_cronjob()), False, id="nothing is active: its Job is made, suspended"),
        pytest.param(observed(a_cronjob(), DONE), False, id="nothing any more"),
        pytest.param(observed(a_cronjob(), OTHER), True, id="something is active, and it would be turned down"),
        pytest.param(observed(a_cronjob(active=listed(OTHER))), True, id="or is said to be"),
        pytest.param(observed(a_cronjob(), MINE), True, id="its Job is to be listed, and let go"),
        pytest.param(observed(a_cronjob(active=listed(MINE)), MINE), False, id="its Job is listed"),
    ],
)
def test_a_run_that_starts_is_looked_after_before_what_cannot_be_undone(seen: Observed, looks: bool) -> None:
    run = a_run()
    assert needs_fresh_look(run, replace(seen, runs=(run,))) is looks


def test_before_a_job_is_called_deleted_it_is_looked_for() -> None:
    run = a_run(jobUID="job-uid", phase="Running")
    assert needs_fresh_look(run, observed(a_cronjob()))
    assert not needs_fresh_look(run, observed(a_cronjob(), a_job(uid="job-uid")))
    assert not needs_fresh_look(a_run(jobUID="job-uid", phase="Failed"), observed(a_cronjob()))
