"""kubectl agentschedule cancel, pause and resume: what is written, and what a person reads."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.unit.cli.test_main import Ended, Run
from tests.unit.cli.world import World, kubeconfig, run_fixture, world

__all__ = ["kubeconfig", "run_fixture", "world"]


def put_run(world: World, phase: str | None, **status: Any) -> None:
    body: dict[str, Any] = {"metadata": {"name": "daily-1", "namespace": "analytics"}, "spec": {}}
    world.runs = [body | ({"status": {"phase": phase, **status}} if phase else {})]


def put_schedule(world: World, **spec: Any) -> None:
    world.schedules["analytics/daily"] = {
        "metadata": {"name": "daily", "generation": 4},
        "spec": {"schedule": "0 8 * * *", **spec},
        "status": {"observedGeneration": 4, "phase": "Active", "nextRunTime": "2026-12-25T08:00:00Z"},
    }


# cancel


def test_cancel_waits_for_the_end_and_says_how_long_it_took(run: Run, world: World) -> None:
    put_run(world, "Running")
    world.answer = {"phase": "Cancelled"}
    ended = run("cancel", "daily-1")
    assert (ended.code, ended.err) == (0, "")
    assert re.fullmatch(r"daily-1 is cancelled after [0-9]s\.\n", ended.out)
    assert world.edits == [{"cancel": True}]


@pytest.mark.parametrize("phase", ["Succeeded", "Failed", "TimedOut", "Cancelled", "Skipped"])
def test_a_run_that_had_ended_is_left_alone(run: Run, world: World, phase: str) -> None:
    put_run(world, phase)
    assert run("cancel", "daily-1") == Ended(0, f"daily-1 had already ended: {phase}.\n", "")
    assert world.edits == []


def test_a_run_that_ends_of_itself_meanwhile_is_not_called_cancelled(run: Run, world: World) -> None:
    put_run(world, "Running")
    world.answer = {"phase": "Succeeded"}
    assert run("cancel", "daily-1").out == "daily-1 ended before it could be stopped: Succeeded.\n"


@pytest.mark.parametrize("phase", ["Running", "Retrying"])
def test_a_run_that_does_not_end_is_an_error_that_says_how_it_stands(run: Run, world: World, phase: str) -> None:
    put_run(world, phase)
    ended = run("cancel", "daily-1", "--wait", "0.4")
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (1, "", 1)
    assert f"daily-1 is asked to stop, but has not ended within 0.4 s: it is {phase}. It ends" in ended.err


def test_a_run_that_nobody_has_seen_says_so(run: Run, world: World) -> None:
    put_run(world, None)
    assert "it is not seen by the operator yet." in run("cancel", "daily-1", "--wait", "0.1").err


def test_who_does_not_want_to_wait_need_not(run: Run, world: World) -> None:
    put_run(world, "Running")
    assert run("cancel", "daily-1", "--wait", "0") == Ended(0, "daily-1 is asked to stop.\n", "")
    assert world.edits == [{"cancel": True}]


# pause


def test_pause_says_why_and_what_that_means(run: Run, world: World) -> None:
    put_schedule(world)
    world.answer = {"phase": "Suspended"}
    sentence = "daily is paused (the model is down): nothing is due until it is resumed.\n"
    assert run("pause", "daily", "--reason", "the model is down") == Ended(0, sentence, "")
    assert world.edits == [{"suspend": True, "suspendReason": "the model is down"}]


def test_a_pause_without_a_reason_takes_an_old_one_away(run: Run, world: World) -> None:
    put_schedule(world, suspend=False, suspendReason="last year's")
    world.answer = {"phase": "Suspended"}
    assert run("pause", "daily").out == "daily is paused: nothing is due until it is resumed.\n"
    assert world.schedules["analytics/daily"]["spec"] == {"schedule": "0 8 * * *", "suspend": True}


def test_pause_says_what_goes_on(run: Run, world: World) -> None:
    put_schedule(world)
    world.answer = {"phase": "Suspended", "activeRuns": ["daily-1", "daily-2"]}
    said = "What runs already goes on: daily-1, daily-2. To stop it: kubectl agentschedule cancel daily-1"
    assert run("pause", "daily").out.splitlines()[1] == said


@pytest.mark.parametrize("options", [[], ["--reason", "holidays"]], ids=["no reason", "the same"])
def test_what_is_paused_stays_as_it_is(run: Run, world: World, options: list[str]) -> None:
    put_schedule(world, suspend=True, suspendReason="holidays")
    assert run("pause", "daily", *options) == Ended(0, "daily is already paused (holidays).\n", "")
    assert world.edits == []


def test_another_reason_is_written(run: Run, world: World) -> None:
    put_schedule(world, suspend=True, suspendReason="holidays")
    world.answer = {"phase": "Suspended"}
    assert run("pause", "daily", "--reason", "strike").out.startswith("daily is paused (strike)")
    assert world.edits == [{"suspend": True, "suspendReason": "strike"}]


@pytest.mark.parametrize("reason", ["", " ", "x" * 1025], ids=["empty", "blank", "long"])
def test_a_reason_that_is_none_is_a_wrong_question(run: Run, reason: str) -> None:
    ended = run("pause", "daily", "--reason", reason)
    assert (ended.code, ended.out) == (2, "")
    assert "a reason has 1 to 1024 characters" in ended.err


# resume


def test_resume_says_when_the_next_run_is_due(run: Run, world: World) -> None:
    put_schedule(world, suspend=True, suspendReason="holidays")
    world.answer = {"phase": "Active", "nextRunTime": "2026-12-26T08:00:00Z"}
    sentence = (
        "daily is resumed. Its next run is due at 2026-12-26T08:00:00Z. What came due meanwhile is not made up for.\n"
    )
    assert run("resume", "daily") == Ended(0, sentence, "")
    assert world.schedules["analytics/daily"]["spec"] == {"schedule": "0 8 * * *", "suspend": False}


def test_resume_says_when_nothing_is_due_any_more(run: Run, world: World) -> None:
    put_schedule(world, suspend=True)
    world.answer = {"phase": "Completed", "nextRunTime": None}
    assert run("resume", "daily").out.startswith("daily is resumed. Nothing is due. ")


def test_what_is_not_paused_stays_as_it_is(run: Run, world: World) -> None:
    put_schedule(world)
    sentence = "daily is not paused. Its next run is due at 2026-12-25T08:00:00Z.\n"
    assert run("resume", "daily") == Ended(0, sentence, "")
    assert world.edits == []


def test_a_schedule_that_cannot_run_says_so_when_it_is_resumed(run: Run, world: World) -> None:
    put_schedule(world, suspend=True)
    refused = {"type": "Accepted", "status": "False", "message": "timeZone: there is no Mars/Olympus."}
    world.answer = {"phase": "Invalid", "conditions": [{"type": "Ready", "status": "False", "message": "x"}, refused]}
    ended = run("resume", "daily")
    sentence = "error: daily is resumed, but it is not in force: timeZone: there is no Mars/Olympus\n"
    assert ended == Ended(1, "", sentence)


@pytest.mark.parametrize(
    ("command", "done", "until_then"),
    [("pause", "paused", "its CronJob goes on"), ("resume", "resumed", "nothing is started")],
)
def test_an_operator_that_sleeps_has_changed_nothing_yet(
    run: Run, world: World, command: str, done: str, until_then: str
) -> None:
    put_schedule(world, suspend=command == "resume")
    ended = run(command, "daily", "--wait", "0.4")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"error: daily is to be {done}, but the operator has not taken that up within 0.4 s")
    assert ended.err.endswith(f"Until it has, {until_then}\n")
    assert len(world.edits) == 1
