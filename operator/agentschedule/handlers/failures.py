"""What becomes of a reconcile that failed: who hears of it, and when it is tried again.

What the cluster refuses for now is tried again soon. Any other exception is a bug of ours, met over one schedule: it is
logged once, its owner is told, and the schedule is tried again after minutes, or as soon as something about it changes.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from agentschedule.api.base import ObjectMeta
from agentschedule.cluster.store import Key
from agentschedule.errors import Bug, Bugs, ClusterError, Conflict, NamespaceTerminating, NotLeading
from agentschedule.handlers.metrics import Metrics

logger = logging.getLogger(__name__)
FIRST_BACKOFF_SECONDS = 0.2
MAX_BACKOFF_SECONDS = 60.0
FIRST_BUG_BACKOFF_SECONDS = 5.0
MAX_BUG_BACKOFF_SECONDS = 300.0
# Tells the owner of a key: which bug, and over which of its runs, if it was one of them.
Tell = Callable[[Key, Bug, ObjectMeta | None], Awaitable[None]]


async def nobody(_key: Key, _bug: Bug, _run: ObjectMeta | None) -> None:
    """Tell nobody but the log."""


class RunFailed(Exception):
    """A bug was met over one run; the other runs of its schedule, and the schedule itself, were seen to."""

    def __init__(self, run: ObjectMeta, cause: Exception) -> None:
        super().__init__(f"ScheduleRun {run.name}")
        self.run = run
        self.cause = cause


@dataclass
class Failures:
    """Keys whose last reconcile failed."""

    tell: Tell = nobody
    metrics: Metrics = field(default_factory=Metrics)
    _times: dict[Key, int] = field(default_factory=dict)
    _bugs: Bugs = field(default_factory=Bugs)
    _untold: set[Key] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.metrics.stalled.set_function(lambda: len(self._bugs))

    async def failed(self, key: Key, error: Exception) -> float:
        """A reconcile has failed; returns after how many seconds to try again."""
        times = self._times[key] = self._times.get(key, 0) + 1
        run, cause = (error.run, error.cause) if isinstance(error, RunFailed) else (None, error)
        self.metrics.failed.labels(type(cause).__name__).inc()
        if not isinstance(cause, ClusterError):
            await self._bug(key, cause, run)
            return _backoff(FIRST_BUG_BACKOFF_SECONDS, MAX_BUG_BACKOFF_SECONDS, times)
        delay = _backoff(FIRST_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS, times)
        level = logging.DEBUG if isinstance(cause, Conflict | NamespaceTerminating | NotLeading) else logging.WARNING
        logger.log(level, "%s/%s: %s; again in %.1f s", key.namespace, key.schedule, cause, delay)
        return delay

    async def _bug(self, key: Key, error: Exception, run: ObjectMeta | None) -> None:
        bug = Bug.of(error)
        if self._bugs.is_new(key, bug):
            about = f" over ScheduleRun {run.name}" if run else ""
            logger.error("%s/%s: internal error %s%s", key.namespace, key.schedule, bug, about, exc_info=error)
            self._untold.add(key)
        if key in self._untold:
            await self._tell(key, bug, run)

    async def _tell(self, key: Key, bug: Bug, run: ObjectMeta | None) -> None:
        try:
            await self.tell(key, bug, run)
        except Exception as problem:  # that stops nothing, whatever is wrong with it; it is told at the next try
            logger.warning("%s/%s: its owner cannot be told of %s: %r", key.namespace, key.schedule, bug, problem)
        else:
            self._untold.discard(key)

    def over(self, key: Key) -> None:
        """A reconcile went well."""
        self._times.pop(key, None)
        self._untold.discard(key)
        if self._bugs.over(key):
            logger.info("%s/%s: works again", key.namespace, key.schedule)


def _backoff(first: float, most: float, times: int) -> float:
    return min(most, first * 2.0 ** min(times - 1, 10)) * random.uniform(0.5, 1)  # noqa: S311
