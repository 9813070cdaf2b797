"""An operator that dies between any two of its calls. Used by the tests that ask what the next one makes of it.

The reconciler runs in this process, under the operator's own rights. It dies after its n-th write, for every n; then
another, which knows nothing, goes on to the end. Each death is a schedule of its own, all at the same time. To die
before the next write leaves the same behind: `make test-full` does that, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from agentschedule import names
from agentschedule.cluster import observe, resources
from agentschedule.cluster.client import Client, Page, Resource
from agentschedule.cluster.events import Recorder
from agentschedule.cluster.store import Key, Store, Table
from agentschedule.errors import ClusterError
from agentschedule.handlers.login import Connection
from agentschedule.handlers.reconcile import Reconciler
from tests.world import FULL, Body, World, agent_schedule, schedule_run

# What an operator gets to come to the end: Kubernetes' own pause between two attempts is 10 s.
PATIENCE_SECONDS = 90.0
PAUSE_SECONDS = 0.7
GATHER_SECONDS = 0.1  # in which operators that look at the same time find each other
NEVER_DIES = 10_000
MOMENTS = (True, False) if FULL else (False,)  # before the write, or after it
Deed = Callable[[World, str], object]
Question = Callable[[World, str], bool]


class DeathError(BaseException):
    """Nothing in the operator expects it, nor outlives it."""


@dataclass
class Fate:
    """When to die: at this write, before it is sent or after it was answered."""

    at: int = NEVER_DIES
    before: bool = True
    writes: list[str] = field(default_factory=list)
    died: bool = False
    in_time: bool = True  # what has to be done within seconds could be
    # Begin and end of each reconcile that came to its end, of both operators.
    reconciles: list[tuple[datetime, datetime]] = field(default_factory=list)

    def __str__(self) -> str:
        return f"died {'before' if self.before else 'after'} write {self.at} of {self.writes}"


class Lists:
    """What the watches bring. Twenty operators are told at once: whoever asks before a list begins shares it."""

    def __init__(self, connection: Connection, namespace: str) -> None:
        self._client, self._namespace = Client(connection.session, connection.server), namespace
        self._coming: dict[Resource, asyncio.Task[Page]] = {}

    async def of(self, resource: Resource) -> Page:
        """A list that began after this was asked for."""
        if resource not in self._coming:
            self._coming[resource] = asyncio.create_task(self._list(resource))
        return await asyncio.shield(self._coming[resource])

    async def _list(self, resource: Resource) -> Page:
        await asyncio.sleep(GATHER_SECONDS)
        del self._coming[resource]
        pages = [page async for page in self._client.list(resource, self._namespace, resources.selector(resource))]
        return Page([body for page in pages for body in page.items], pages[-1].version)


class MortalClient(Client):
    """Dies at a write; before that it is like any other."""

    def __init__(self, connection: Connection, lists: Lists, fate: Fate | None = None) -> None:
        super().__init__(connection.session, connection.server)
        self.fate = fate or Fate()
        self.lists = lists
        self.sees: Key | None = None

    async def list(
        self, resource: Resource, namespace: str | None = None, selector: str = "", fields: str = ""
    ) -> AsyncIterator[Page]:
        """What the watches bring is of one schedule alone."""
        if namespace is not None or self.sees is None:
            async for page in super().list(resource, namespace, selector, fields):
                yield page
            return
        every = await self.lists.of(resource)
        yield Page([body for body in every.items if _schedule_of(resource, body) == self.sees.schedule], every.version)

    async def _request(self, method: str, path: str, *args: Any, **more: Any) -> Any:
        if method == "GET":
            return await super()._request(method, path, *args, **more)
        fate = self.fate
        fate.writes.append(f"{method} {path.partition('/namespaces/')[2].partition('/')[2]}")
        fate.died = len(fate.writes) >= fate.at
        if fate.died and fate.before:
            raise DeathError
        reply = await super()._request(method, path, *args, **more)
        if fate.died:
            raise DeathError
        return reply


@dataclass
class Life:
    """One operator's process: a store that begins empty."""

    client: MortalClient
    store: Store = field(default_factory=Store)
    deaf_to: Table[Any] | None = None  # a watch that stays silent
    reconciles: list[tuple[datetime, datetime]] = field(default_factory=list)

    async def reconcile(self, key: Key) -> None:
        """What the watches bring, then one reconcile, as the queue does it."""
        begun = datetime.now(UTC)
        self.client.sees = key
        for table in reversed(self.store.tables):
            if table is self.deaf_to:
                continue
            await observe.compare(self.client, table)
        recorder = Recorder(self.client, "test")
        await Reconciler(self.client, self.store, recorder, lambda _key, _moment: None)(key)
        self.reconciles.append((begun, datetime.now(UTC)))

    async def reconcile_until(self, key: Key, done: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                await self.reconcile(key)
            except ClusterError as error:  # the queue would try again
                print(error)
            if await asyncio.to_thread(done):
                return
            await asyncio.sleep(PAUSE_SECONDS)
        raise AssertionError(f"{key.schedule}: after {PATIENCE_SECONDS:.0f} s there is still not {what}")


@dataclass(frozen=True)
class Story:
    """What happens to a schedule, and what must be so in the end."""

    change: Deed  # what the operator dies over
    done: Question  # the end has come
    check: Deed  # asserts
    runs: tuple[str, ...] = ()  # runs by hand that are at work before
    before: Deed | None = None  # what happens then, and when it is seen to
    ready: Question | None = None
    kubelet: Deed | None = None  # goes on all the time
    until: Question | None = None  # how far the first operator comes at most, if not to the end
    then: Deed | None = None  # what happens before the second one begins
    spec: Callable[[], Body] = dict
    writes: int = 6  # about so many: a guess that is too low costs time only
    fates: dict[str, Fate] = field(default_factory=dict)  # of each schedule, for ``check``


def run_of(schedule: str, what: str = "now") -> str:
    """The name of a schedule's run by hand."""
    return f"{schedule}-{what}"


async def tell(world: World, login: Callable[[], Any], story: Story) -> list[str]:
    """The story, with a death at each write; returns the writes that it takes when nobody dies."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(40))
    first = 1
    async with login() as connection:
        lists = Lists(connection, world.namespace)
        while True:
            last = first + story.writes
            spec = story.spec()
            fates = [Fate(number, before) for number in range(first, last + 1) for before in MOMENTS]
            async with asyncio.TaskGroup() as group:
                for fate in fates:
                    group.create_task(_Telling(world, connection, lists, story, fate, spec).tell())
            if not any(fate.died for fate in fates if fate.at == last):
                break
            first = last + 1
    writes = min((fate.writes for fate in fates if not fate.died), key=len)
    print(f"{len(writes)} writes, a death at each:", *writes, sep="\n  ")
    return writes


@dataclass(frozen=True)
class _Telling:
    """One schedule of a story, and the operator's death over it."""

    world: World
    connection: Connection
    lists: Lists
    story: Story
    fate: Fate
    spec: Body

    @property
    def name(self) -> str:
        return f"report-{self.fate.at}{'a' if self.fate.before else 'b'}"

    async def tell(self) -> None:
        self.story.fates[self.name] = self.fate
        try:
            await self._begin()
            await self._live_and_die()
            await asyncio.to_thread(self.story.check, self.world, self.name)
        except Exception as error:
            raise AssertionError(f"{self.fate}: {error!r}") from error

    async def _begin(self) -> None:
        life, story, name = Life(MortalClient(self.connection, self.lists)), self.story, self.name
        await self._do(lambda world, _: world.create(agent_schedule(name, **self.spec)))
        await self._until(life, lambda world, _: world.condition(name, "Ready").get("status") == "True", "Ready")
        for what in story.runs:
            await self._do(lambda world, _, what=what: world.create(schedule_run(run_of(name, what), name)))
        await self._until(life, lambda world, _: _are_released(world, name, len(story.runs)), "runs at work")
        if story.before and story.ready:
            await self._do(story.before)
            await self._until(life, story.ready, "what comes before")

    async def _live_and_die(self) -> None:
        await self._do(self.story.change)
        story, looks = self.story, self.fate.reconciles
        first = Life(MortalClient(self.connection, self.lists, self.fate), reconciles=looks)
        with contextlib.suppress(DeathError):
            await self._until(first, story.until or story.done, "the end")
        if story.then:
            await self._do(story.then)
        second = Life(MortalClient(self.connection, self.lists), reconciles=looks)
        key = Key(self.world.namespace, self.name)
        await self._until(second, story.done, "the end after a death")
        await second.reconcile(key)

    async def _do(self, deed: Deed) -> None:
        await asyncio.to_thread(deed, self.world, self.name)

    async def _until(self, life: Life, question: Question, what: str) -> None:
        def done() -> bool:
            if self.story.kubelet:
                self.story.kubelet(self.world, self.name)
            return question(self.world, self.name)

        await life.reconcile_until(Key(self.world.namespace, self.name), done, what)


def _schedule_of(resource: Resource, body: Body) -> str | None:
    if resource == resources.SCHEDULES:
        return str(body["metadata"]["name"])
    if resource == resources.RUNS:
        return str(body["spec"]["scheduleName"])
    labels: Body = body["metadata"].get("labels") or {}
    return labels.get(names.LABEL_SCHEDULE)


def _are_released(world: World, name: str, number: int) -> bool:
    released = [job for job in world.jobs(name) if not job.spec.suspend]
    have_pods = all(world.open_pods(job.metadata.name) for job in released)  # the controllers are slow with many
    return len(released) == number and have_pods and all(run.get("status") for run in world.runs(name))
