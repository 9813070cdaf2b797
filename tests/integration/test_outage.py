"""Parts of the system are away while schedules come due: nothing starts that is too old, and every due time is counted.

What was due is worked out here by minutes alone, never by the operator's own code.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agentschedule import names
from tests.world import World, agent_schedule, next_minute, rfc3339, sleep_until, wait_for
from tools.cluster.operator_process import OperatorProcess

MINUTE = timedelta(minutes=1)
STRICT, PATIENT = "strict", "patient"
DEADLINES = {STRICT: 30, PATIENT: 300}  # seconds
LATE = timedelta(seconds=36)  # after the last due time: more than the strict deadline, well before the next one


@dataclass(frozen=True)
class Outage:
    """Two schedules of every minute; one ran at ``before``, the ``lost`` passed unseen, and ``after`` came."""

    world: World
    before: datetime
    lost: tuple[datetime, datetime, datetime]
    after: datetime


@pytest.mark.timeout(600)
@pytest.mark.turn(-6)
def test_due_times_without_a_controller_are_counted_as_missed_and_none_starts_past_its_deadline(world: World) -> None:
    outage = _begin(world)
    try:
        sleep_until(outage.lost[-1] + LATE)
        seen = _counts(world, STRICT)
        assert seen["missed"] >= 2, "counted while nothing happens on the cluster"
        assert _sums_up(seen)
    finally:
        world.cluster.start_controller_manager()
    _judge(outage)


@pytest.mark.timeout(600)
@pytest.mark.turn(-6)
def test_due_times_without_controller_and_operator_are_counted_as_missed_on_their_return(
    world: World, operator: OperatorProcess
) -> None:
    outage = _begin(world)
    operator.kill()
    try:
        sleep_until(outage.lost[-1] + LATE)
    finally:
        world.cluster.start_controller_manager()
    operator.start()
    _judge(outage)


@pytest.mark.timeout(400)
@pytest.mark.turn(-4)
def test_scheduled_runs_go_on_without_the_operator_and_are_all_recorded_on_its_return(
    world: World, operator: OperatorProcess
) -> None:
    world.apply(agent_schedule("report", "*/1 * * * *"))
    wait_for(lambda: world.status("report").get("nextRunTime"), "a next run time")
    operator.kill()
    first = next_minute()
    dues = [first, first + MINUTE]
    for due, code in zip(dues, (0, 3), strict=True):
        _end_run(world, "report", due, exit_code=code)

    operator.start()

    wait_for(lambda: _counts(world, "report").get("failed") == 1, "the failed run counted")
    counts = _counts(world, "report")
    assert counts == {**counts, "due": 2, "started": 2, "succeeded": 1, "failed": 1, "manual": 0}
    assert _sums_up(counts)
    runs = world.runs("report")
    assert [run["spec"]["scheduledTime"] for run in runs] == [rfc3339(due) for due in dues]
    assert [run["metadata"]["name"] for run in runs] == [_name("report", due) for due in dues]
    assert [run["spec"]["trigger"] for run in runs] == ["Schedule", "Schedule"]
    assert [run["status"]["phase"] for run in runs] == ["Succeeded", "Failed"]
    status = world.status("report")
    assert status["lastRunTime"] == rfc3339(dues[-1])
    assert status["lastRun"]["name"] == _name("report", dues[-1])
    assert "lastMissed" not in status
    assert not world.events("report", names.Reason.RUN_MISSED)


def _begin(world: World) -> Outage:
    """Both schedules have run once when the controllers stop."""
    if next_minute() - datetime.now(UTC) < timedelta(seconds=12):
        sleep_until(next_minute())  # no due time between one and the other
    for name, deadline in DEADLINES.items():
        world.apply(agent_schedule(name, "*/1 * * * *", startingDeadlineSeconds=deadline))
    for name in DEADLINES:
        wait_for(lambda name=name: world.status(name).get("nextRunTime"), f"the CronJob of {name}")  # type: ignore[misc]
    first = max(datetime.fromisoformat(world.status(name)["nextRunTime"]) for name in DEADLINES)
    for name in DEADLINES:
        _end_run(world, name, first)
    for name in DEADLINES:
        wait_for(lambda name=name: _counts(world, name).get("succeeded"), f"the end of the run of {name}")  # type: ignore[misc]
    started = {name: _counts(world, name)["started"] for name in DEADLINES}
    assert started == {STRICT: 1, PATIENT: 1}
    world.cluster.stop_controller_manager()
    lost = next_minute()
    assert lost == first + MINUTE, "this machine is too slow for the test: a minute passed in its preparation"
    return Outage(world, first, (lost, lost + MINUTE, lost + 2 * MINUTE), lost + 3 * MINUTE)


def _judge(outage: Outage) -> None:
    """The controllers are back, after the deadline of the strict schedule and before that of the patient one."""
    world = outage.world
    one, two, three = outage.lost
    _end_run(world, PATIENT, three)
    for name in DEADLINES:
        _end_run(world, name, outage.after)
    for name, ran in ((STRICT, 2), (PATIENT, 3)):
        wait_for(lambda name=name, ran=ran: _counts(world, name)["succeeded"] == ran, f"the runs of {name}")  # type: ignore[misc]

    assert _dues(world, STRICT) == [outage.before, outage.after]
    assert _dues(world, PATIENT) == [outage.before, three, outage.after]
    for name, deadline in DEADLINES.items():
        late = [job.metadata.creation_timestamp - _due(job) for job in world.jobs(name)]
        assert max(late) <= timedelta(seconds=deadline + 1), f"{name} started a run past its deadline"
    _assert_counted(world, STRICT, started=2, missed=len(outage.lost))
    _assert_counted(world, PATIENT, started=3, missed=len((one, two)))
    _assert_last_missed(world, STRICT, three, names.Reason.DEADLINE_EXCEEDED)
    _assert_last_missed(world, PATIENT, two, names.Reason.SUPERSEDED)
    for name in DEADLINES:
        assert world.status(name)["lastRunTime"] == rfc3339(outage.after)
        assert world.events(name, names.Reason.RUN_MISSED), f"no event says that {name} missed a run"


def _assert_counted(world: World, name: str, started: int, missed: int) -> None:
    counts = _counts(world, name)
    wanted = {"due": started + missed, "started": started, "missed": missed, "skipped": 0, "unknown": 0}
    assert counts == {**counts, **wanted}, name
    assert _sums_up(counts)


def _assert_last_missed(world: World, name: str, due: datetime, reason: str) -> None:
    last = world.status(name)["lastMissed"]
    assert (last["scheduledTime"], last["reason"]) == (rfc3339(due), reason)
    assert last["message"]


def _sums_up(counts: dict[str, int]) -> bool:
    return counts["due"] == counts["started"] + counts["skipped"] + counts["missed"] + counts["unknown"]


def _counts(world: World, name: str) -> dict[str, int]:
    return dict(world.status(name).get("counts") or {})


def _end_run(world: World, schedule: str, due: datetime, exit_code: int = 0) -> None:
    """Wait for the Job of a due time, and end its pod."""
    job = _name(schedule, due)
    wait = max(0.0, (due - datetime.now(UTC)).total_seconds()) + 40
    wait_for(lambda: [found for found in world.jobs(schedule) if found.metadata.name == job], f"Job {job}", wait)
    world.play_kubelet(job, exit_code)


def _name(schedule: str, due: datetime) -> str:
    """What the CronJob controller calls the Job of a due time."""
    return f"{schedule}-{int(due.timestamp()) // 60}"


def _due(job: Any) -> datetime:
    return datetime.fromisoformat(job.metadata.annotations[names.CRONJOB_TIMESTAMP])


def _dues(world: World, schedule: str) -> list[datetime]:
    return sorted(_due(job) for job in world.jobs(schedule))
