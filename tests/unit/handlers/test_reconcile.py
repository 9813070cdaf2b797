"""What one reconcile writes and tells, with the real plan and store; the API server is a dict of objects here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agentschedule import names
from agentschedule.handlers import reconcile as module
from agentschedule.handlers.failures import RunFailed
from agentschedule.names import Reason
from agentschedule.plan.actions import Plan
from tests.unit.builders import CRONJOB_UID, at
from tests.unit.handlers.reconciling import (
    Body,
    Server,
    cronjob_body,
    edited_schedule,
    reconcile,
    reconcile_with_runs,
)


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


def stalled_schedule() -> Body:
    body = edited_schedule()
    failure = {"type": "Stalled", "status": "True", "reason": "InternalError", "message": "It is our fault."}
    body["status"]["conditions"] = [failure | {"lastTransitionTime": "2026-03-01T00:00:00Z"}]
    return body


def said_of_stalled(server: Server) -> tuple[str, str]:
    conditions = server.objects["agentschedules"]["status"]["conditions"]
    return next((said["status"], said["reason"]) for said in conditions if said["type"] == "Stalled")


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
