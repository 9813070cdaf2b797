"""kubectl agentschedule resume: what is written, and what a person reads."""

from __future__ import annotations

from tests.unit.cli.world import Ended, Run, World, condition, put_schedule, schedule


def test_resume_says_when_the_next_run_is_due(run: Run, world: World) -> None:
    put_schedule(world, suspend=True, suspendReason="holidays")
    world.answer = {"phase": "Active", "nextRunTime": "2026-12-26T08:00:00Z"}
    sentence = (
        "daily is resumed. Its next run is due at 2026-12-26T08:00:00Z. What came due meanwhile is not made up for.\n"
    )
    assert run("resume", "daily") == Ended(0, sentence, "")
    assert world.schedules["analytics/daily"]["spec"] == schedule(schedule="0 8 * * *", suspend=False)["spec"]


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
    refused = condition("Accepted", "timeZone: there is no Mars/Olympus.")
    world.answer = {"phase": "Invalid", "conditions": [condition("Ready", "x"), refused]}
    ended = run("resume", "daily")
    sentence = "error: daily is resumed, but it is not in force: timeZone: there is no Mars/Olympus\n"
    assert ended == Ended(1, "", sentence)
