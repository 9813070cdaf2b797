"""Runs by hand thrown at the full minute: under Forbid no two pods of one schedule may ever live at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from agentschedule import names
from tests.e2e.agents import MINUTE, is_final, next_minute, now, seen, shell, sleep_until
from tests.fixtures import node_group
from tests.world import Body, World, agent_schedule, wait_for

pytestmark = node_group("node")

SCHEDULES = [f"forbid-{number:02}" for number in range(20)]
MINUTES = 3
AROUND = timedelta(seconds=1.5)
ANSWERED = timedelta(seconds=35)  # after the full minute
ANSWERS = {("Accepted", "Accepted"), ("Rejected", "AlreadyRunning")}
WITHDRAWN = ("Skipped", "AlreadyRunning")


@dataclass(frozen=True)
class Aftermath:
    """What is left when all is over: the answer to each trigger, and the pods of each schedule."""

    world: World
    answers: dict[tuple[str, str], Body]
    pods: dict[str, list[Any]]


@pytest.fixture(scope="module")
def aftermath(shared: World) -> Aftermath:
    """Twenty schedules, three full minutes, and a trigger for each within 1.5 s of each."""
    world = shared
    agent = shell("sleep 20")
    world.apply(*(agent_schedule(name, "*/1 * * * *", agent, concurrencyPolicy="Forbid") for name in SCHEDULES))
    seen(world, *SCHEDULES)
    first = next_minute(preparation=10)
    answers: dict[tuple[str, str], Body] = {}
    for number in range(MINUTES):
        minute = first + number * MINUTE
        token = f"minute-{number}"
        _trigger_around(world, minute, token)
        sleep_until(minute + ANSWERED)
        answers |= {(name, token): world.status(name).get("lastTrigger", {}) for name in SCHEDULES}
    for name in SCHEDULES:
        world.patch(name, suspend=True)
    wait_for(lambda: _all_over(world), "the end of all runs", 240)
    return Aftermath(world, answers, {name: world.pods(name) for name in SCHEDULES})


def test_no_two_pods_of_a_schedule_ever_overlap(aftermath: Aftermath) -> None:
    overlaps = [pair for pods in aftermath.pods.values() for pair in _overlaps(pods)]
    print(f"{sum(map(len, aftermath.pods.values()))} pods, {len(overlaps)} overlaps")
    assert not overlaps


def test_the_controller_meets_no_job_that_it_does_not_expect(aftermath: Aftermath) -> None:
    events = aftermath.world.api.core.list_namespaced_event(aftermath.world.namespace).items
    assert not [event.message for event in events if event.reason == "UnexpectedJob"]


def test_each_trigger_had_an_answer(aftermath: Aftermath) -> None:
    for (name, token), given in aftermath.answers.items():
        assert given.get("token") == token, f"{name}: no answer to {token}"
        assert (given["outcome"], given["reason"]) in ANSWERS
    accepted = [given["run"] for given in aftermath.answers.values() if given["outcome"] == "Accepted"]
    print(f"{len(accepted)} of {len(aftermath.answers)} triggers accepted")
    assert 0 < len(accepted) < len(aftermath.answers)  # the race was one


def test_an_accepted_run_ran_once_or_says_why_not(aftermath: Aftermath) -> None:
    accepted = [given["run"] for given in aftermath.answers.values() if given["outcome"] == "Accepted"]
    runs = {run["metadata"]["name"]: run["status"] for run in aftermath.world.runs()}
    pods = [pod.metadata.labels[names.LABEL_JOB_NAME] for found in aftermath.pods.values() for pod in found]
    withdrawn = [name for name in accepted if (runs[name]["phase"], runs[name].get("reason")) == WITHDRAWN]
    print(f"{len(withdrawn)} withdrawn for a scheduled run that came first")
    for name in accepted:
        ran = runs[name]["phase"] == "Succeeded"
        assert ran or name in withdrawn
        assert pods.count(name) == (1 if ran else 0)


def test_no_due_time_was_lost(aftermath: Aftermath) -> None:
    for name in SCHEDULES:
        counts = aftermath.world.status(name)["counts"]
        assert counts["missed"] == counts["unknown"] == counts["failed"] == 0, f"{name}: {counts}"
        scheduled = [pod for pod in aftermath.pods[name] if _is_scheduled(name, pod)]
        assert counts["started"] == len(scheduled), name
        assert counts["started"] + counts["skipped"] >= MINUTES, f"{name}: {counts}"
        assert counts["succeeded"] == len(aftermath.pods[name])


def _trigger_around(world: World, minute: datetime, token: str) -> None:
    """One schedule after the other, from 1.5 s before to 1.5 s after; none waits for the answer to another."""
    body = {"metadata": {"annotations": {names.ANNOTATION_TRIGGER: token}}}

    def one(number: int, name: str) -> timedelta:
        sleep_until(minute - AROUND + 2 * AROUND * number / (len(SCHEDULES) - 1))
        sent = now()
        world.api.custom.patch_namespaced_custom_object(
            names.GROUP, names.VERSION, world.namespace, names.SCHEDULE_PLURAL, name, body
        )
        return sent - minute

    with ThreadPoolExecutor(len(SCHEDULES)) as pool:
        sent = list(pool.map(one, range(len(SCHEDULES)), SCHEDULES))
    print(f"{token}: sent from {min(sent).total_seconds():+.2f} s to {max(sent).total_seconds():+.2f} s")


def _all_over(world: World) -> bool:
    """Suspended everywhere, every Job finished, and every run final."""
    ready = all(world.status(name)["phase"] == "Suspended" for name in SCHEDULES)
    jobs = world.jobs()
    return ready and all(job.status.succeeded or job.status.failed for job in jobs) and all(map(is_final, world.runs()))


def _overlaps(pods: list[Any]) -> Iterator[tuple[str, str]]:
    """Pods that started before an earlier one had ended, by the kubelet's times."""
    lives = sorted((_life(pod), pod.metadata.name) for pod in pods)
    for ((_, ended), before), ((started, _), after) in pairwise(lives):
        if started < ended:
            yield before, after


def _life(pod: Any) -> tuple[datetime, datetime]:
    ran = pod.status.container_statuses[0].state.terminated
    return ran.started_at, ran.finished_at


def _is_scheduled(schedule: str, pod: Any) -> bool:
    job = str(pod.metadata.labels[names.LABEL_JOB_NAME])
    return job.removeprefix(f"{schedule}-").isdecimal()
