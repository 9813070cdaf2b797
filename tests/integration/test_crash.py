"""An operator that dies between any two calls: the next one learns all from the cluster, and does nothing twice.

Here a run's start, edits and the history; test_crash_runs.py has a run's way to its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from agentschedule import names
from tests.integration.mortal import Story, run_of, tell
from tests.integration.steps import job_names, run_names, token_run
from tests.world import World, rfc3339, schedule_run, wait_for

pytestmark = [pytest.mark.xdist_group("crash"), pytest.mark.turn(-5)]

Login = Callable[[], Any]


def begun(world: World, name: str) -> bool:
    """A Job of the schedule is at work."""
    return any(not job.spec.suspend for job in world.jobs(name))


def is_released(world: World, name: str) -> bool:
    return begun(world, name) and bool(world.runs(name)[0].get("status"))


def has_one_run(world: World, name: str, run: str) -> None:
    """One record, one Job, let go, controlled and listed by the CronJob."""
    assert run_names(world, name) == job_names(world, name) == [run]
    job, cronjob = world.jobs(name)[0], world.cronjob(name)
    assert not job.spec.suspend
    controllers = [owner.uid for owner in job.metadata.owner_references if owner.controller]
    assert controllers == [cronjob.metadata.uid]
    assert [ref.uid for ref in cronjob.status.active] == [job.metadata.uid]
    assert world.run(run)["status"]["jobUID"] == job.metadata.uid


def test_a_token_starts_one_run_whenever_the_operator_dies(place: World, logged_in: Login) -> None:
    def check(world: World, name: str) -> None:
        run = token_run(world, name, "one")
        has_one_run(world, name, run)
        status = world.status(name)
        last = status["lastTrigger"]
        assert (last["token"], last["outcome"], last["run"]) == ("one", "Accepted", run)
        assert len(status["handledTriggers"]) == 1
        assert len(world.events(name, "TriggerAccepted")) <= 1

    def done(world: World, name: str) -> bool:
        return is_released(world, name) and "lastTrigger" in world.status(name)

    story = Story(lambda world, name: world.trigger(name, "one"), done, check, writes=9)
    assert 6 <= len(asyncio.run(tell(place, logged_in, story))) <= 9


def make_a_run(world: World, name: str) -> None:
    world.create(schedule_run(run_of(name), name))


def test_a_manual_run_starts_one_job_whenever_the_operator_dies(place: World, logged_in: Login) -> None:
    story = Story(make_a_run, is_released, lambda world, name: has_one_run(world, name, run_of(name)))
    assert 5 <= len(asyncio.run(tell(place, logged_in, story))) <= 7


def test_a_run_is_cancelled_however_far_its_start_had_come(place: World, logged_in: Login) -> None:
    def cancel(world: World, name: str) -> None:
        world.cancel(run_of(name))

    def done(world: World, name: str) -> bool:
        run = world.run(run_of(name)).get("status") or {}
        return run.get("phase") == "Cancelled" and "countedRuns" in world.status(name)

    def check(world: World, name: str) -> None:
        assert run_names(world, name) == [run_of(name)]
        assert world.run(run_of(name))["status"]["reason"] == "Cancelled"
        assert all("Failed" in [c.type for c in job.status.conditions] for job in world.jobs(name))
        counts, had_a_job = world.status(name)["counts"], "jobUID" in world.run(run_of(name))["status"]
        assert (counts["manual"], counts["succeeded"], counts["failed"]) == (int(had_a_job), 0, 0)
        assert len(world.status(name)["countedRuns"]) == 1

    story = Story(make_a_run, done, check, until=is_released, then=cancel)
    asyncio.run(tell(place, logged_in, story))


def test_an_edit_is_whole_and_marked_whenever_the_operator_dies(place: World, logged_in: Login) -> None:
    def edit(world: World, name: str) -> None:
        world.patch(name, schedule="0 0 1 1 *", message="two")

    def done(world: World, name: str) -> bool:
        return bool(world.status(name)["observedGeneration"] == 2)

    def check(world: World, name: str) -> None:
        cronjob = world.cronjob(name)
        assert (cronjob.spec.schedule, cronjob.metadata.generation) == ("0 0 1 1 *", 2)
        annotations = cronjob.metadata.annotations
        assert annotations[names.ANNOTATION_SPEC_GENERATION] == "2"
        mark = rfc3339(cronjob.status.last_schedule_time)
        assert annotations[names.ANNOTATION_EFFECTIVE_FROM] == mark == world.status(name)["effectiveFrom"]
        assert world.status(name)["counts"]["due"] == 0

    assert 3 <= len(asyncio.run(tell(place, logged_in, Story(edit, done, check, writes=4)))) <= 5


def test_history_is_pruned_whole_and_counted_once_whenever_the_operator_dies(place: World, logged_in: Login) -> None:
    def end_all(world: World, name: str) -> None:
        for what in ("good", "better", "bad"):
            world.play_kubelet(run_of(name, what), exit_code=int(what == "bad"))
        wait_for(lambda: all(job.status.conditions for job in world.jobs(name)), "the ends of all Jobs", 30)

    def done(world: World, name: str) -> bool:
        jobs, runs = job_names(world, name), run_names(world, name)
        return len(jobs) == len(runs) == 1 == len(world.status(name).get("countedRuns", ()))

    def check(world: World, name: str) -> None:
        assert job_names(world, name) == run_names(world, name)
        assert world.runs(name)[0]["status"]["phase"] == "Succeeded"
        status = world.status(name)
        assert (status["counts"]["manual"], status["counts"]["succeeded"], status["counts"]["failed"]) == (3, 2, 1)
        assert status["countedRuns"] == [world.jobs(name)[0].metadata.uid]
        assert (status["active"], "activeRuns" in status) == (0, False)

    spec = {"history": {"succeeded": 1, "failed": 0}, "concurrencyPolicy": "Allow"}
    story = Story(end_all, done, check, runs=("good", "better", "bad"), spec=lambda: spec, writes=14)
    assert 9 <= len(asyncio.run(tell(place, logged_in, story))) <= 15
