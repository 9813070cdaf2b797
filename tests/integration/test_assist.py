"""What is due and not started by the CronJob controller, though that is alive, is started for it: once, and in time.

Where the controller-manager does not run, the tests renew its Lease in its place: it has none in these clusters.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kubernetes.client import CoordinationV1Api, V1Lease, V1LeaseSpec, V1ObjectMeta

from agentschedule import child_names, names
from tests.integration.steps import QUIET_SECONDS, at_work, counted, job_names, run_names
from tests.world import FULL, World, agent_schedule, next_minute, rfc3339, sleep_until, stays, wait_for

# Two looks of the operator at the Lease.
KNOWN = timedelta(seconds=11)
# Until a Lease that is renewed no more counts for nothing: its duration, and a look.
FORGOTTEN = timedelta(seconds=21)
MINUTE, IN_TIME = timedelta(minutes=1), timedelta(seconds=3)
MINUTELY = "*/1 * * * *"
HERD = 300 if FULL else 60


class Lease:
    """The controller-manager's, held and renewed by this test."""

    def __init__(self, world: World) -> None:
        self._api = CoordinationV1Api(world.api.client)
        self._at = (names.CONTROLLER_MANAGER, names.SYSTEM_NAMESPACE)
        spec = V1LeaseSpec(holder_identity="test", lease_duration_seconds=15, renew_time=datetime.now(UTC))
        self._body = V1Lease(metadata=V1ObjectMeta(name=self._at[0]), spec=spec)

    def __enter__(self) -> Lease:
        self._api.create_namespaced_lease(self._at[1], self._body)
        return self

    def __exit__(self, *_: object) -> None:
        self._api.delete_namespaced_lease(*self._at)

    @contextmanager
    def renewed(self) -> Iterator[None]:
        """Every two seconds, as its holder does."""
        over = threading.Event()
        thread = threading.Thread(target=self._renew, args=(over,))
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _renew(self, over: threading.Event) -> None:
        while not over.wait(2):
            self._api.patch_namespaced_lease(*self._at, {"spec": {"renewTime": _micro_time()}})


@pytest.mark.timeout(420)
@pytest.mark.turn(-5)
def test_what_is_due_is_started_in_time_while_the_lease_is_renewed_and_never_twice(world: World) -> None:
    """``report`` may run beside itself; ``busy`` may not, and its first run does not end."""
    if next_minute() - datetime.now(UTC) < timedelta(seconds=12):
        sleep_until(next_minute())
    for name, policy in (("report", "Allow"), ("busy", "Forbid")):
        at_work(world, name, MINUTELY, concurrencyPolicy=policy, startingDeadlineSeconds=600)
    one = next_minute()
    two, three = one + MINUTE, one + 2 * MINUTE
    for name in ("report", "busy"):
        wait_for(lambda name=name: job_names(world, name), f"the run of {name} at {one}", 80)  # type: ignore[misc]
        wait_for(lambda name=name: _listed(world, name), f"the run of {name} listed")  # type: ignore[misc]
    with Lease(world) as lease:
        world.cluster.stop_controller_manager()
        try:
            with lease.renewed():
                assert two - datetime.now(UTC) > KNOWN, "this machine is too slow for the test"
                sleep_until(two)
                wait_for(lambda: _job(world, "report", two), "the run for the controller", 10)
                took = _job(world, "report", two)[0].metadata.creation_timestamp - two
                wait_for(lambda: _listed(world, "report") == _names("report", one, two), "both runs listed")
                assert timedelta(seconds=1) <= took <= IN_TIME
                assert world.cronjob("report").status.last_schedule_time == two
                counted(world, "report", due=2, started=2, missed=0)
                assert run_names(world, "report") == _names("report", one, two)
            assert three - datetime.now(UTC) > FORGOTTEN, "this machine is too slow for the test"
            sleep_until(three)
            stays(lambda: job_names(world, "report") == _names("report", one, two), "no run at three", QUIET_SECONDS)
            assert job_names(world, "busy") == _names("busy", one)
        finally:
            world.cluster.start_controller_manager()
    wait_for(lambda: _job(world, "report", three), "the controller's own run", 60)
    counted(world, "report", due=3, started=3, missed=0, skipped=0)
    assert job_names(world, "report") == run_names(world, "report") == _names("report", one, two, three)
    assert _listed(world, "report") == _names("report", one, two, three)
    assert {run["spec"]["scheduledTime"] for run in world.runs("report")} == {rfc3339(due) for due in (one, two, three)}
    assert job_names(world, "busy") == _names("busy", one)
    assert not world.events("report", "UnexpectedJob"), "the controller knows the Job that was made for it"
    assert _makers(world, "report") == {names.CONTROLLER_MANAGER: 2, names.MANAGER: 1}
    print(f"{took.total_seconds():.0f} s after it was due, in whole seconds")


@pytest.mark.timeout(300)
@pytest.mark.turn(-4)
def test_of_many_that_are_due_at_once_each_is_started_once_and_the_controller_does_not_do_it_alone(
    world: World,
) -> None:
    """There is no Lease: the Jobs that the controller makes tell that it is alive."""
    due = next_minute(datetime.now(UTC) + timedelta(seconds=45 + HERD / 10))
    at = f"{due.minute} {due.hour} * * *"
    schedules = [f"one-of-many-{number}" for number in range(HERD)]
    world.create(*(agent_schedule(name, at, startingDeadlineSeconds=600) for name in schedules))
    wait_for(lambda: all(_next(world).get(name) == rfc3339(due) for name in schedules), "all at rest", 60)
    assert due - datetime.now(UTC) > timedelta(seconds=2), "this machine is too slow for the test"

    sleep_until(due)
    wait_for(lambda: len(world.jobs()) >= HERD, "a run of each", 90)
    took = max(job.metadata.creation_timestamp for job in world.jobs()) - due
    wait_for(lambda: len(world.runs()) >= HERD, "a record of each", 60)
    stays(lambda: len(world.jobs()) == HERD, "one run of each", QUIET_SECONDS)

    wanted = sorted(_name(name, due) for name in schedules)
    assert job_names(world) == run_names(world) == wanted
    wait_for(lambda: all(_listed(world, name) == [_name(name, due)] for name in schedules), "each listed", 30)
    made = _makers(world)
    assert made[names.MANAGER] > 0
    assert made[names.CONTROLLER_MANAGER] > 0
    assert made.total() == HERD
    print(f"{HERD} runs within {took.total_seconds():.0f} s: {dict(made)}")


def _micro_time() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _name(schedule: str, due: datetime) -> str:
    return child_names.scheduled_job_name(schedule, due)


def _names(schedule: str, *dues: datetime) -> list[str]:
    return [_name(schedule, due) for due in dues]


def _job(world: World, schedule: str, due: datetime) -> list[Any]:
    return [job for job in world.jobs(schedule) if job.metadata.name == _name(schedule, due)]


def _listed(world: World, schedule: str) -> list[str]:
    """In the CronJob's ``status.active``."""
    return sorted(reference.name for reference in world.cronjob(schedule).status.active or ())


def _next(world: World) -> dict[str, str]:
    """When each schedule is due next, by its status."""
    everything = (names.GROUP, names.VERSION, world.namespace, names.SCHEDULE_PLURAL)
    found = world.api.custom.list_namespaced_custom_object(*everything)["items"]
    return {body["metadata"]["name"]: (body.get("status") or {}).get("nextRunTime", "") for body in found}


def _makers(world: World, schedule: str | None = None) -> Counter[str]:
    """Who created the Jobs: the manager of their first fields."""
    return Counter(job.metadata.managed_fields[0].manager for job in world.jobs(schedule))
