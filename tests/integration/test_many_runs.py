"""Hundreds of runs of one schedule: what is kept of them, and what it costs, does not grow with their number."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from tests.integration.steps import at_work, counts, job_names, run_names
from tests.world import FULL, World, schedule_run, wait_for
from tools.cluster.operator_process import OperatorProcess

WARM, ALL = (100, 500) if FULL else (60, 140)  # runs
GOOD, BAD, CANCELLED = "good", "bad", "cancelled"
AT_ONCE = 40
KEPT = 20  # ten that succeeded, ten others: the default
MAX_STATUS = 32 * 1024  # bytes
# What an allocator may hold on to for a while.
MAX_GROWTH_MIB = 12.0


@dataclass(frozen=True)
class Size:
    """What there is after so many runs."""

    runs: int
    seconds: float
    memory: float  # MiB
    status: int  # bytes of the AgentSchedule's
    largest_record: int  # bytes of a ScheduleRun's status
    records: int
    jobs: int
    pods: int

    def __str__(self) -> str:
        return (
            f"after {self.runs} runs, {self.seconds:.0f} s: operator {self.memory:.1f} MiB, "
            f"AgentSchedule status {self.status} B, largest ScheduleRun status {self.largest_record} B, "
            f"left: {self.records} records, {self.jobs} Jobs, {self.pods} pods"
        )


@pytest.mark.timeout(300)
def test_hundreds_of_runs_leave_no_more_than_the_first_of_them_did(world: World, operator: OperatorProcess) -> None:
    at_work(world, "report", concurrencyPolicy="Allow", message="Summarise yesterday's sales.")
    begin = time.monotonic()
    with _kubelet(world):
        sizes = []
        for first, last in ((0, WARM), (WARM, ALL)):
            _run(world, range(first, last))
            sizes.append(_measure(world, operator, last, time.monotonic() - begin))
            print(sizes[-1])
    warm, all_ = sizes
    assert all_.records == warm.records == KEPT
    assert all(size.jobs == size.pods <= size.records for size in sizes)
    assert all_.status <= warm.status + 64, "numbers have more digits, and nothing else is more"
    assert max(all_.status, all_.largest_record) < MAX_STATUS
    assert all_.memory < warm.memory + MAX_GROWTH_MIB
    now, good, bad = counts(world, "report"), _ends(ALL, GOOD), _ends(ALL, BAD)
    assert (now["manual"], now["succeeded"], now["failed"]) == (good + bad, good, bad)
    assert len(world.status("report")["countedRuns"]) == KEPT
    with_a_job = [run["metadata"]["name"] for run in world.runs() if "jobUID" in run["status"]]
    assert (
        with_a_job == job_names(world) == [pod.metadata.labels["batch.kubernetes.io/job-name"] for pod in world.pods()]
    )
    assert not world.cronjob("report").status.active
    assert not world.api.core.list_namespaced_config_map(
        world.namespace, label_selector="agentschedule.dev/schedule"
    ).items


def _fate(number: int) -> str:
    """How a run ends: some fail, and some are cancelled before they have a Job."""
    return CANCELLED if number % 3 == 2 else BAD if number % 5 == 0 else GOOD


def _ends(until: int, *fates: str) -> int:
    return sum(_fate(number) in fates for number in range(until))


def _make(world: World, number: int) -> None:
    body = schedule_run(f"a-run-by-hand-of-the-report-{number:04}", "report")
    body["spec"] |= {"cancel": True} if _fate(number) == CANCELLED else {}
    world.create(body)


def _run(world: World, numbers: range) -> None:
    """Make the runs, a few at a time, and wait until all are counted."""

    def finished() -> int:
        now = counts(world, "report")
        return int(now["succeeded"] + now["failed"])

    with ThreadPoolExecutor(4) as threads:
        for first in range(numbers.start, numbers.stop, AT_ONCE // 2):
            wait_for(lambda first=first: _ends(first, GOOD, BAD) - finished() <= AT_ONCE // 2, "room for more runs", 60)  # type: ignore[misc]
            batch = range(first, min(first + AT_ONCE // 2, numbers.stop))
            list(threads.map(lambda number: _make(world, number), batch))
    wait_for(lambda: finished() == _ends(numbers.stop, GOOD, BAD), f"{numbers.stop} runs counted", 60)


@contextmanager
def _kubelet(world: World) -> Iterator[None]:
    """Ends the pods that it finds, each fifth badly, with a result of some length."""
    stop = threading.Event()
    seen: set[str] = set()

    def end(job: str) -> None:
        result = {"model": "claude", "cost_usd": "0.045", "usage": {"total_tokens": 15}, "output": "Sales rose. " * 300}
        world.play_kubelet(job, int(_fate(int(job[-4:])) == BAD), json.dumps(result))

    def work() -> None:
        with ThreadPoolExecutor(6) as threads:
            while not stop.wait(0.1):
                pods = [pod.metadata.labels["batch.kubernetes.io/job-name"] for pod in world.pods("report")]
                new = [job for job in pods if job not in seen]
                seen.update(new)
                list(threads.map(end, new))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _measure(world: World, operator: OperatorProcess, runs: int, seconds: float) -> Size:
    """Once the history is pruned."""
    wait_for(
        lambda: len(run_names(world)) == KEPT and len(job_names(world)) == len(world.pods()) <= KEPT, "pruning", 30
    )
    time.sleep(5)
    records = [len(json.dumps(run["status"])) for run in world.runs("report")]
    return Size(
        runs,
        seconds,
        operator.memory,
        len(json.dumps(world.status("report"))),
        max(records),
        len(records),
        len(world.jobs()),
        len(world.pods()),
    )
