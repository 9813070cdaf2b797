"""What the operator counts of itself, for Prometheus: /metrics.

Counted at the edge; ``plan`` never does. No label holds a name that users choose: there would be no end to them.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.aiohttp import make_aiohttp_handler

logger = logging.getLogger(__name__)
BEAT_SECONDS = 0.25
# A decision of more CPU than this is told in the log, which says whose it was.
LONG_DECISION_SECONDS = 0.1
DECISION_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5)
LAG_BUCKETS = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
WAIT_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """All series, each registered once."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        """By default in a registry of its own, with what the process uses of the machine."""
        self.registry = registry or CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.failed = Counter(
            "agentschedule_reconcile_errors",
            "Reconciles that ended with an error, by its type.",
            ["exception"],
            registry=self.registry,
        )
        self.stalled = self._gauge("stalled", "Schedules that fail with an internal error (condition Stalled).")
        self.leader = self._gauge("leader", "1 while this operator leads and may write, 0 while it stands by.")
        self.depth = self._gauge("queue_depth", "Schedules that wait for their reconcile.")
        self.waited = self._histogram("queue_wait", "How long a schedule waited for its reconcile.", WAIT_BUCKETS)
        self.decided = self._histogram("decision_cpu", "CPU time of one decision.", DECISION_BUCKETS)
        self.longest_decision = self._gauge(
            "longest_decision_cpu_seconds", "CPU time of the longest decision since the start."
        )
        self.lag = self._histogram(
            "event_loop_lag", "How late the event loop did what was due: nothing else happens meanwhile.", LAG_BUCKETS
        )
        self._longest = 0.0

    def _gauge(self, name: str, says: str) -> Gauge:
        return Gauge(f"agentschedule_{name}", says, registry=self.registry)

    def _histogram(self, name: str, says: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"agentschedule_{name}_seconds", says, buckets=buckets, registry=self.registry)

    @contextmanager
    def decision(self, about: str) -> Iterator[None]:
        """Measure a decision; the longest one so far is told, with what it was about, if it is long."""
        start = time.thread_time()
        try:
            yield
        finally:
            spent = time.thread_time() - start
            self.decided.observe(spent)
            if spent > self._longest:
                self._longest = spent
                self.longest_decision.set(spent)
                if spent > LONG_DECISION_SECONDS:
                    logger.warning("%s: the longest decision so far, %.2f s of CPU", about, spent)

    async def watch_loop(self) -> None:
        """Measure how late the event loop is, until cancelled."""
        now = asyncio.get_running_loop().time
        while True:
            due = now() + BEAT_SECONDS
            await asyncio.sleep(BEAT_SECONDS)
            self.lag.observe(max(0.0, now() - due))


async def serve(metrics: Metrics, port: int) -> web.AppRunner:
    """Serve /metrics until the runner is cleaned up."""
    app = web.Application()
    app.add_routes([web.get("/metrics", make_aiohttp_handler(metrics.registry))])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    return runner
