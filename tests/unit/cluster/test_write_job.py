"""How a Job is ended: by what the API server shows now, and not by what the watch once showed."""

from __future__ import annotations

from typing import Any

import pytest

from agentschedule.plan.actions import EndJob
from tests.unit.builders import a_job, at
from tests.unit.cluster.work import RUNNING, Server, do, job_body, pod_body

Body = dict[str, Any]


def end(server: Server) -> list[tuple[str, Body]]:
    do(server, EndJob(a_job(), "Cancelled", "The run was cancelled.", at("07:40:00")))
    return server.patches


def test_a_job_is_ended_with_our_words_beside_the_conditions_that_it_has() -> None:
    suspended = {"type": "Suspended", "status": "False"}
    server = Server(job_body(conditions=[suspended], startTime="2026-03-02T07:30:00Z"), pod_body("Failed"))
    ((path, body),) = end(server)
    assert (path, body["metadata"]) == ("status", {"resourceVersion": "500"})
    kept, ours = body["status"]["conditions"]
    assert kept == suspended
    assert (ours["type"], ours["status"], ours["reason"], ours["message"]) == (
        "FailureTarget",
        "True",
        "Cancelled",
        "The run was cancelled.",
    )
    assert "startTime" not in body["status"]


def test_a_held_job_must_say_when_it_began_to_end() -> None:
    ((_, body),) = end(Server(job_body(suspend=True)))
    assert body["status"]["startTime"] == "2026-03-02T07:40:00Z"


@pytest.mark.parametrize(
    "pod",
    [
        pytest.param(pod_body("Running", **RUNNING), id="it runs"),
        pytest.param(
            pod_body("Succeeded", state={"terminated": {"exitCode": 0, "startedAt": "2026-03-02T07:30:02Z"}}),
            id="it has succeeded",
        ),
    ],
)
def test_a_job_is_not_ended_over_an_agent_that_the_watch_did_not_show(pod: Body) -> None:
    assert end(Server(job_body(), pod)) == []


@pytest.mark.parametrize(
    "job",
    [
        pytest.param(None, id="gone"),
        pytest.param(job_body(conditions=[{"type": "Complete", "status": "True"}]), id="complete"),
    ],
)
def test_what_is_over_is_not_ended(job: Body | None) -> None:
    assert end(Server(job)) == []
