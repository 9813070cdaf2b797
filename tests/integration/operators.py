"""Several operators with one Lease, each a process by a name of its own, as which the API server's log knows it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from kubernetes.client import ApiException, CoordinationV1Api

from agentschedule import names
from tests.world import World
from tools.cluster import audit, chart
from tools.cluster.audit import Write
from tools.cluster.operator_process import OperatorProcess

USER = audit.service_account(chart.OPERATOR_NAMESPACE, chart.RELEASE)
LEASES = "leases"


class Replica(OperatorProcess):
    """An operator's process, as a pod of the Deployment."""

    def __init__(self, kubeconfig: Path, place: Path, name: str, env: dict[str, str]) -> None:
        named = {"AGENTSCHEDULE_POD_NAME": name, "AGENTSCHEDULE_NAMESPACE": chart.OPERATOR_NAMESPACE}
        super().__init__(kubeconfig, place / f"{name}.log", named | env)
        self.name = name

    @property
    def says_it_leads(self) -> bool:
        return "\nagentschedule_leader 1.0" in self.metrics()


@dataclass
class Operators:
    """All that were ever started."""

    world: World
    kubeconfig: Path
    place: Path
    env: dict[str, str]
    started: list[Replica] = field(default_factory=list)
    _numbers: Any = field(default_factory=itertools.count)

    def start(self, wait: bool = True) -> Replica:
        replica = Replica(self.kubeconfig, self.place, f"operator-{next(self._numbers)}", self.env)
        self.started.append(replica)
        replica.start(wait)
        return replica

    def keep(self, number: int, but: Iterable[Replica] = ()) -> None:
        """Start as many as are missing, as the Deployment does: also in place of one that found itself too slow."""
        alive = [replica for replica in self.started if replica.running and replica not in but]
        for _ in range(number - len(alive)):
            self.start(wait=False)

    def kill_all(self) -> None:
        for replica in self.started:
            replica.kill()

    def holder(self) -> str:
        """Who holds the Lease; empty if nobody does."""
        try:
            spec = (
                CoordinationV1Api(self.world.api.client)
                .read_namespaced_lease(chart.RELEASE, chart.OPERATOR_NAMESPACE)
                .spec
            )
        except ApiException as error:
            if error.status == 404:
                return ""
            raise
        return str(spec.holder_identity or "").partition("_")[0]

    def forget_lease(self) -> None:
        """As before the first operator was installed."""
        self.world.cluster.kubectl(
            "-n", chart.OPERATOR_NAMESPACE, "delete", "lease", chart.RELEASE, "--ignore-not-found"
        )

    def leader(self, seconds: float, but: Iterable[Replica] = ()) -> Replica:
        """Who leads, once it is none of these."""
        known = {replica.name: replica for replica in self.started if replica not in but}
        until = time.monotonic() + seconds
        while (holder := self.holder()) not in known:
            assert time.monotonic() < until, f"after {seconds} s {holder or 'nobody'} leads"
            time.sleep(0.05)
        return known[holder]

    def writes(self, since: datetime | None = None) -> list[Write]:
        """Of all of them, as the API server received them."""
        return sorted(audit.writes(self.world.cluster, USER, since), key=lambda write: write.at)

    def writes_of(self, replica: Replica, since: datetime | None = None) -> list[Write]:
        """Those about the Lease included."""
        return [write for write in self.writes(since) if by(write) == replica.name]


def by(write: Write) -> str:
    """Which process wrote."""
    return write.user_agent.removeprefix(f"{names.MANAGER}/")


@dataclass(frozen=True)
class Reign:
    """From when on a process led."""

    name: str
    since: datetime


def reigns(writes: Iterable[Write]) -> list[Reign]:
    """Who led one after the other, by the writes of the Lease that the API server took."""
    found: list[Reign] = []
    for write in writes:
        if write.resource == LEASES and write.code < 300:
            name = by(write)
            if not found or found[-1].name != name:
                found.append(Reign(name, write.at))
    return found


def late(writes: list[Write]) -> list[Write]:
    """The writes of processes that did not lead: before they had taken the Lease, or after another had."""
    leads = {reign.name: reign for reign in reigns(writes)}
    after = dict(itertools.pairwise(reigns(writes)))
    wrong = []
    for write in (write for write in writes if write.resource != LEASES):
        mine = leads.get(by(write))
        next_one = after.get(mine) if mine else None
        if mine is None or write.at < mine.since or (next_one and write.at >= next_one.since):
            wrong.append(write)
    return wrong
