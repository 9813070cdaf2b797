"""How an agent at work is stopped."""

from __future__ import annotations

from agentschedule import names
from agentschedule.plan.actions import StopPod
from tests.unit.builders import a_pod, at
from tests.unit.cluster.work import RUNNING, Server, do, pod_body


def test_an_agent_is_stopped_after_it_is_sure_that_none_follows() -> None:
    server = Server(pod=pod_body("Running", **RUNNING))
    do(server, StopPod(a_pod(), "Cancelled", "The run was cancelled.", at("07:40:00")))
    (first, marked), (second, limited) = server.patches
    assert (first, second) == ("status", "report-now-0")
    assert [c["type"] for c in marked["status"]["conditions"]] == ["Ready", names.NO_RETRY]
    assert limited == {"spec": {"activeDeadlineSeconds": 1}}


def test_an_agent_that_has_ended_meanwhile_is_left_alone() -> None:
    server = Server(pod=pod_body("Succeeded"))
    do(server, StopPod(a_pod(), "Cancelled", "The run was cancelled.", at("07:40:00")))
    assert server.patches == []
