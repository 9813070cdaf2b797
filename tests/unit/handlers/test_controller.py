"""The signs of life of the CronJob controller, in virtual time: what its Lease says, and the Jobs that are heard of."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from agentschedule import names
from agentschedule.api.base import rfc3339
from agentschedule.cluster.lease import Leases
from agentschedule.errors import ClusterError, Forbidden, Refused
from agentschedule.handlers.controller import LOOK_SECONDS, ControllerWatch
from agentschedule.handlers.login import Connection
from agentschedule.handlers.operator import Operator
from agentschedule.plan.controller import FRESH_SECONDS, UNKNOWN, Controller
from agentschedule.plan.lease import Lease
from agentschedule.settings import Settings
from tests.unit.bodies import job_body
from tests.unit.handlers.virtual import now, run

HELD = Lease("master-0_1", 15, 0, "then", "then", "1")
START = datetime(2026, 3, 2, 8, tzinfo=UTC)
DUE = {names.CRONJOB_TIMESTAMP: rfc3339(START)}
NOWHERE: Any = None
MINE, THEIRS = job_body()["metadata"]["namespace"], "theirs"


@dataclass
class System:
    """The Lease in kube-system; who holds it renews it every two seconds."""

    error: Exception | None = None
    there: bool = True
    died: float = float("inf")
    looks: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        return "kube-system/kube-controller-manager"

    async def read(self) -> Lease | None:
        self.looks.append(now())
        await asyncio.sleep(0.01)
        if self.error:
            raise self.error
        return replace(HELD, renewed=str(min(now(), self.died) // 2)) if self.there else None


def watch(system: System | None = None) -> ControllerWatch:
    """Its clock, and the wall's, are those of the loop."""
    since = lambda: START + timedelta(seconds=now())  # noqa: E731
    return ControllerWatch(cast("Leases", system or System()), clock=now, now=since)


def made(by: str = names.CONTROLLER_MANAGER, kind: str = "ADDED", annotations: Any = DUE, ago: float = 0) -> Any:
    body = job_body(annotations)
    body["metadata"]["managedFields"] = [{"manager": by, "operation": "Update"}]
    body["metadata"]["creationTimestamp"] = rfc3339(START - timedelta(seconds=ago))
    return {"type": kind, "object": body}


async def after(seconds: float, watching: ControllerWatch) -> Controller:
    await asyncio.sleep(seconds)
    return watching.seen(MINE)


def test_its_lease_is_read_every_few_seconds_and_the_second_look_shows_that_it_is_alive() -> None:
    async def story() -> None:
        watching = watch(system := System())
        asyncio.create_task(watching.run())  # noqa: RUF006
        assert await after(LOOK_SECONDS - 1, watching) == UNKNOWN
        assert await after(2, watching) == Controller(renews=True)
        for _ in range(100):
            assert await after(7, watching) == Controller(renews=True)
        gaps = [b - a for a, b in zip(system.looks, system.looks[1:], strict=False)]
        assert max(gaps) < LOOK_SECONDS + 0.1

    run(story())


def test_when_it_dies_that_is_known_within_the_leases_duration_and_a_look() -> None:
    async def story() -> None:
        watching = watch(system := System())
        asyncio.create_task(watching.run())  # noqa: RUF006
        assert (await after(60, watching)).renews
        system.died = now()
        assert (await after(LOOK_SECONDS, watching)).renews
        assert not (await after(HELD.seconds, watching)).renews

    run(story())


@pytest.mark.parametrize(
    ("change", "logged"),
    [
        ({"error": Forbidden("GET: cannot get resource leases")}, "may not be read: GET: cannot get resource leases"),
        ({"error": Refused("a policy")}, "may not be read: a policy"),
        ({"there": False}, "is not there"),
        ({"error": ClusterError("connection refused")}, ""),
    ],
)
def test_where_its_lease_cannot_be_read_nothing_is_known_and_that_is_told_once(
    change: dict[str, Any], logged: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        watching = watch(System(**change))
        asyncio.create_task(watching.run())  # noqa: RUF006
        assert await after(60, watching) == UNKNOWN

    with caplog.at_level(logging.INFO):
        run(story())
    lease = "the Lease kube-system/kube-controller-manager"
    assert [record.getMessage() for record in caplog.records] == ([f"{lease} {logged}"] if logged else [])


def test_a_job_that_it_has_just_made_is_a_sign_for_some_seconds() -> None:
    async def story() -> None:
        watching = watch()
        watching.heard(made())
        assert await after(FRESH_SECONDS - 1, watching) == Controller(made=START)
        assert await after(1.1, watching) == UNKNOWN

    run(story())


def test_whoever_makes_a_job_that_looks_like_one_of_its_tells_his_own_namespace_only() -> None:
    async def story() -> None:
        watching = watch()
        watching.heard(made())
        assert [watching.seen(MINE), watching.seen(THEIRS)] == [Controller(made=START), UNKNOWN]

    run(story())


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(made(by=names.MANAGER), id="we made it"),
        pytest.param(made(by="kubectl-create"), id="a person made it"),
        pytest.param(made(annotations={}), id="it is of no due time"),
        pytest.param(made(kind="MODIFIED"), id="it was made before"),
        pytest.param(made(kind="DELETED"), id="it is gone"),
        pytest.param(made(ago=60), id="a watch that began anew tells of it late"),
        pytest.param(made(ago=-3600), id="the clocks are apart"),
    ],
)
def test_other_news_of_jobs_say_nothing_about_it(event: Any) -> None:
    async def story() -> None:
        watching = watch()
        watching.heard(event)
        assert watching.seen(MINE) == UNKNOWN

    run(story())


@pytest.mark.parametrize("assist", [True, False])
def test_it_is_looked_after_unless_it_is_not_to_be_assisted(assist: bool) -> None:
    connection = Connection("https://server", NOWHERE, NOWHERE, apart=lambda: NOWHERE)
    operator = Operator.wire(connection, Settings(assist=assist, leader_election=False))
    event = made()
    event["object"]["metadata"]["creationTimestamp"] = rfc3339(datetime.now(UTC))

    async def hear() -> None:
        operator.hear(operator.store.jobs, event)

    asyncio.run(hear())
    work: Any = operator.queue.work
    assert (operator.controller is not None) is assist
    assert (work.controller(MINE) != UNKNOWN) is assist


def test_assisting_is_switched_off_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().assist
    monkeypatch.setenv("AGENTSCHEDULE_ASSIST", "false")
    assert not Settings().assist
