"""The operator: Kopf's watches on one side, our queue, timer and workers on the other.

Kopf logs in, watches, and stops on signals; what its watches bring is taken in on the wire, and puts the schedule's key
on the queue: no finalizers, no annotations, nothing of Kopf's on users' objects.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from dataclasses import dataclass, field
from typing import Any

import kopf

from agentschedule import zonedata
from agentschedule.api.base import ObjectMeta
from agentschedule.cluster import resources
from agentschedule.cluster.client import Client
from agentschedule.cluster.events import Recorder
from agentschedule.cluster.fence import Fence
from agentschedule.cluster.store import Key, Store, Table
from agentschedule.cluster.tell import Teller
from agentschedule.errors import Bug, Bugs, LeaseLost
from agentschedule.handlers import election, health, metrics
from agentschedule.handlers.controller import ControllerWatch
from agentschedule.handlers.failures import Failures, Tell
from agentschedule.handlers.leader import Leader
from agentschedule.handlers.login import Connection, connect
from agentschedule.handlers.metrics import Metrics
from agentschedule.handlers.queue import Queue
from agentschedule.handlers.reconcile import Reconciler, utc_now
from agentschedule.handlers.resync import Resync
from agentschedule.handlers.scope import Scope
from agentschedule.handlers.storages import keep_nothing
from agentschedule.handlers.timer import Timer
from agentschedule.handlers.watches import Watches
from agentschedule.plan.conditions import internal_error
from agentschedule.plan.controller import unknown
from agentschedule.settings import Settings

logger = logging.getLogger(__name__)
SIGNALS = (signal.SIGTERM, signal.SIGINT)
# Of a clean stop: for the answers of what was sent, and for Kopf.
DRAIN_SECONDS, KOPF_SECONDS = 0.5, 15.0


@dataclass(frozen=True)
class Operator:
    """The parts, wired."""

    store: Store
    queue: Queue
    timer: Timer
    watches: Watches
    resync: Resync
    scope: Scope
    metrics: Metrics
    bugs: Bugs = field(default_factory=Bugs)
    leader: Leader | None = None  # none: this is the only operator
    fence: Fence = field(default_factory=Fence)
    controller: ControllerWatch | None = None  # none: what it owes is left to it
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def wire(cls, connection: Connection, settings: Settings) -> Operator:
        leader = election.candidate(connection, settings)
        fence = Fence(leader.leads) if leader else Fence()
        client = Client(connection.session, connection.server, fence)
        store, watches = Store(settings.bundled_image, settings.max_open_manual_runs), Watches()
        timer, series, recorder = Timer(), Metrics(), Recorder(client, settings.pod_name)
        failures, scope = Failures(_teller(Teller(client, recorder)), series), Scope(settings.watch_namespaces)
        series.leader.set_function(fence.is_open)
        controller = ControllerWatch.of(client) if settings.assist else None
        seen = controller.seen if controller else unknown
        work = Reconciler(client, store, recorder, timer.set, metrics=series, controller=seen)
        queue = Queue(work, failures, asleep=leader is not None)
        resync = Resync(client, store, queue, watches, settings.resync_seconds, scope)
        parts = store, queue, timer, watches, resync, scope, series
        return cls(*parts, leader=leader, fence=fence, controller=controller)

    async def background(self, workers: int) -> None:
        """Everything but Kopf, until cancelled. Workers begin once everything is listed, and this operator leads."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.resync.run())
            group.create_task(self.resync.knock())
            group.create_task(self.metrics.watch_loop())
            if self.controller:
                group.create_task(self.controller.run())
            await self.watches.wait_synced()
            if self.leader:
                await self.leader.elected.wait()
                self._take_over()
            group.create_task(self.timer.run(self.queue.add))
            group.create_task(self.queue.run(workers))

    async def lead(self) -> None:
        """Stand for election once everything is listed, until cancelled. Raises LeaseLost."""
        await self.watches.wait_synced()
        if self.leader:
            await self.leader.run()

    def _take_over(self) -> None:
        """Look at all schedules: nobody here has decided anything about them."""
        known = set[Key]().union(*[table.keys() for table in self.store.tables])
        self.queue.wake(key for key in known if key.schedule)
        self.resync.soon()

    def hear(self, table: Table[Any], event: kopf.RawEvent) -> None:
        """Take in one event of a watch. A bug met over it is of this object, and hides no other."""
        try:
            self._hear(table, event)
        except Exception as error:
            if self.bugs.is_new(event["object"].get("metadata", {}).get("uid"), bug := Bug.of(error)):
                logger.exception("an event of %s: internal error %s", table.resource.plural, bug)

    def _hear(self, table: Table[Any], event: kopf.RawEvent) -> None:
        """Take in what an event brings, and queue the schedule that it is about."""
        body: Any = event["object"]
        meta, deleted = body["metadata"], event["type"] == "DELETED"
        self.watches.heard(self.scope.watch(table.resource.plural, meta["namespace"]))
        key = table.drop(meta["uid"], int(meta["resourceVersion"])) if deleted else table.put(body)
        if key and key.schedule:  # of our own kinds somebody may wait for what comes of it
            add = self.queue.add if table.resource in resources.OWN else self.queue.add_soon
            add(key)
        if self.controller and table is self.store.jobs:
            self.controller.heard(event)


async def run(settings: Settings) -> None:
    """Run until a signal, or until something is broken that a new process may mend."""
    logger.info("zone data: %s", zonedata.describe())
    connection = await connect(settings)
    operator = Operator.wire(connection, settings)
    servers = [
        await health.serve(operator.watches, settings.health_port),
        await metrics.serve(operator.metrics, settings.metrics_port),
    ]
    _stop_on_signals(operator.stopping)
    background = asyncio.create_task(operator.background(settings.workers), name="background")
    watching = asyncio.create_task(_kopf(operator, connection, settings.pod_name), name="kopf")
    told = asyncio.create_task(operator.stopping.wait(), name="told to stop")
    leading: asyncio.Task[Any] = asyncio.create_task(operator.lead(), name="leader") if operator.leader else told
    try:
        done, _ = await asyncio.wait({background, watching, told, leading}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    except LeaseLost as lost:
        logger.error("stopped: %s", lost)
        # At once: nothing here is worth tidying up, and what is still being sent ends with its connection.
        os._exit(1)
    finally:
        logger.info("stopping")
        asyncio.get_running_loop().set_exception_handler(_while_stopping)
        await _hand_over(operator, leading)
        await _end(operator, background, watching, told)
        for server in servers:
            await server.cleanup()
        await connection.close()


async def _hand_over(operator: Operator, leading: asyncio.Task[Any]) -> None:
    """Let another lead; not if a write of ours may still be on its way: then it waits until the Lease has run out."""
    answered = await operator.fence.close(DRAIN_SECONDS)
    if operator.leader:
        leading.cancel()
        await asyncio.gather(leading, return_exceptions=True)
        await operator.leader.stop(answered)


async def _end(operator: Operator, *tasks: asyncio.Task[Any]) -> None:
    """Kopf, once it has begun, ends by itself when it is told to, and complains if it is cancelled."""
    operator.stopping.set()
    background, watching, told = tasks
    background.cancel()
    await asyncio.wait({watching}, timeout=KOPF_SECONDS if operator.watches.synced else 0)
    for task in (watching, told):
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _teller(teller: Teller) -> Tell:
    async def tell(key: Key, bug: Bug, run: ObjectMeta | None) -> None:
        await teller.tell(key, internal_error(bug.type, bug.id), run, utc_now())

    return tell


def _while_stopping(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Kopf's watches may be closed in the middle of a step, and then complain: nothing to log when all is ending."""
    if "asyncgen" in context:
        logger.debug("%s", context["message"])
    else:
        loop.default_exception_handler(context)


async def _kopf(operator: Operator, connection: Connection, identity: str) -> None:
    """Kopf looks once which kinds there are: it begins when lists have shown that ours are served."""
    await operator.watches.wait_synced()
    registry = kopf.OperatorRegistry()
    settings = kopf.OperatorSettings()
    configure(settings)
    kopf.on.login(registry=registry)(_login(connection, operator))
    for table in operator.store.tables:
        _watch(registry, table)
    # Kopf would ask /etc/passwd who we are, which does not know the user of a container.
    me: Any = identity
    scope, others = operator.scope, asyncio.all_tasks()
    tasks = await kopf.spawn_tasks(
        registry=registry,
        settings=settings,
        identity=me,
        clusterwide=not scope.wanted,
        namespaces=scope.open,
        insights=scope.insights,
        standalone=True,
        stop_flag=operator.stopping,
    )
    # In place of Kopf's, which would take its time before we hear of it.
    _stop_on_signals(operator.stopping)
    await kopf.run_tasks(tasks, ignored=others)


def _stop_on_signals(stopping: asyncio.Event) -> None:
    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)


def _login(connection: Connection, operator: Operator) -> Any:
    async def login(**_: Any) -> kopf.AiohttpSession:
        return connection.for_kopf(operator.store.tables, operator.hear, operator.resync.relist)

    return login


def _watch(registry: kopf.OperatorRegistry, table: Table[Any]) -> None:
    group, version, plural = table.resource.address

    @kopf.on.event(group, version, plural, registry=registry, id=plural)
    async def heard(**_: Any) -> None:
        """Kopf watches what it has a handler for; what an event says, ``handlers.wire`` has told already."""


def configure(settings: kopf.OperatorSettings) -> None:
    """What was measured to hold at ten thousand objects, and through an API server that comes and goes."""
    keep_nothing(settings)
    settings.peering.standalone = True
    settings.scanning.disabled = True
    settings.posting.loggers = False
    settings.queueing.idle_timeout = 0.5
    settings.networking.request_timeout = 60
    settings.networking.error_backoffs = [1, 2, 3, 5, 8, 13, 21, 34] + [60] * 8
    watching = settings.watching
    watching.chunk_size = 500
    watching.inactivity_timeout = 70
    watching.server_timeout = 300
    watching.client_timeout = 310
    watching.connect_timeout = 10
    for resource in (resources.CRONJOBS, resources.JOBS, resources.PODS):
        watching.label_selectors[resource.address] = resources.OURS
