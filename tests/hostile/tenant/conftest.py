"""One operator, one neighbour and one hostile tenant, for all attacks together."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.tenant import cluster as house_of
from tests.hostile.tenant.accounts import CRONJOBS, JOBS, PODS, RUNS, SCHEDULES, Who, Write
from tests.hostile.tenant.attack import Scene, Victims
from tests.hostile.tenant.attacks.floods import OPEN_RUNS
from tests.hostile.tenant.attacks.odd_names import ODD_NAMES
from tests.hostile.tenant.cluster import House
from tests.hostile.tenant.neighbour import SCHEDULE, Neighbour
from tools.cluster.operator_process import OperatorProcess
from tools.cluster.providers import cluster


@dataclass
class Guarded:
    """The operator under attack. One that ends begins anew without the tenant's objects: the next attack is judged
    by itself."""

    house: House
    process: OperatorProcess
    neighbour: Neighbour
    before: dict[str, Any]  # what is the neighbour's
    pid: int
    deaths: list[str] = field(default_factory=list)
    memory: float = 0.0  # MiB, the most that was seen

    def check(self) -> None:
        """It lives, and is ready."""
        if not self.process.running:
            self.deaths.append(self.neighbour.during)
            said = self.process.log.read_text(errors="replace")
            self._begin_anew()
            raise AssertionError(f"the operator ended:\n{said[-3000:]}")
        assert self.process.ready(), "/readyz is not 200"
        self.memory = max(self.memory, self.process.memory)

    def _begin_anew(self) -> None:
        admin = self.house.tenant[Who.CONTROLLER]
        for plural in (SCHEDULES, RUNS, CRONJOBS, JOBS, PODS):
            admin.send(Write("DELETE", plural))
        os.truncate(self.process.log, 0)
        self.process.start()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The cluster, and everybody in it but the operator."""
    own = cluster(f"hostile-{os.getpid()}", node=False)
    own.up()
    yield house_of.furnish(own, ODD_NAMES, tmp_path_factory.mktemp("hostile"))
    own.down()


@pytest.fixture(scope="module")
def guarded(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """The operator at work, and the neighbour, who triggers his schedule every second."""
    log: Path = tmp_path_factory.mktemp("hostile") / "operator.log"
    neighbour = Neighbour(house.neighbour, house.kubelet)
    limits = {"AGENTSCHEDULE_MAX_OPEN_MANUAL_RUNS": str(OPEN_RUNS)}
    with OperatorProcess(house.operator, log, limits) as process:
        neighbour.settle()
        neighbour.start()
        yield Guarded(house, process, neighbour, neighbour.picture(), process.pid)
        neighbour.stop()


@pytest.fixture(scope="module")
def victims(house: House, guarded: Guarded) -> Victims:
    """What the tenant knows of the neighbour."""
    uids = guarded.neighbour.picture()["uids"]
    return Victims(house.neighbour.namespace, SCHEDULE, *uids)


@pytest.fixture
def scene(request: pytest.FixtureRequest, house: House, guarded: Guarded, victims: Victims) -> Iterator[Scene]:
    """Where one attack takes place; after it the operator is as it was."""
    index = request.node.callspec.indices["attack"]
    guarded.neighbour.during = request.node.callspec.id
    yield Scene(house.tenant, f"s{index}", victims)
    guarded.check()
