"""One reconcile of one schedule: its runs, then itself.

Plan, apply, and plan again, until nothing is left to do; then one status write, then the events. Blind to what caused
it, and running it twice changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
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
from agentschedule.plan.controller import Controller, unknown
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
    take: Callable[[Any], object]  # what was written into the store


@dataclass(frozen=True)
class Pass:
    """What comes after the steps of one plan: when to look again; and whether its status is still to be written."""

    requeue_at: datetime | None = None
    owes_status: bool = False


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
    controller: Callable[[str], Controller] = unknown  # what a namespace knows of it
    # Of each schedule of which nothing was left to do: when to plan it though nothing changes.
    resting: dict[Key, datetime | None] = field(default_factory=dict)

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
        """The schedule first: it makes runs, which do not wait until it has said so. And last: it counts them, and says
        that all works again."""
        first, failed = await self._schedule_first(key), None
        moments, again = [first.requeue_at], False
        self.store.take_looked_at(key)  # the runs are planned on all that is known
        for number, run in enumerate(run.metadata for run in self.store.runs.of(key) if not is_at_rest(run)):
            try:
                moments.append((await self._run(key, run.uid)).requeue_at)
            except ClusterError:
                raise
            except Exception as bug:  # of this run: the others go on
                failed = failed or RunFailed(run, bug)
            again |= self.store.take_looked_at(key) and number > 0  # those before it were not planned on that
        if first.owes_status or self._is_stalled(key) or key not in self.store.planned:
            moments[0] = (await self._schedule(key, failing=failed is not None)).requeue_at
        if self.store.take_looked_at(key) or again:
            moments.append(self.now())
        self.requeue(key, min((moment for moment in moments if moment), default=None))
        if failed:
            raise failed
        if self.store.schedule(key):
            self.resting[key] = moments[0]

    async def _schedule_first(self, key: Key) -> Pass:
        """Nothing, if all is as it was when the schedule was planned last, and nothing is due."""
        rests, until = key in self.resting, self.resting.pop(key, None)  # not any more, if anything fails
        due = until is not None and until <= self.now()
        if rests and not due and key in self.store.planned and not self.store.cronjobs.is_unwatched(key):
            return Pass(until)
        return await self._schedule(key, failing=True, last=False)

    def _is_stalled(self, key: Key) -> bool:
        """True if the schedule says that we failed at it."""
        schedule = self.store.schedule(key)
        return bool(schedule and schedule.status and internal_error_of(schedule.status.conditions))

    async def _schedule(self, key: Key, failing: bool, last: bool = True) -> Pass:
        async def step(answers: tuple[Answer, ...]) -> tuple[Subject, Plan[Any]] | None:
            await self.floor.turn(key.namespace)
            schedule = self.store.schedule(key)
            if schedule is None:
                return None
            self.store.planned.add(key)
            with self.metrics.decision(f"{key.namespace}/{key.schedule}"):
                plan = plan_schedule(schedule, self._observed(key, answers), self.now(), failing)
            table = self.store.schedules
            return Subject(names.SCHEDULE_KIND, table, schedule.metadata, schedule.status, table.put_planned), plan

        if self.store.cronjobs.is_unwatched(key):
            await observe.refresh_cronjob(self.client, self.store, key)
        return await self._steps(key, step, last)

    async def _run(self, key: Key, uid: str) -> Pass:
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
            table = self.store.runs
            return Subject(names.RUN_KIND, table, run.metadata, run.status, table.put), plan

        return await self._steps(key, step)

    def _observed(self, key: Key, answers: tuple[Answer, ...]) -> Observed:
        return replace(self.store.observed(key), answers=answers, controller=self.controller(key.namespace))

    async def _steps(
        self,
        key: Key,
        step: Callable[[tuple[Answer, ...]], Awaitable[tuple[Subject, Plan[Any]] | None]],
        last: bool = True,
    ) -> Pass:
        """Plan and apply until no action is left, then write the status. If this pass is not the ``last`` one, and has
        done something, its status is owed: unless there is more to do once it is written, or it says what was answered
        in this pass alone."""
        applier = Applier(self.client, self.store, key)
        answers: tuple[Answer, ...] = ()
        for number in range(MAX_STEPS):
            planned = await step(answers)
            if planned is None:
                return Pass()
            subject, plan = planned
            if not plan.actions:
                if number and not (last or answers or plan.replan):
                    return Pass(plan.requeue_at, owes_status=True)
                await self._publish(subject, plan)
                if not plan.replan:
                    return Pass(plan.requeue_at)
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
        written = await write_status(self.client, subject.table, subject.meta, old, plan.status.wire())
        if written:
            subject.take(written)
            await self.recorder.record(subject.kind, subject.meta, plan.events, self.now())
