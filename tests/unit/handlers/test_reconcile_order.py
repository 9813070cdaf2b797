"""What one reconcile plans, and in which order: the schedule, its runs, and the schedule again where it must be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from agentschedule.api.base import rfc3339
from agentschedule.cluster.store import Store
from agentschedule.handlers import reconcile as module
from agentschedule.handlers.reconcile import Reconciler
from agentschedule.plan.actions import Plan
from agentschedule.plan.controller import UNKNOWN, Controller
from tests.unit.builders import at
from tests.unit.handlers.reconciling import (
    KEY,
    NOW,
    Body,
    Events,
    Server,
    cronjob_body,
    edited_schedule,
    reconcile_with_runs,
    run_body,
)


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
