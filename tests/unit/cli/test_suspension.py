"""What pause and resume have in common: they wait for the operator."""

from __future__ import annotations

import pytest

from tests.unit.cli.world import Run, World, put_schedule


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
