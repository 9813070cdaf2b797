"""Runs by hand thrown at the full minute: under Forbid no two pods of one schedule may ever live at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from agentschedule import names
from tests.e2e.conftest import UnderWay
from tests.e2e.race import MINUTES, SCHEDULES, Aftermath
from tests.fixtures import node_group

pytestmark = [node_group("node"), pytest.mark.turn(2)]

ANSWERS = {("Accepted", "Accepted"), ("Rejected", "AlreadyRunning")}
WITHDRAWN = ("Skipped", "AlreadyRunning")


@pytest.fixture(scope="module")
def aftermath(under_way: UnderWay) -> Aftermath:
    """When all is over."""
    return under_way.race.result()


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
