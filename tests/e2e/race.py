"""Runs by hand thrown at the full minute, under Forbid: what test_forbid.py judges."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from agentschedule import names
from tests.e2e.agents import MINUTE, is_final, next_minute, now, seen, shell, sleep_until
from tests.world import FULL, Body, World, agent_schedule, wait_for

SCHEDULES = [f"forbid-{number:02}" for number in range(20 if FULL else 10)]
MINUTES = 3 if FULL else 2
AROUND = timedelta(seconds=1.5)
ANSWERED = timedelta(seconds=35)  # after the full minute


@dataclass(frozen=True)
class Aftermath:
    """What is left when all is over: the answer to each trigger, and the pods of each schedule."""

    world: World
    answers: dict[tuple[str, str], Body]
    pods: dict[str, list[Any]]


def race(world: World) -> Aftermath:
    """Many schedules, some full minutes, and a trigger for each within 1.5 s of each."""
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
