"""What one reconcile writes and tells, with the real plan and store; the API server is a dict of objects here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from agentschedule import names
from agentschedule.api.base import rfc3339
from agentschedule.cluster.client import Page, Reply, Resource
from agentschedule.cluster.store import Key, Store
from agentschedule.errors import Refused
from agentschedule.handlers import reconcile as module
from agentschedule.handlers.failures import RunFailed
from agentschedule.handlers.reconcile import Reconciler
from agentschedule.names import Reason
from agentschedule.plan.actions import Plan
from agentschedule.plan.controller import UNKNOWN, Controller
from agentschedule.plan.objects import build
from agentschedule.plan.spec.timing import timing
from tests.unit.builders import CRONJOB_UID, NAME, NAMESPACE, SCHEDULE_UID, a_schedule, at

Body = dict[str, Any]
KEY = Key(NAMESPACE, NAME)
NOW = at("07:30:00")


@dataclass
class Server:
    """The schedule and its CronJob; the spec of a CronJob is refused where ``refuses``. ``calls`` are in order."""

    objects: dict[str, Body]
    refuses: bool = False
    calls: list[str] = field(default_factory=list)

    async def list(self, resource: Resource, _namespace: str, fields: str) -> AsyncIterator[Page]:
        self.calls.append(f"list {resource.plural} {fields}")
        yield Page([], 1)

    async def replace(self, resource: Resource, body: Body, dry_run: bool = False) -> Reply:
        if self.refuses:
            raise Refused("spec.jobTemplate: no")
        live = self.objects[resource.plural]
        made = live | body | {"metadata": live["metadata"] | body["metadata"]}
        if dry_run:
            return Reply(made, NOW)
        self.calls.append(f"replace {resource.plural}")
        made["metadata"]["generation"] = live["metadata"]["generation"] + 1
        return Reply(self._keep(resource.plural, made), NOW)

    async def patch(
        self, resource: Resource, _namespace: str, _name: str, body: Body, _subresource: str | None = None
    ) -> Body:
        plural = resource.plural
        self.calls.append(f"patch {plural}")
        live = self.objects[plural]
        return self._keep(plural, live | {"status": live.get("status", {}) | body["status"]})

    def _keep(self, plural: str, body: Body) -> Body:
        version = str(int(self.objects[plural]["metadata"]["resourceVersion"]) + 1)
        self.objects[plural] = body | {"metadata": body["metadata"] | {"resourceVersion": version}}
        return self.objects[plural]


@dataclass
class Events:
    """The reasons of what was recorded."""

    reasons: list[str] = field(default_factory=list)

    async def record(self, _kind: str, _about: Any, events: Any, _now: datetime) -> None:
        self.reasons += [event.reason for event in events]


def cronjob_body(last_schedule_time: datetime) -> Body:
    """The CronJob of the schedule as it was before its edit: hourly."""
    schedule = a_schedule()
    body = build.cronjob(schedule, timing(schedule.spec, seed=""), suspend=False)
    body["metadata"] |= {
        "uid": CRONJOB_UID,
        "resourceVersion": "100",
        "generation": 1,
        "creationTimestamp": "2026-03-01T00:00:00Z",
    }
    body["metadata"]["annotations"] |= {names.ANNOTATION_SPEC_GENERATION: "1"}
    return body | {"status": {"lastScheduleTime": rfc3339(last_schedule_time)}}


def edited_schedule() -> Body:
    meta = {"name": NAME, "namespace": NAMESPACE, "uid": SCHEDULE_UID, "generation": 2, "resourceVersion": "100"}
    return {
        "metadata": meta | {"creationTimestamp": "2026-03-01T00:00:00Z"},
        "spec": {"schedule": "0 9 * * *", "agent": {"image": "agent.test/none:1"}},
        "status": {"observedGeneration": 1},
    }


def reconcile(server: Server) -> list[str]:
    """The reasons of the events of one reconcile, in order."""
    store, events = Store(), Events()
    store.schedules.put(server.objects["agentschedules"])
    store.cronjobs.put(server.objects["cronjobs"])
    reconciler = Reconciler(server, store, events, lambda _key, _moment: None, lambda: NOW)  # type: ignore[arg-type]
    asyncio.run(reconciler(KEY))
    return events.reasons


def test_an_edit_is_told_though_a_missed_due_time_was_asked_about_before_it() -> None:
    server = Server({"agentschedules": edited_schedule(), "cronjobs": cronjob_body(at("06:00:00"))})

    reasons = reconcile(server)

    assert server.calls[0] == f"list events involvedObject.uid={CRONJOB_UID},reason={names.FAILED_CREATE}"
    assert "replace cronjobs" in server.calls
    assert reasons == [Reason.RUN_MISSED, Reason.CRONJOB_UPDATED]


def test_an_edit_that_the_api_refuses_is_not_told_as_made() -> None:
    server = Server({"agentschedules": edited_schedule(), "cronjobs": cronjob_body(at("07:00:00"))}, refuses=True)

    reasons = reconcile(server)

    assert "replace cronjobs" not in server.calls
    assert Reason.CRONJOB_REFUSED in reasons
    assert Reason.CRONJOB_UPDATED not in reasons


class Broken:
    """A plan with a bug, over what ``is_met`` says; all else is planned."""

    def __init__(self, plan: Any, is_met: Callable[[Any], bool]) -> None:
        self.plan, self.is_met = plan, is_met

    def __call__(self, subject: Any, *args: Any) -> Any:
        if self.is_met(subject):
            raise ZeroDivisionError
        return self.plan(subject, *args)


def run_body(name: str) -> Body:
    meta = {"name": name, "namespace": NAMESPACE, "uid": f"u-{name}", "resourceVersion": "5"}
    return {"metadata": meta | {"creationTimestamp": "2026-03-01T00:00:00Z"}, "spec": {"scheduleName": NAME}}


def stalled_schedule() -> Body:
    body = edited_schedule()
    failure = {"type": "Stalled", "status": "True", "reason": "InternalError", "message": "It is our fault."}
    body["status"]["conditions"] = [failure | {"lastTransitionTime": "2026-03-01T00:00:00Z"}]
    return body


def said_of_stalled(server: Server) -> tuple[str, str]:
    conditions = server.objects["agentschedules"]["status"]["conditions"]
    return next((said["status"], said["reason"]) for said in conditions if said["type"] == "Stalled")


def reconcile_with_runs(server: Server, *runs: str) -> list[Key]:
    """What is looked at again later."""
    store, asked = Store(), list[Key]()
    store.schedules.put(server.objects["agentschedules"])
    store.cronjobs.put(server.objects["cronjobs"])
    for name in runs:
        store.runs.put(run_body(name))
    reconciler = Reconciler(server, store, Events(), lambda key, _moment: asked.append(key), lambda: NOW)  # type: ignore[arg-type]
    try:
        asyncio.run(reconciler(KEY))
    finally:
        assert asked == [KEY]
    return asked


def test_a_bug_met_over_one_run_leaves_the_others_and_the_schedule_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def plan(run: Any, *_: Any) -> Any:
        seen.append(run.metadata.name)
        return Plan()

    monkeypatch.setattr(module, "plan_run", Broken(plan, lambda run: run.metadata.name == "bad"))
    monkeypatch.setattr(module, "needs_fresh_look", lambda *_: False)
    server = Server({"agentschedules": stalled_schedule(), "cronjobs": cronjob_body(at("07:00:00"))})

    with pytest.raises(RunFailed, match="ScheduleRun bad") as failed:
        reconcile_with_runs(server, "first", "bad", "last")

    assert seen == ["first", "last"]
    assert isinstance(failed.value.cause, ZeroDivisionError)
    assert "replace cronjobs" in server.calls
    assert said_of_stalled(server) == ("True", "InternalError")


def test_an_internal_error_that_is_over_is_no_longer_told() -> None:
    server = Server({"agentschedules": stalled_schedule(), "cronjobs": cronjob_body(at("07:00:00"))})
    reconcile_with_runs(server)
    assert said_of_stalled(server) == ("False", "AsExpected")


def test_a_bug_that_stays_writes_nothing_a_second_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else each write would bring the schedule back at once."""
    monkeypatch.setattr(module, "plan_run", Broken(None, lambda _: True))
    monkeypatch.setattr(module, "needs_fresh_look", lambda *_: False)
    server = Server({"agentschedules": stalled_schedule(), "cronjobs": cronjob_body(at("07:00:00"))})
    for _ in range(2):
        server.calls.clear()
        with pytest.raises(RunFailed):
            reconcile_with_runs(server, "bad")
    assert not [call for call in server.calls if not call.startswith("list")]


@dataclass
class Planned:
    """Which of them were planned, in order, and when the schedule is looked at again; planning a run does ``meanwhile``
    what is said for it, and planning the schedule asks for another look at ``until``."""

    meanwhile: dict[str, Callable[[Store], object]] = field(default_factory=dict)
    until: datetime | None = None
    now: datetime = NOW
    order: list[str] = field(default_factory=list)
    again: datetime | None = None
    store: Store = field(default_factory=Store)

    def reconcile(self, monkeypatch: pytest.MonkeyPatch, *between: Callable[[Store], object]) -> Planned:
        """Once, and once more after each thing that happens in between."""
        self.store.schedules.put(edited_schedule())
        for name in ("one", "two"):
            self.store.runs.put(run_body(name))

        def plan_schedule(*_: Any) -> Any:
            self.order.append("schedule")
            return Plan(requeue_at=self.until)

        def plan_run(run: Any, *_: Any) -> Any:
            self.order.append(run.metadata.name)
            self.meanwhile.get(run.metadata.name, lambda _: None)(self.store)
            return Plan()

        monkeypatch.setattr(module, "plan_schedule", plan_schedule)
        monkeypatch.setattr(module, "plan_run", plan_run)
        monkeypatch.setattr(module, "needs_fresh_look", lambda *_: False)
        ask: Any = lambda _key, moment: setattr(self, "again", moment)  # noqa: E731
        server: Any = Server({})
        reconciler = Reconciler(server, self.store, Events(), ask, lambda: self.now)  # type: ignore[arg-type]
        asyncio.run(reconciler(KEY))
        for happens in between:
            happens(self.store)
            self.order.append("then")
            asyncio.run(reconciler(KEY))
        return self


def newer(name: str) -> Body:
    body = run_body(name)
    body["metadata"]["resourceVersion"] = "6"
    body["spec"]["cancel"] = True
    return body


def test_a_schedule_is_planned_again_after_its_runs_only_if_something_has_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert Planned().reconcile(monkeypatch).order == ["schedule", "one", "two"]
    changes = Planned({"one": lambda store: store.runs.put(newer("one"))})
    assert changes.reconcile(monkeypatch).order == ["schedule", "one", "two", "schedule"]


def test_a_schedule_is_not_planned_for_what_only_its_runs_are_planned_by(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing: Callable[[Store], object] = lambda _: None  # noqa: E731
    assert Planned(until=at("08:00:00")).reconcile(monkeypatch, nothing).order[3:] == ["then", "one", "two"]
    edit = edited_schedule()
    edit["metadata"] |= {"resourceVersion": "200", "generation": 3}
    for change in (
        lambda store: store.schedules.put(edit),
        lambda store: store.runs.put(newer("one")),
        lambda store: store.runs.drop(run_body("one")["metadata"]["uid"]),
    ):
        assert Planned().reconcile(monkeypatch, change).order[3:5] == ["then", "schedule"]


def test_a_schedule_is_planned_when_it_is_due_though_nothing_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    planned = Planned(until=at("08:00:00"))
    assert planned.reconcile(monkeypatch, lambda _: setattr(planned, "now", at("08:00:00"))).order[3:5] == [
        "then",
        "schedule",
    ]
    assert planned.again == at("08:00:00")


def test_what_a_look_of_our_own_has_shown_is_planned_on_for_the_runs_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The watch will bring it, and it will be no news then."""

    def look(store: Store) -> None:
        store.jobs.looked_at.add(KEY)

    assert Planned().reconcile(monkeypatch).again is None
    assert Planned({"one": look}).reconcile(monkeypatch).again is None
    assert Planned({"two": look}).reconcile(monkeypatch).again == NOW


def test_runs_do_not_wait_until_the_schedule_has_said_what_it_did(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server({"agentschedules": edited_schedule(), "cronjobs": cronjob_body(at("07:00:00"))})
    for body in server.objects.values():  # so that nothing was due, and there is nothing to ask about
        body["metadata"]["creationTimestamp"] = rfc3339(at("07:00:00"))

    def plan_run(*_: Any) -> Any:
        server.calls.append("run")
        return Plan()

    monkeypatch.setattr(module, "plan_run", plan_run)
    monkeypatch.setattr(module, "needs_fresh_look", lambda *_: False)
    reconcile_with_runs(server, "one")
    assert [call for call in server.calls if call in ("replace cronjobs", "run", "patch agentschedules")] == [
        "replace cronjobs",
        "run",
        "patch agentschedules",
    ]


def test_each_decision_knows_what_is_known_of_the_controller(monkeypatch: pytest.MonkeyPatch) -> None:
    alive, seen, store = Controller(renews=True), list[Controller](), Store()
    store.schedules.put(edited_schedule())

    def plan_schedule(_schedule: Any, observed: Any, *_: Any) -> Any:
        seen.append(observed.controller)
        return Plan()

    monkeypatch.setattr(module, "plan_schedule", plan_schedule)
    server: Any = Server({})
    for known in ({}, {"controller": {KEY.namespace: alive}.get}):
        work: Any = Reconciler(server, store, Events(), lambda *_: None, lambda: NOW, **known)  # type: ignore[arg-type]
        asyncio.run(work(KEY))
    assert seen == [UNKNOWN, alive]
