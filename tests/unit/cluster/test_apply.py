"""What is asked of the API server, and what is made of its answers; the server is a list of answers here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agentschedule import names
from agentschedule.cluster.apply import Applier
from agentschedule.cluster.client import Page, Reply, Resource
from agentschedule.cluster.store import Key, Store
from agentschedule.errors import AlreadyExists, Conflict, Refused
from agentschedule.plan.actions import ClaimRun, CreateRun, StartDue, UpdateCronJob
from agentschedule.plan.answers import JobRefused, RunRefused
from agentschedule.plan.objects import build
from agentschedule.plan.spec.timing import timing
from tests.unit.builders import NAME, NAMESPACE, a_cronjob, a_run, a_schedule, at

Body = dict[str, Any]
KEY = Key(NAMESPACE, NAME)
DUE = at("08:00:00")


@dataclass
class Server:
    """Says ``live`` to each look, ``date`` for its clock, and refuses what ``refuses`` names."""

    live: Body
    date: datetime = field(default_factory=lambda: datetime.now(UTC))
    refuses: str = ""
    events: list[Body] = field(default_factory=list)
    writes: list[tuple[str, Body]] = field(default_factory=list)

    async def get(self, _resource: Resource, _namespace: str, _name: str) -> Body:
        return self.live

    async def create(self, resource: Resource, body: Body) -> Reply:
        self._write(f"create {resource.plural}", body)
        meta = {"uid": "new", "resourceVersion": "200", "creationTimestamp": "2026-03-02T08:00:01Z"}
        return Reply(body | {"metadata": body["metadata"] | meta}, self.date)

    async def replace(self, _resource: Resource, body: Body, dry_run: bool = False) -> Reply:
        if not dry_run:
            self._write("replace", body)
        return Reply(self.live | body | {"metadata": self.live["metadata"] | body["metadata"]}, self.date)

    async def list(self, _resource: Resource, _namespace: str, fields: str) -> AsyncIterator[Page]:
        assert fields in ("involvedObject.uid=cronjob-uid,reason=FailedCreate", "involvedObject.uid=pod,type=Warning")
        yield Page(self.events, 1)

    async def patch(self, _resource: Resource, _namespace: str, _name: str, body: Body, subresource: str = "") -> Body:
        self._write(f"patch {subresource}", body)
        return self.live

    def _write(self, what: str, body: Body) -> None:
        if self.refuses and self.refuses in what:
            raise Refused("exceeded quota: small")
        self.writes.append((what, body))


def stored_cronjob(resource_version: str = "100") -> Body:
    schedule = a_schedule()
    body = build.cronjob(schedule, timing(schedule.spec, seed=""), suspend=False)
    server_side = {"uid": "cronjob-uid", "resourceVersion": resource_version, "generation": 1}
    body["metadata"] |= server_side | {"creationTimestamp": "2026-03-01T00:00:00Z"}
    return body


def apply(server: Server, action: Any) -> Any:
    return asyncio.run(Applier(server, Store(), KEY).apply(action))  # type: ignore[arg-type]


def update(**changes: Any) -> UpdateCronJob:
    schedule = a_schedule()
    body = build.cronjob(schedule, timing(schedule.spec, seed=""), suspend=True)
    fields: dict[str, Any] = {"current": a_cronjob(), "body": body, "mark": False}
    return UpdateCronJob(**(fields | changes))


def test_a_due_time_is_started_only_from_the_cronjob_that_was_decided_on() -> None:
    server = Server(stored_cronjob(resource_version="101"))
    with pytest.raises(Conflict):
        apply(server, StartDue(a_cronjob(), DUE))
    assert server.writes == []


def test_a_job_that_the_api_refuses_is_an_answer_and_not_a_retry() -> None:
    answer = apply(Server(stored_cronjob(), refuses="create jobs"), StartDue(a_cronjob(), DUE))
    assert (type(answer), answer.message) == (JobRefused, "exceeded quota: small")


def test_a_record_that_the_api_refuses_is_an_answer_and_not_a_retry() -> None:
    answer = apply(Server({}, refuses="scheduleruns"), CreateRun(build.requested_run(a_schedule(), "token")))
    assert isinstance(answer, RunRefused)


def test_a_write_that_a_slow_dry_run_brought_near_a_due_time_is_not_made() -> None:
    server = Server(stored_cronjob(), date=DUE)
    with pytest.raises(Conflict):
        apply(server, update(mark=True, before=DUE - timedelta(seconds=1)))
    assert server.writes == []


def test_the_mark_comes_first_and_lies_at_the_servers_now() -> None:
    server = Server(stored_cronjob(), date=DUE)
    apply(server, update(mark=True))
    assert [what for what, _ in server.writes][:2] == ["patch status", "replace"]
    assert server.writes[0][1]["status"] == {"lastScheduleTime": "2026-03-02T08:00:00Z"}
    assert server.writes[1][1]["metadata"]["annotations"][names.ANNOTATION_EFFECTIVE_FROM] == "2026-03-02T08:00:00Z"


def test_a_mark_that_lay_ahead_makes_way() -> None:
    server = Server(stored_cronjob(), date=DUE)
    apply(server, update(mark=True, current=a_cronjob(last_schedule_time=DUE + timedelta(days=30))))
    assert server.writes[0][1]["status"] == {"lastScheduleTime": "2026-03-02T08:00:00Z"}


def test_finalizers_of_others_stay_on_the_cronjob() -> None:
    server = Server(stored_cronjob(), date=DUE)
    apply(server, update(current=a_cronjob(finalizers=("example.test/hold",))))
    assert server.writes[0][1]["metadata"]["finalizers"] == ["example.test/hold"]


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
