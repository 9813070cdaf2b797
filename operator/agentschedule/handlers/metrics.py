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
        own = registry or CollectorRegistry()
        self.registry = own
        ProcessCollector(registry=own)
        self.failed = Counter(
            "agentschedule_reconcile_errors",
            "Reconciles that ended with an error, by its type; it is a bug if agentschedule_stalled is above 0.",
            ["exception"],
            registry=own,
        )
        self.stalled = Gauge(
            "agentschedule_stalled", "Schedules that fail with an internal error (condition Stalled).", registry=own
        )
        self.depth = Gauge("agentschedule_queue_depth", "Schedules that wait for their reconcile.", registry=own)
        self.waited = Histogram(
            "agentschedule_queue_wait_seconds",
            "How long a schedule waited for its reconcile to begin.",
            buckets=WAIT_BUCKETS,
            registry=own,
        )
        self.decided = Histogram(
            "agentschedule_decision_cpu_seconds",
            "CPU time of one decision about a schedule or a run.",
            buckets=DECISION_BUCKETS,
            registry=own,
        )
        self.longest_decision = Gauge(
            "agentschedule_longest_decision_cpu_seconds", "CPU time of the longest decision so far.", registry=own
        )
        self.lag = Histogram(
            "agentschedule_event_loop_lag_seconds",
            "How late the event loop did what was due at a moment: nothing else happens meanwhile.",
            buckets=LAG_BUCKETS,
            registry=own,
        )
        self._longest = 0.0

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
