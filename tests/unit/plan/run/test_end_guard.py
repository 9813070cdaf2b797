"""When a Job may be failed with our words."""

from __future__ import annotations

import pytest

from agentschedule.plan.observed import Pod
from agentschedule.plan.run.end import may_end
from tests.unit.builders import a_pod, at

STARTED, ENDED = at("07:30:02"), at("07:35:00")
WAITING = a_pod()
RUNNING = a_pod(phase="Running", started_at=STARTED)
FAILED = a_pod(phase="Failed", started_at=STARTED, ended_at=ENDED, exit_code=1)
SUCCEEDED = a_pod(phase="Succeeded", started_at=STARTED, ended_at=ENDED, exit_code=0)


@pytest.mark.parametrize(
    ("pods", "expected"),
    [
        pytest.param((), True, id="no pod"),
        pytest.param((WAITING,), True, id="an agent that has not started"),
        pytest.param((FAILED,), True, id="a failed attempt"),
        pytest.param((FAILED, WAITING), True, id="the next attempt waits"),
        pytest.param((FAILED, RUNNING), False, id="an agent at work"),
        pytest.param((SUCCEEDED,), False, id="a success"),
    ],
)
def test_a_job_is_never_failed_over_an_agent_at_work_or_a_success(pods: tuple[Pod, ...], expected: bool) -> None:
    assert may_end(pods) is expected
