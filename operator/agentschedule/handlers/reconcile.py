"""One reconcile of one schedule: its runs, then itself.

Plan, apply, and plan again, until nothing is left to do; then one status write, then the events. Blind to what caused
it, and running it twice changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from operator import is_
from typing import Any

from agentschedule import names
from agentschedule.api.base import Model, ObjectMeta
from agentschedule.cluster import observe
from agentschedule.cluster.apply import Applier
from agentschedule.cluster.client import Client
from agentschedule.cluster.events import Recorder
from agentschedule.cluster.status import write_status
from agentschedule.cluster.store import Key, Store, Table
from agentschedule.errors import ClusterError, Conflict
from agentschedule.handlers.failures import RunFailed
from agentschedule.handlers.floor import Floor
from agentschedule.handlers.metrics import Metrics
from agentschedule.plan.actions import Plan
from agentschedule.plan.answers import Answer, Refusal
from agentschedule.plan.conditions import internal_error_of
from agentschedule.plan.controller import Controller
from agentschedule.plan.observed import Observed
from agentschedule.plan.run.plan import is_at_rest, needs_fresh_look, plan_run
from agentschedule.plan.schedule.plan import plan_schedule

logger = logging.getLogger(__name__)
# More steps than any reconcile needs: beyond it two plans undo each other, which is worth a backoff and a log line.
MAX_STEPS = 30


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Subject:
    """What a plan is about, and where its status goes."""

    kind: str
    table: Table[Any]
    meta: ObjectMeta
    status: Model | None


@dataclass(frozen=True)
class Reconciler:
    """Reconciles schedules, one at a time each."""

    client: Client
    store: Store
    recorder: Recorder
    requeue: Callable[[Key, datetime | None], None]
    now: Callable[[], datetime] = utc_now
    metrics: Metrics = field(default_factory=Metrics)
    floor: Floor = field(default_factory=Floor)
    controller: Callable[[], Controller] = Controller

    async def __call__(self, key: Key) -> None:
        """Reconcile a schedule and its runs. Raises ClusterError for what a retry may mend; RunFailed for a bug met
        over a run, once everything else is done; any other exception is a bug met over the schedule."""
        try:
            await self._all(key)
        except Conflict:
            await observe.refresh(self.client, self.store, key)
            await observe.refresh_schedule(self.client, self.store, key)
            await observe.refresh_runs(self.client, self.store, key)
            raise

    async def _all(self, key: Key) -> None:
        """The schedule first: it makes runs. And last: it counts them, and says that all works again."""
        self.store.take_looked_at(key)  # all that is known is planned on now
        moments, failed = [await self._schedule(key, failing=True)], None
        before = self.store.shown(key)
        runs = [run.metadata for run in self.store.runs.of(key) if not is_at_rest(run)]
        for run in runs:
            try:
                moments.append(await self._run(key, run.uid))
            except ClusterError:
                raise
            except Exception as bug:  # of this run: the others go on
                failed = failed or RunFailed(run, bug)
        if self._is_stalled(key) or not all(map(is_, before, self.store.shown(key))):
            moments[0] = await self._schedule(key, failing=failed is not None)
        if self.store.take_looked_at(key):  # by one run, after another one was planned
            moments.append(self.now())
        self.requeue(key, min((moment for moment in moments if moment), default=None))
        if failed:
            raise failed

    def _is_stalled(self, key: Key) -> bool:
        """True if the schedule says that we failed at it."""
        schedule = self.store.schedule(key)
        return bool(schedule and schedule.status and internal_error_of(schedule.status.conditions))

    async def _schedule(self, key: Key, failing: bool) -> datetime | None:
        async def step(answers: tuple[Answer, ...]) -> tuple[Subject, Plan[Any]] | None:
            await self.floor.turn(key.namespace)
            schedule = self.store.schedule(key)
            if schedule is None:
                return None
            with self.metrics.decision(f"{key.namespace}/{key.schedule}"):
                plan = plan_schedule(schedule, self._observed(key, answers), self.now(), failing)
            return Subject(names.SCHEDULE_KIND, self.store.schedules, schedule.metadata, schedule.status), plan

        if self.store.cronjobs.is_unwatched(key):
            await observe.refresh_cronjob(self.client, self.store, key)
        return await self._steps(key, step)

    async def _run(self, key: Key, uid: str) -> datetime | None:
        async def step(answers: tuple[Answer, ...]) -> tuple[Subject, Plan[Any]] | None:
            run = self.store.runs.get(uid)
            if run is None:
                return None
            if self.store.schedule(key) is None and not run.final:
                await observe.refresh_schedule(self.client, self.store, key)
            if needs_fresh_look(run, self.store.observed(key)):
                await observe.refresh(self.client, self.store, key)
            await self.floor.turn(key.namespace)
            with self.metrics.decision(f"{key.namespace}/{run.metadata.name}"):
                plan = plan_run(run, self.store.schedule(key), self._observed(key, answers), self.now())
            return Subject(names.RUN_KIND, self.store.runs, run.metadata, run.status), plan

        return await self._steps(key, step)

    def _observed(self, key: Key, answers: tuple[Answer, ...]) -> Observed:
        return replace(self.store.observed(key), answers=answers, controller=self.controller())

    async def _steps(
        self, key: Key, step: Callable[[tuple[Answer, ...]], Awaitable[tuple[Subject, Plan[Any]] | None]]
    ) -> datetime | None:
        """Plan and apply until no action is left, then write the status. Returns when to look again."""
        applier = Applier(self.client, self.store, key)
        answers: tuple[Answer, ...] = ()
        for _ in range(MAX_STEPS):
            planned = await step(answers)
            if planned is None:
                return None
            subject, plan = planned
            if not plan.actions:
                await self._publish(subject, plan)
                if not plan.replan:
                    return plan.requeue_at
                continue
            logger.info("%s %s/%s: %s", subject.kind, key.namespace, subject.meta.name, plan)
            given = [answer for action in plan.actions if (answer := await applier.apply(action))]
            answers += tuple(given)
            if not any(isinstance(answer, Refusal) for answer in given):
                await self.recorder.record(subject.kind, subject.meta, plan.events, self.now())
        raise ClusterError(f"no end after {MAX_STEPS} steps")

    async def _publish(self, subject: Subject, plan: Plan[Any]) -> None:
        """One status write, and none when nothing has changed; events follow after it."""
        if plan.status is None:
            return
        old = subject.status.wire() if subject.status else {}
        if await write_status(self.client, subject.table, subject.meta, old, plan.status.wire()):
            await self.recorder.record(subject.kind, subject.meta, plan.events, self.now())
