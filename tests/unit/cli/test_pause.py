"""kubectl agentschedule pause: what is written, and what a person reads."""

from __future__ import annotations

import pytest

from tests.unit.cli.world import Ended, Run, World, put_schedule, schedule


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
    assert world.schedules["analytics/daily"]["spec"] == schedule(schedule="0 8 * * *", suspend=True)["spec"]


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
