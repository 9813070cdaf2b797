"""An operator that dies between any two calls: the next one learns all from the cluster, and does nothing twice.

The reconciler runs in this process, under the operator's own rights. It dies before or after its n-th write, for every
n; then another, which knows nothing, goes on to the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agentschedule import names
from agentschedule.cluster import observe
from agentschedule.cluster.client import Client
from agentschedule.cluster.events import Recorder
from agentschedule.cluster.store import Key, Store
from agentschedule.errors import ClusterError
from agentschedule.handlers.login import Connection, connect
from agentschedule.handlers.reconcile import Reconciler
from agentschedule.settings import Settings
from tests.cluster.base import Cluster
from tests.cluster.fixtures import Api
from tests.integration.steps import job_names, run_names, token_run
from tests.world import Body, World, agent_schedule, schedule_run

MOST_WRITES = 40
# Reconciles, half a second apart, that a new operator gets to come to the end.
ROUNDS = 30


class DeathError(Exception):
    """Not a ClusterError: nothing in the operator expects it."""


@dataclass
class Fate:
    """When to die: at this write, before it is sent or after it was answered."""

    at: int
    before: bool
    writes: list[str] = field(default_factory=list)


class MortalClient(Client):
    """Dies at a write; before that it is like any other."""

    def __init__(self, connection: Connection, fate: Fate | None = None) -> None:
        super().__init__(connection.session, connection.server)
        self.fate = fate or Fate(MOST_WRITES, before=True)

    async def _request(self, method: str, path: str, *args: Any, **more: Any) -> Any:
        if method == "GET":
            return await super()._request(method, path, *args, **more)
        fate = self.fate
        fate.writes.append(f"{method} {path}")
        last = len(fate.writes) >= fate.at
        if last and fate.before:
            raise DeathError
        reply = await super()._request(method, path, *args, **more)
        if last:
            raise DeathError
        return reply


@dataclass
class Life:
    """One operator's process: a store that begins empty."""

    client: MortalClient
    store: Store = field(default_factory=Store)

    async def reconcile(self, key: Key) -> None:
        """What the watches bring, then one reconcile, as the queue does it."""
        for table in reversed(self.store.tables):
            await observe.compare(self.client, table)
        recorder = Recorder(self.client, "test")
        await Reconciler(self.client, self.store, recorder, lambda _key, _moment: None)(key)

    async def reconcile_until(self, key: Key, done: Callable[[], bool]) -> None:
        for _ in range(ROUNDS):
            try:
                await self.reconcile(key)
            except ClusterError as error:  # the queue would try again
                print(error)
            if done():
                return
            await asyncio.sleep(0.5)
        raise AssertionError(f"no end after {ROUNDS} reconciles")


@pytest.fixture
def place(control_plane: Cluster, api: Api, namespace: str) -> World:
    """A namespace without an operator."""
    return World(control_plane, api, namespace)


@pytest.fixture
def logged_in(operator_kubeconfig: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    """Sessions with the operator's rights."""

    @asynccontextmanager
    async def login() -> AsyncIterator[Connection]:
        with monkeypatch.context() as env:
            env.setenv("KUBECONFIG", str(operator_kubeconfig))
            connection = await connect(Settings())
        yield connection
        await connection.session.close()

    return login


@dataclass(frozen=True)
class Story:
    """What happens to a schedule, and what must be so in the end."""

    change: Callable[[World, str], None]  # what the operator dies over
    done: Callable[[World, str], bool]  # the end has come
    check: Callable[[World, str], None]
    running: bool = False  # with a run at work before the change
    spec: Body = field(default_factory=dict)


async def tell(world: World, login: Callable[[], Any], story: Story) -> int:
    """The story, with a death at each write; returns how many writes it takes."""
    async with login() as connection:
        for number in range(1, MOST_WRITES):
            survived = False
            for before in (True, False):
                name, fate = f"report-{number}{'a' if before else 'b'}", Fate(number, before)
                await _begin(world, connection, story, name)
                survived = await _live_and_die(world, connection, story, name, fate)
                try:
                    story.check(world, name)
                except Exception as error:
                    raise AssertionError(f"died {'before' if before else 'after'} {fate.writes}: {error}") from error
            if survived:
                return number - 1
    raise AssertionError("no end of writes")


async def _begin(world: World, connection: Connection, story: Story, name: str) -> None:
    life, key = Life(MortalClient(connection)), Key(world.namespace, name)
    world.apply(agent_schedule(name, **story.spec))
    await life.reconcile_until(key, lambda: world.condition(name, "Ready").get("status") == "True")
    if story.running:
        world.apply(schedule_run(now(name), name))
        await life.reconcile_until(key, lambda: is_released(world, name))


async def _live_and_die(world: World, connection: Connection, story: Story, name: str, fate: Fate) -> bool:
    key, survived = Key(world.namespace, name), True
    story.change(world, name)
    try:
        await Life(MortalClient(connection, fate)).reconcile_until(key, lambda: story.done(world, name))
    except DeathError:
        survived = False
    second = Life(MortalClient(connection))
    await second.reconcile_until(key, lambda: story.done(world, name))
    await second.reconcile(key)
    return survived


def now(schedule: str) -> str:
    """The name of the schedule's run by hand."""
    return f"{schedule}-now"


def begun(world: World, name: str) -> bool:
    """A Job of the schedule is at work."""
    return any(not job.spec.suspend for job in world.jobs(name))


def has_one_run(world: World, name: str, run: str) -> None:
    """One record, one Job, let go, controlled and listed by the CronJob."""
    assert run_names(world, name) == job_names(world, name) == [run]
    job, cronjob = world.jobs(name)[0], world.cronjob(name)
    assert not job.spec.suspend
    controllers = [owner.uid for owner in job.metadata.owner_references if owner.controller]
    assert controllers == [cronjob.metadata.uid]
    assert [ref.uid for ref in cronjob.status.active] == [job.metadata.uid]
    assert world.run(run)["status"]["jobUID"] == job.metadata.uid


def is_released(world: World, name: str) -> bool:
    return begun(world, name) and bool(world.runs(name)[0].get("status"))


def test_a_token_starts_one_run_whenever_the_operator_dies(place: World, logged_in: Callable[[], Any]) -> None:
    def check(world: World, name: str) -> None:
        run = token_run(world, name, "one")
        has_one_run(world, name, run)
        status = world.status(name)
        last = status["lastTrigger"]
        assert (last["token"], last["outcome"], last["run"]) == ("one", "Accepted", run)
        assert len(status["handledTriggers"]) == 1
        assert len(world.events(name, "TriggerAccepted")) <= 1

    def done(world: World, name: str) -> bool:
        return is_released(world, name) and "lastTrigger" in world.status(name)

    story = Story(lambda world, name: world.trigger(name, "one"), done, check)
    assert asyncio.run(tell(place, logged_in, story)) >= 6


def test_a_run_by_hand_starts_one_job_whenever_the_operator_dies(place: World, logged_in: Callable[[], Any]) -> None:
    def create(world: World, name: str) -> None:
        world.apply(schedule_run(now(name), name))

    story = Story(create, is_released, lambda world, name: has_one_run(world, name, now(name)))
    assert asyncio.run(tell(place, logged_in, story)) >= 5


def test_a_run_is_counted_once_whenever_the_operator_dies_at_its_end(
    place: World, logged_in: Callable[[], Any]
) -> None:
    def fail(world: World, name: str) -> None:
        world.play_kubelet(now(name), exit_code=1)
        world.kubectl("wait", f"job/{now(name)}", "--for=condition=Failed", "--timeout=30s")

    def check(world: World, name: str) -> None:
        status = world.status(name)
        assert world.run(now(name))["status"]["phase"] == "Failed"
        assert (status["counts"]["manual"], status["counts"]["failed"]) == (1, 1)
        assert (status["consecutiveFailures"], status["active"], len(status["countedRuns"])) == (1, 0, 1)

    story = Story(fail, lambda world, name: "lastRun" in world.status(name), check, running=True)
    assert asyncio.run(tell(place, logged_in, story)) >= 2


def test_an_edit_is_whole_and_marked_whenever_the_operator_dies(place: World, logged_in: Callable[[], Any]) -> None:
    def edit(world: World, name: str) -> None:
        world.patch(name, schedule="0 0 1 1 *", message="two")

    def done(world: World, name: str) -> bool:
        return bool(world.status(name)["observedGeneration"] == 2)

    def check(world: World, name: str) -> None:
        cronjob = world.cronjob(name)
        assert (cronjob.spec.schedule, cronjob.metadata.generation) == ("0 0 1 1 *", 2)
        annotations = cronjob.metadata.annotations
        assert annotations[names.ANNOTATION_SPEC_GENERATION] == "2"
        mark = cronjob.status.last_schedule_time.strftime("%Y-%m-%dT%H:%M:%SZ")
        assert annotations[names.ANNOTATION_EFFECTIVE_FROM] == mark == world.status(name)["effectiveFrom"]
        assert world.status(name)["counts"]["due"] == 0

    assert asyncio.run(tell(place, logged_in, Story(edit, done, check))) >= 3


def test_history_is_pruned_whole_whenever_the_operator_dies(place: World, logged_in: Callable[[], Any]) -> None:
    def succeed(world: World, name: str) -> None:
        world.play_kubelet(now(name))
        world.kubectl("wait", f"job/{now(name)}", "--for=condition=Complete", "--timeout=30s")

    def done(world: World, name: str) -> bool:
        return not world.runs(name) and "countedRuns" not in world.status(name)

    def check(world: World, name: str) -> None:
        assert not job_names(world, name)
        counts = world.status(name)["counts"]
        assert (counts["manual"], counts["succeeded"]) == (1, 1)

    story = Story(succeed, done, check, running=True, spec={"history": {"succeeded": 0}})
    assert asyncio.run(tell(place, logged_in, story)) >= 4
