"""How a ScheduleRun is made and claimed, and what is made of the API server's refusals."""

from __future__ import annotations

from agentschedule import names
from agentschedule.cluster.client import Reply, Resource
from agentschedule.errors import AlreadyExists
from agentschedule.plan.actions import ClaimRun, CreateRun
from agentschedule.plan.answers import RunRefused
from agentschedule.plan.objects import build
from tests.unit.builders import NAME, NAMESPACE, a_run, a_schedule
from tests.unit.cluster.server import Body, Server, apply


def test_a_record_that_the_api_refuses_is_an_answer_and_not_a_retry() -> None:
    answer = apply(Server({}, refuses="scheduleruns"), CreateRun(build.requested_run(a_schedule(), "token")))
    assert isinstance(answer, RunRefused)


def test_a_claimed_run_never_brings_the_job_that_it_records() -> None:
    copied = {"name": "copy", "namespace": NAMESPACE, "uid": "z", "resourceVersion": "7"}
    server = Server({"metadata": copied, "spec": {"scheduleName": NAME}})
    apply(server, ClaimRun(a_run("copy"), {}, {}))
    assert server.writes[0][1]["metadata"]["annotations"] == {names.ANNOTATION_JOB_UID: None}


def test_a_run_of_that_name_that_cannot_be_read_is_an_answer_too() -> None:
    """Else it would be asked for again and again."""

    class Taken(Server):
        async def create(self, _resource: Resource, _body: Body) -> Reply:
            raise AlreadyExists("it exists")

    meta = {"name": "x", "namespace": NAMESPACE, "uid": "odd", "resourceVersion": "7"}
    odd = {"metadata": meta, "spec": {"scheduleName": NAME}, "status": {"completionTime": "soon"}}

    answer = apply(Taken(odd), CreateRun(build.requested_run(a_schedule(), "token")))

    assert isinstance(answer, RunRefused)
