"""kubectl agentschedule cancel: what is written, and what a person reads."""

from __future__ import annotations

import re

import pytest

from tests.unit.cli.world import Ended, Run, World, put_run


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
