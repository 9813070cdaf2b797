"""Names that another schedule's objects have: an answer, and they stay theirs."""

from __future__ import annotations

import asyncio
from typing import Any

from agentschedule import child_names, names
from agentschedule.cluster.apply import Applier
from agentschedule.cluster.client import Reply, Resource
from agentschedule.cluster.store import Key, Store
from agentschedule.errors import AlreadyExists
from agentschedule.plan.actions import CreateRun, StartDue
from agentschedule.plan.answers import JobRefused, RunNameTaken
from agentschedule.plan.objects import build
from agentschedule.plan.observed import Observed
from agentschedule.plan.schedule.records import missing_records
from agentschedule.plan.spec.validate import validate
from tests.unit.builders import NAME, NAMESPACE, a_cronjob, a_due_job, a_schedule, at

KEY = Key(NAMESPACE, NAME)
DUE = a_due_job(at("07:00:00"))


class Taken:
    """An API server where each name belongs to another schedule's object."""

    def __init__(self, body: dict[str, Any]) -> None:
        meta = {"namespace": NAMESPACE, "uid": "theirs", "resourceVersion": "100"}
        meta |= {"creationTimestamp": "2026-03-02T07:00:00Z", "labels": {names.LABEL_SCHEDULE: "other"}}
        self.body = body | {"metadata": body["metadata"] | meta}

    async def get(self, _resource: Resource, _namespace: str, _name: str) -> dict[str, Any]:
        return self.body

    async def look(self, resource: Resource, namespace: str, name: str) -> Reply:
        return Reply(await self.get(resource, namespace, name), at("07:00:01"))

    async def create(self, _resource: Resource, _body: dict[str, Any]) -> Reply:
        raise AlreadyExists("it exists")


def test_a_name_that_a_run_of_another_schedule_has_is_an_answer_and_stays_theirs() -> None:
    """Else it would be asked for again and again."""
    body = build.record(a_schedule(), DUE, frozenset())
    server, store = Taken(body | {"spec": {"scheduleName": "other"}}), Store()
    store.runs.put(server.body)

    answer = asyncio.run(Applier(server, store, KEY).apply(CreateRun(body)))  # type: ignore[arg-type]

    assert answer == RunNameTaken(DUE.name, "it exists")
    assert [run.metadata.uid for run in store.runs.of(Key(NAMESPACE, "other"))] == ["theirs"]
    (again,) = missing_records(a_schedule(), Observed(a_cronjob(), (DUE,), answers=(answer,)))
    assert again.body["metadata"]["name"] == child_names.unique_run_name(NAME, DUE.uid)


def test_a_due_time_whose_name_a_job_of_another_schedule_has_is_an_answer() -> None:
    live = build.cronjob(a_schedule(), validate(a_schedule()).timing, suspend=False)  # type: ignore[arg-type]
    body = build.due_job({**live, "metadata": live["metadata"] | {"uid": "cronjob-uid"}}, at("07:00:00"))
    server, store = Taken(body), Store()
    store.jobs.put(server.body)
    server.body = {**live, "metadata": live["metadata"] | server.body["metadata"] | {"name": DUE.name}}
    cronjob = a_cronjob(resource_version="100")

    answer = asyncio.run(Applier(server, store, KEY).apply(StartDue(cronjob, at("07:00:00"))))  # type: ignore[arg-type]

    assert answer is not None
    assert (type(answer), "another schedule's" in answer.message) == (JobRefused, True)
