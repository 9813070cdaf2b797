"""Who may start a run, and with which words one is turned away."""

from __future__ import annotations

from typing import Any

import pytest

from agentschedule.names import ConcurrencyPolicy, Reason
from agentschedule.plan.manual_runs import Rejection, rejection
from agentschedule.plan.observed import Observed
from agentschedule.plan.spec.validate import validate
from tests.unit.builders import a_cronjob, a_job, a_run, a_schedule, listed, observed

WORK = a_job("older")
DONE = a_job("older", succeeded=True)
FORBID = ConcurrencyPolicy.FORBID


def asked(world: Observed, status: dict[str, Any] | None = None, **spec: Any) -> Rejection | None:
    """What a manual run without overrides is told."""
    schedule = a_schedule(status, **spec)
    return rejection(schedule, validate(schedule), world, {})


@pytest.mark.parametrize("policy", list(ConcurrencyPolicy))
@pytest.mark.parametrize(
    ("world", "who"),
    [
        pytest.param(observed(a_cronjob()), None, id="nothing"),
        pytest.param(observed(a_cronjob(), WORK), "Run older", id="a Job at work"),
        pytest.param(observed(a_cronjob(), DONE), None, id="a Job that has finished"),
        pytest.param(observed(a_cronjob(active=listed(WORK))), "A run", id="an entry without a Job"),
        pytest.param(observed(a_cronjob(active=listed(DONE)), DONE), None, id="an entry of a Job that has finished"),
        pytest.param(observed(a_cronjob(), runs=(a_run("first"),)), "Run first", id="a run about to start"),
        pytest.param(observed(a_cronjob(), runs=(a_run("first", owner=None),)), None, id="a run nobody has claimed"),
        pytest.param(observed(a_cronjob(), runs=(a_run("first", phase="Failed"),)), None, id="a run that has ended"),
        pytest.param(observed(a_cronjob(), runs=(a_run("first", spec={"trigger": "Schedule"}),)), None, id="a record"),
    ],
)
def test_a_manual_run_is_rejected_beside_what_is_active_with_forbid_alone(
    world: Observed, who: str | None, policy: ConcurrencyPolicy
) -> None:
    found = asked(world, concurrencyPolicy=policy)
    if policy is not FORBID or who is None:
        assert found is None
    else:
        assert found is not None
        assert found.reason is Reason.ALREADY_RUNNING
        assert found.message.startswith(f"{who} is still running")


@pytest.mark.parametrize(
    ("world", "status", "spec", "reason"),
    [
        pytest.param(observed(), None, {}, Reason.SCHEDULE_NOT_READY, id="no CronJob"),
        pytest.param(
            observed(a_cronjob(controller_uid="other")), None, {}, Reason.SCHEDULE_NOT_READY, id="another's CronJob"
        ),
        pytest.param(
            observed(a_cronjob()), None, {"schedule": "never"}, Reason.SCHEDULE_INVALID, id="no valid schedule"
        ),
        pytest.param(observed(a_cronjob()), None, {"suspend": True}, Reason.SCHEDULE_SUSPENDED, id="suspended"),
        pytest.param(observed(a_cronjob()), {"phase": "Completed"}, {}, Reason.SCHEDULE_COMPLETED, id="completed"),
        pytest.param(
            observed(a_cronjob()),
            {"phase": "Completed"},
            {"suspend": True, "manualRuns": {"whenInactive": "Allow"}},
            None,
            id="inactive, and allowed all the same",
        ),
    ],
)
def test_the_state_of_the_schedule_decides_before_what_is_active(
    world: Observed, status: dict[str, Any] | None, spec: dict[str, Any], reason: Reason | None
) -> None:
    found = asked(world, status, **spec)
    assert (found.reason if found else None) is reason
