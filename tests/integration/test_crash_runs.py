"""An operator that dies between any two calls over a run's way to its end: what is counted is what was."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agentschedule import names
from agentschedule.cluster.store import Key
from tests.integration.mortal import Deed, Fate, Life, Lists, MortalClient, Story, run_of, tell
from tests.integration.steps import job_names, phase, run_names
from tests.world import Body, World, agent_schedule, next_minute, rfc3339, schedule_run, wait_for

# One after the other: each tells of many operators at once.
pytestmark = [pytest.mark.xdist_group("crash"), pytest.mark.turn(-5)]

Login = Callable[[], Any]
NOT_RETRYABLE = '{"error":{"code":"quota","message":"no credit left","retryable":false}}'


def fail(world: World, name: str) -> None:
    """The agent fails, with nothing else said."""
    world.play_kubelet(run_of(name), exit_code=1, message="boom")


def has_ended(world: World, name: str, what: str = "now") -> bool:
    """The run has ended, and its schedule has counted that."""
    counted = world.status(name).get("countedRuns", ())
    jobs = [job.metadata.uid for job in world.jobs(name) if job.metadata.name == run_of(name, what)]
    return phase(world, run_of(name, what)) not in ("", "Pending", "Running", "Retrying") and {*jobs} <= {*counted}


def ended(world: World, name: str, as_phase: str, reason: str | None, attempts: list[str]) -> Body:
    """The one run of a schedule has ended so, in so many pods, and is counted once; returns its status."""
    run = run_of(name)
    assert run_names(world, name) == job_names(world, name) == [run]
    status: Body = world.run(run)["status"]
    assert (status["phase"], status.get("reason")) == (as_phase, reason), status
    assert [attempt["phase"] for attempt in status["attempts"]] == attempts
    assert sorted(attempt["pod"] for attempt in status["attempts"]) == [p.metadata.name for p in world.pods(name)]
    is_counted(world, name, manual=1, succeeded=int(as_phase == "Succeeded"), failed=int(as_phase == "Failed"))
    job = world.jobs(name)[0]
    assert status["jobUID"] == job.metadata.uid
    wanted = "Complete" if as_phase == "Succeeded" else "Failed"
    assert wanted in [condition.type for condition in job.status.conditions]
    return status


def is_counted(world: World, name: str, active: int = 0, **expected: int) -> None:
    status = world.status(name)
    counts = status["counts"]
    nothing = dict.fromkeys(("due", "started", "succeeded", "failed", "skipped", "missed", "unknown", "manual"), 0)
    assert counts == nothing | expected
    assert status["active"] == active
    assert status["consecutiveFailures"] == expected.get("failed", 0)


def test_a_run_is_counted_once_whenever_the_operator_dies_at_its_end(place: World, logged_in: Login) -> None:
    def check(world: World, name: str) -> None:
        ended(world, name, "Failed", "AgentFailed", ["Failed"])

    story = Story(fail, has_ended, check, runs=("now",), writes=4)
    assert 2 <= len(asyncio.run(tell(place, logged_in, story))) <= 4


def succeed_next(world: World, name: str) -> None:
    """The second attempt succeeds."""
    if len(world.pods(name)) > 1 and world.open_pods(run_of(name)):
        world.play_kubelet(run_of(name))


def could_hold(fate: Fate, failed_at: datetime) -> bool:
    """True if an operator looked at a failed attempt, and did what it had to, while a Job can be held: after Kubernetes
    has judged the attempt, and well before the 10 s are over after which it makes the next pod. On a machine that is
    slow it may be too late for that: after a death, or where the Job has changed under its first try."""
    since, until = failed_at + timedelta(seconds=2), failed_at + timedelta(seconds=7)
    return any(since <= begun and done <= until for begun, done in fate.reconciles)


def was_held(world: World, name: str) -> bool:
    """A manual run's Job is made suspended, and released: whatever changes its spec after that is a hold."""
    return bool(world.jobs(name)[0].metadata.generation > 2)


def ends_after_a_retry(delay: int, fates: dict[str, Fate]) -> Deed:
    """The second attempt came after the delay; after Kubernetes' own 10 s, where nobody could hold the Job in time."""

    def check(world: World, name: str) -> None:
        status = ended(world, name, "Succeeded", None, ["Failed", "Succeeded"])
        assert [attempt["attempt"] for attempt in status["attempts"]] == [1, 2]
        first, second = sorted(world.pods(name), key=lambda pod: str(pod.metadata.creation_timestamp))
        failed_at = first.status.container_statuses[0].state.terminated.finished_at
        fates[name].in_time = was_held(world, name) or could_hold(fates[name], failed_at)
        least = delay if fates[name].in_time else 10
        assert second.metadata.creation_timestamp >= failed_at + timedelta(seconds=least)

    return check


def retried(retry: Body, delay: int, writes: int) -> Story:
    """A run fails, and its second attempt succeeds."""
    fates: dict[str, Fate] = {}
    check = ends_after_a_retry(delay, fates)
    spec = {"retry": retry}
    return Story(fail, has_ended, check, ("now",), kubelet=succeed_next, spec=lambda: spec, writes=writes, fates=fates)


def test_a_retry_is_one_run_whenever_the_operator_dies(place: World, logged_in: Login) -> None:
    story = retried({"limit": 1}, 10, writes=4)
    assert 3 <= len(asyncio.run(tell(place, logged_in, story))) <= 6


def test_a_retry_after_a_longer_delay_is_one_run_whenever_the_operator_dies(place: World, logged_in: Login) -> None:
    story = retried({"limit": 1, "delaySeconds": 16}, 16, writes=7)
    asyncio.run(tell(place, logged_in, story))
    # None, where the machine was too slow for all of them; what each of them had to wait for was looked at, too.
    for writes in sorted((fate.writes for fate in story.fates.values() if not fate.died and fate.in_time), key=len)[:1]:
        assert sum(write.startswith("PATCH jobs/") for write in writes) == 2, "held once, resumed once"
        assert 5 <= len(writes) <= 9


def test_an_attempt_that_is_not_to_be_repeated_ends_the_run_whenever_the_operator_dies(
    place: World, logged_in: Login
) -> None:
    def give_up(world: World, name: str) -> None:
        world.play_kubelet(run_of(name), exit_code=1, message=NOT_RETRYABLE)

    def check(world: World, name: str) -> None:
        status = ended(world, name, "Failed", "NotRetryable", ["Failed"])
        assert status["error"] == {"code": "quota", "message": "no credit left"}

    story = Story(give_up, has_ended, check, runs=("now",), spec=lambda: {"retry": {"limit": 2}}, writes=5)
    assert 3 <= len(asyncio.run(tell(place, logged_in, story))) <= 5


def begin(world: World, name: str) -> None:
    world.start_pod(run_of(name))


def is_running(world: World, name: str) -> bool:
    return phase(world, run_of(name)) == "Running"


def obey(world: World, name: str) -> None:
    """The kubelet's part in a stop."""
    world.stop_pods(name)


def cancel(world: World, name: str) -> None:
    world.cancel(run_of(name))


def test_a_running_run_is_cancelled_whenever_the_operator_dies(place: World, logged_in: Login) -> None:
    def check(world: World, name: str) -> None:
        status = ended(world, name, "Cancelled", "Cancelled", ["TimedOut"])
        assert status["output"]["content"] == "stopped"
        conditions = [condition.type for condition in world.pods(name)[0].status.conditions]
        assert conditions.count(names.NO_RETRY) == 1

    spec = {"retry": {"limit": 2}}
    story = Story(cancel, has_ended, check, ("now",), begin, is_running, kubelet=obey, spec=lambda: spec, writes=5)
    assert 4 <= len(asyncio.run(tell(place, logged_in, story))) <= 6


def test_a_run_between_two_attempts_is_cancelled_whenever_the_operator_dies(place: World, logged_in: Login) -> None:
    def is_between(world: World, name: str) -> bool:
        return phase(world, run_of(name)) == "Retrying"

    def check(world: World, name: str) -> None:
        ended(world, name, "Cancelled", "Cancelled", ["Failed"])

    spec = {"retry": {"limit": 2, "delaySeconds": 3600}}  # held, and thus suspended
    story = Story(cancel, has_ended, check, ("now",), fail, is_between, spec=lambda: spec, writes=4)
    assert 3 <= len(asyncio.run(tell(place, logged_in, story))) <= 5


def test_a_run_that_waits_for_another_is_cancelled_whenever_the_operator_dies(place: World, logged_in: Login) -> None:
    def both(world: World, name: str) -> None:
        world.start_pod(run_of(name))
        world.create(schedule_run(run_of(name, "second"), name))

    def waits(world: World, name: str) -> bool:
        return phase(world, run_of(name, "second")) == "Pending" and phase(world, run_of(name)) == "Running"

    def cancel_next(world: World, name: str) -> None:
        world.cancel(run_of(name, "second"))

    def done(world: World, name: str) -> bool:
        return len(world.status(name).get("countedRuns", ())) == 1

    def check(world: World, name: str) -> None:
        assert job_names(world, name) == [run_of(name)]
        assert world.run(run_of(name, "second"))["status"]["reason"] == "Cancelled"
        assert phase(world, run_of(name)) == "Running", "within its grace period"
        is_counted(world, name, active=1)

    spec = {"concurrencyPolicy": "Replace"}
    story = Story(cancel_next, done, check, ("now",), both, waits, spec=lambda: spec, writes=6)
    assert 2 <= len(asyncio.run(tell(place, logged_in, story))) <= 6


def test_one_run_takes_the_place_of_another_whenever_the_operator_dies(place: World, logged_in: Login) -> None:
    def replace(world: World, name: str) -> None:
        world.create(schedule_run(run_of(name, "second"), name))

    def done(world: World, name: str) -> bool:
        released = [job.metadata.name for job in world.jobs(name) if not job.spec.suspend]
        return has_ended(world, name) and run_of(name, "second") in released and world.status(name)["active"] == 1

    def check(world: World, name: str) -> None:
        assert job_names(world, name) == run_names(world, name) == [run_of(name), run_of(name, "second")]
        old = world.run(run_of(name))["status"]
        assert (old["phase"], old["reason"]) == ("Cancelled", "Replaced")
        assert [ref.name for ref in world.cronjob(name).status.active] == [run_of(name, "second")]
        first, second = (
            next(j for j in world.jobs(name) if j.metadata.name == run_of(name, w)) for w in ("now", "second")
        )
        gone = next(c for c in first.status.conditions if c.type == "Failed").last_transition_time
        assert second.metadata.creation_timestamp >= gone, "they overlap"
        is_counted(world, name, active=1, manual=1)
        assert world.status(name)["activeRuns"] == [run_of(name, "second")]

    spec = {"concurrencyPolicy": "Replace"}
    story = Story(replace, done, check, ("now",), begin, is_running, kubelet=obey, spec=lambda: spec, writes=16)
    assert 10 <= len(asyncio.run(tell(place, logged_in, story))) <= 16


@pytest.mark.timeout(400)
def test_a_scheduled_run_is_recorded_and_counted_once_whenever_the_operator_dies(
    place: World, logged_in: Login
) -> None:
    def soon() -> Body:
        due = next_minute(next_minute() if next_minute().timestamp() % 60 else None)
        return {"schedule": f"{due.minute} {due.hour} {due.day} {due.month} *"}

    def come_due(world: World, name: str) -> None:
        wait_for(lambda: job_names(world, name), "its Job", 150)

    def succeed(world: World, name: str) -> None:
        if any("status" in run for run in world.runs(name)) and world.open_pods(job_names(world, name)[0]):
            world.play_kubelet(job_names(world, name)[0])

    def done(world: World, name: str) -> bool:
        return bool(world.status(name).get("countedRuns"))

    def check(world: World, name: str) -> None:
        job = world.jobs(name)[0]
        assert run_names(world, name) == job_names(world, name) == [job.metadata.name]
        run, status = world.runs(name)[0], world.status(name)
        due = job.metadata.annotations[names.CRONJOB_TIMESTAMP]
        assert (run["spec"]["trigger"], run["spec"]["scheduledTime"]) == ("Schedule", due)
        assert run["status"]["phase"] == "Succeeded"
        is_counted(world, name, due=1, started=1, succeeded=1)
        assert status["countedRuns"] == [job.metadata.uid]
        assert status["lastRunTime"] == status["lastRun"]["scheduledTime"] == due == rfc3339(due_of(job))

    story = Story(come_due, done, check, kubelet=succeed, spec=soon, writes=6)
    assert 4 <= len(asyncio.run(tell(place, logged_in, story))) <= 7


def due_of(job: Any) -> datetime:
    """The minute in a scheduled Job's name."""
    return datetime.fromtimestamp(int(job.metadata.name.rpartition("-")[2]) * 60, UTC)


def test_what_the_agent_said_is_not_lost_though_the_watch_of_pods_is_silent(place: World, logged_in: Login) -> None:
    """The Job's end is news, its pod's is not: a stream can stay silent for a minute before anybody notices."""

    async def story() -> None:
        async with logged_in() as connection:
            client = MortalClient(connection, Lists(connection, place.namespace))
            life, key = Life(client), Key(place.namespace, "report")
            place.create(agent_schedule("report"))
            await life.reconcile_until(key, lambda: place.condition("report", "Ready").get("status") == "True", "Ready")
            place.create(schedule_run("report-now", "report"))
            await life.reconcile_until(key, lambda: bool(place.open_pods("report-now")), "its pod")
            place.start_pod("report-now")
            await life.reconcile_until(key, lambda: phase(place, "report-now") == "Running", "the run at work")
            life.deaf_to = life.store.pods
            place.play_kubelet("report-now", exit_code=3, message="no such table")
            await life.reconcile_until(key, lambda: has_ended(place, "report"), "its end")

    asyncio.run(story())
    status = ended(place, "report", "Failed", "AgentFailed", ["Failed"])
    assert (status["exitCode"], status["message"]) == (3, "The agent exited with code 3: no such table")
