"""What the operator counts of itself, and that it is served."""

from __future__ import annotations

import asyncio
import time
import urllib.request

import pytest

from agentschedule.cluster.store import Key
from agentschedule.handlers import metrics
from agentschedule.handlers.failures import Failures
from agentschedule.handlers.metrics import Metrics
from agentschedule.handlers.queue import Queue
from tools.cluster.operator_process import free_port


def burn(seconds: float) -> None:
    start = time.thread_time()
    while time.thread_time() - start < seconds:
        pass


def test_a_decision_is_measured_by_its_cpu_and_a_long_one_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    series = Metrics()
    for about, seconds in (("team/quick", 0.001), ("team/slow", 0.12), ("team/slow", 0.11)):
        with series.decision(about):
            burn(seconds)
    with pytest.raises(ZeroDivisionError), series.decision("team/broken"):
        raise ZeroDivisionError

    read = series.registry.get_sample_value
    assert read("agentschedule_decision_cpu_seconds_count") == 4
    assert read("agentschedule_decision_cpu_seconds_bucket", {"le": "0.1"}) == 2
    assert 0.12 <= (read("agentschedule_longest_decision_cpu_seconds") or 0) < 0.5
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("team/slow: the longest decision so far, 0.1")


def test_time_spent_waiting_is_no_decision() -> None:
    series = Metrics()
    with series.decision("team/waits"):
        time.sleep(0.05)
    assert (series.registry.get_sample_value("agentschedule_longest_decision_cpu_seconds") or 0) < 0.02


def test_an_event_loop_that_stood_still_is_seen() -> None:
    series = Metrics()

    async def run() -> None:
        task = asyncio.create_task(series.watch_loop())
        await asyncio.sleep(0.01)
        time.sleep(0.6)
        await asyncio.sleep(0.01)
        task.cancel()

    asyncio.run(run())
    read = series.registry.get_sample_value
    assert read("agentschedule_event_loop_lag_seconds_count") == 1
    assert 0.2 < (read("agentschedule_event_loop_lag_seconds_sum") or 0) < 2


def test_all_is_served_with_conventional_names_and_no_name_that_users_choose() -> None:
    series, failures = Metrics(), Failures()
    failures = Failures(metrics=series)

    async def work(key: Key) -> None:
        raise ValueError(key)

    async def run() -> str:
        queue = Queue(work, failures)
        for number in range(3):
            queue.add(Key("tenant-of-mine", str(number)))
        task = asyncio.create_task(queue.run(3))
        await asyncio.sleep(0.05)
        port = free_port()
        server = await metrics.serve(series, port)
        answer = await asyncio.to_thread(urllib.request.urlopen, f"http://127.0.0.1:{port}/metrics", timeout=5)
        await server.cleanup()
        task.cancel()
        return str(answer.read().decode())

    text = asyncio.run(run())
    assert 'agentschedule_reconcile_errors_total{exception="ValueError"} 3.0' in text
    assert "agentschedule_stalled 3.0" in text
    assert "agentschedule_queue_depth 0.0" in text
    assert "agentschedule_queue_wait_seconds_count 3.0" in text
    assert "process_resident_memory_bytes" in text
    assert "tenant-of-mine" not in text
