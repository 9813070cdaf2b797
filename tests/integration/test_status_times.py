"""The times in a schedule's status: next, last, and from when on; worked out here by plain arithmetic."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from agentschedule import names
from tests.integration.steps import at_work, finish, settled
from tests.world import World, next_minute, rfc3339, sleep_until, stays, wait_for

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
KOLKATA = timezone(timedelta(hours=5, minutes=30))  # no clock change since 1945
SHOWN = 5


@pytest.mark.timeout(300)
@pytest.mark.turn(-4)
def test_next_run_times_move_when_they_pass_though_nothing_happens_on_the_cluster(world: World) -> None:
    world.cluster.stop_controller_manager()
    try:
        at_work(world, "report", "*/1 * * * *", startingDeadlineSeconds=600)
        at_work(world, "hourly", "0 * * * *")
        first = datetime.fromisoformat(world.status("report")["nextRunTime"])
        assert first == next_minute(first - MINUTE)
        assert abs(first - datetime.now(UTC)) <= MINUTE
        for passed in range(2):
            coming = first + passed * MINUTE
            assert _next(world, "report") == _from(coming, MINUTE)
            sleep_until(coming)
            wait_for(lambda coming=coming: _next(world, "report")[0] != rfc3339(coming), "the next minute", 10)  # type: ignore[misc]
        assert _next(world, "report") == _from(first + 2 * MINUTE, MINUTE)
        assert "lastRunTime" not in world.status("report")
    finally:
        world.cluster.start_controller_manager()


def test_next_run_times_are_the_cluster_s_in_the_schedule_s_zone(world: World) -> None:
    at_work(world, "hourly", "0 * * * *")
    at_work(world, "kolkata", "30 8 * * *", timeZone="Asia/Kolkata")
    now = datetime.now(UTC)
    hour = now.replace(minute=0, second=0, microsecond=0) + HOUR
    today = now.astimezone(KOLKATA).replace(hour=8, minute=30, second=0, microsecond=0)
    assert _next(world, "hourly") in (_from(hour, HOUR), _from(hour - HOUR, HOUR))
    assert _next(world, "kolkata") == _from(today if today > now else today + DAY, DAY)
    shown = world.kubectl("get", names.SCHEDULE_PLURAL, "kolkata")
    assert _next(world, "kolkata")[0] in shown


def test_a_suspended_schedule_has_no_next_run_time_and_a_resumed_one_counts_from_then_on(world: World) -> None:
    status = at_work(world, "report", "0 * * * *")
    created = datetime.fromisoformat(status["effectiveFrom"])
    assert created == world.cronjob("report").metadata.creation_timestamp

    world.patch("report", suspend=True)
    status = settled(world, "report")
    assert status["phase"] == "Suspended"
    assert not {"nextRunTime", "nextRunTimes"} & status.keys()

    time.sleep(2)
    resumed = datetime.now(UTC)
    world.patch("report", suspend=False)
    status = settled(world, "report")
    assert status["phase"] == "Active"
    assert len(_next(world, "report")) == SHOWN
    _assert_took_effect(world, resumed)


def test_an_edit_of_the_times_takes_effect_when_it_is_made_and_one_of_the_words_does_not(world: World) -> None:
    created = at_work(world, "report", "0 * * * *")["effectiveFrom"]
    time.sleep(2)
    world.patch("report", message="Other words.", description="Other words.")
    assert settled(world, "report")["effectiveFrom"] == created

    for edit in ({"schedule": "30 * * * *"}, {"timeZone": "Asia/Kolkata"}):
        edited = datetime.now(UTC)
        world.patch("report", **edit)
        settled(world, "report")
        _assert_took_effect(world, edited)
        time.sleep(2)
    # half past in Kolkata is a full hour elsewhere
    assert all(datetime.fromisoformat(due).minute == 0 for due in _next(world, "report"))


@pytest.mark.timeout(300)
@pytest.mark.turn(-5)
def test_a_due_time_held_back_by_a_running_agent_is_started_late_or_skipped_and_counted_once(world: World) -> None:
    """``late`` ends in time for the due time that it held back, ``long`` runs on past its deadline."""
    _leave_the_full_minute()
    at_work(world, "late", "*/1 * * * *", startingDeadlineSeconds=300)
    at_work(world, "long", "*/1 * * * *", startingDeadlineSeconds=20)
    one = max(datetime.fromisoformat(_next(world, name)[0]) for name in ("late", "long"))
    two, three = one + MINUTE, one + 2 * MINUTE
    for name in ("late", "long"):
        wait_for(lambda name=name: _runs_at(world, name, one), f"the run of {name}", 90)  # type: ignore[misc]

    sleep_until(two + timedelta(seconds=10))
    assert not _runs_at(world, "late", two)
    finish(world, _run("late", one))
    wait_for(lambda: _runs_at(world, "late", two), "the late start", 30)
    finish(world, _run("late", two))
    sleep_until(two + timedelta(seconds=30))
    finish(world, _run("long", one))
    for name in ("late", "long"):
        wait_for(lambda name=name: _runs_at(world, name, three), f"the third run of {name}", 60)  # type: ignore[misc]
        finish(world, _run(name, three))

    assert not _runs_at(world, "long", two)
    for name, started, skipped in (("late", 3, 0), ("long", 2, 1)):
        wanted = {"due": 3, "started": started, "skipped": skipped, "missed": 0, "unknown": 0, "succeeded": started}
        wait_for(lambda name=name, wanted=wanted: _has(world, name, wanted), f"{name} counted as {wanted}")  # type: ignore[misc]
        stays(lambda name=name, wanted=wanted: _has(world, name, wanted), f"{name} counted once", 2)  # type: ignore[misc]
        status = world.status(name)
        assert status["lastRunTime"] == status["lastRun"]["scheduledTime"] == rfc3339(three)
        assert status["accountedThrough"] == rfc3339(three)
        assert "lastMissed" not in status


def _leave_the_full_minute() -> None:
    """What follows is not to be torn apart by a due time."""
    coming = next_minute()
    if coming - datetime.now(UTC) < timedelta(seconds=12):
        sleep_until(coming)


def _next(world: World, name: str) -> list[str]:
    status = world.status(name)
    assert status["nextRunTimes"][0] == status["nextRunTime"]
    return list(status["nextRunTimes"])


def _from(first: datetime, step: timedelta) -> list[str]:
    return [rfc3339(first + number * step) for number in range(SHOWN)]


def _assert_took_effect(world: World, made: datetime) -> None:
    """From the moment of the edit on, in whole seconds; the controller's own mark says the same."""
    effective = datetime.fromisoformat(world.status("report")["effectiveFrom"])
    assert timedelta(seconds=-1) < effective - made < timedelta(seconds=15)
    assert world.cronjob("report").status.last_schedule_time == effective


def _run(schedule: str, due: datetime) -> str:
    """The run of a due time is called like its Job."""
    return f"{schedule}-{int(due.timestamp()) // 60}"


def _runs_at(world: World, schedule: str, due: datetime) -> bool:
    return any(job.metadata.name == _run(schedule, due) for job in world.jobs(schedule))


def _has(world: World, name: str, wanted: dict[str, int]) -> bool:
    counts = world.status(name).get("counts") or {}
    return {**counts, **wanted} == counts
