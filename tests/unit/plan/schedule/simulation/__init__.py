"""A simulated cluster, the real decisions, and the truth. The entrance is ``play``."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from agentschedule.api.schedule import AgentSchedule, Counts
from tests.unit.plan.schedule.simulation.cluster import Cluster, Controller, whole
from tests.unit.plan.schedule.simulation.history import Happening, History
from tests.unit.plan.schedule.simulation.manager import Operator
from tests.unit.plan.schedule.simulation.memory import remembering
from tests.unit.plan.schedule.simulation.truth import Truth, complaints

__all__ = ["Happening", "History", "Outcome", "World", "play"]


@dataclass(frozen=True)
class Outcome:
    """What a history came to."""

    counts: Counts
    truth: Truth
    wrong: tuple[str, ...]
    status: dict[str, Any]
    fates: dict[datetime, set[str]]


@dataclass
class World:
    """The cluster, its controller and the operator, and the hands that move them."""

    history: History
    cluster: Cluster
    controller: Controller
    operator: Operator
    _down: Counter[str] = field(default_factory=Counter)

    @classmethod
    def make(cls, history: History) -> World:
        schedule = _schedule(history.spec, history.start, 1)
        truth = Truth(history.kept)
        truth.window(history.start, _end(schedule))
        cluster = Cluster(history, schedule, history.start, truth)
        controller = Controller(cluster, history.lags, timedelta(seconds=history.status_lag), history.kept)
        operator = Operator(cluster)
        cluster.wake_operator, cluster.wake_controller = operator.wake, controller.wake
        return cls(history, cluster, controller, operator)

    def run(self) -> None:
        self.cluster.at(self.history.start, self.operator.wake)
        for happening in self.history.happenings:
            moment = self.history.start + timedelta(seconds=happening.at)
            self.cluster.at(moment, lambda happening=happening: self._happen(happening))
        self.cluster.run_until(self.history.start + timedelta(seconds=self.history.seconds))
        self.operator.reconcile()

    def _happen(self, happening: Happening) -> None:
        match happening.what:
            case "restart":
                if self.operator.up:
                    self.operator.reconcile()
            case "delete":
                self._delete()
            case "edit":
                self._edit(happening)
            case what:
                latest = self.history.start + timedelta(seconds=self.history.seconds * 0.85)
                back = min(self.cluster.now + timedelta(seconds=happening.seconds), latest)
                for name in ("operator", "controller"):
                    if what in (name, "both", "nested"):
                        self._stop(name, happening.fuse)
                        early = what == "nested" and name == "controller"
                        until = self.cluster.now + (back - self.cluster.now) * 0.6 if early else back
                        self.cluster.at(until, lambda name=name: self._start(name))

    def _stop(self, name: str, fuse: int | None) -> None:
        self._down[name] += 1
        if name == "controller":
            self.controller.set_up(False)
        elif fuse is None:
            self.operator.set_up(False)
        else:
            self.operator.fuse = fuse

    def _start(self, name: str) -> None:
        self._down[name] -= 1
        if not self._down[name]:
            (self.controller if name == "controller" else self.operator).set_up(True)

    def _delete(self) -> None:
        """Somebody deletes the newest Job."""
        if job := max(self.cluster.jobs.values(), key=lambda job: job.created, default=None):
            self.cluster.delete_job(job.uid, "person")

    def _edit(self, happening: Happening) -> None:
        old = self.cluster.schedule
        spec = old.spec.wire() | happening.spec
        start, end = spec.get("startAt"), happening.spec.get("endAt")
        edited = _schedule(spec, self.history.start, old.metadata.generation + 1)
        if end is not None and start and edited.spec.start_at and edited.spec.start_at >= end:
            return
        self.cluster.schedule = edited.model_copy(update={"status": old.status})
        self.cluster.truth.window(self.cluster.now, _end(edited))
        self.operator.wake()


def _schedule(spec: dict[str, Any], created: datetime, generation: int) -> AgentSchedule:
    meta = {
        "name": "s", "namespace": "n", "uid": "schedule", "generation": generation, "creationTimestamp": whole(created)
    }  # fmt: skip
    return AgentSchedule.model_validate({"metadata": meta, "spec": {"agent": {"image": "i"}} | spec})


def _end(schedule: AgentSchedule) -> datetime | None:
    return schedule.spec.run_at or schedule.spec.end_at


def play(history: History) -> Outcome:
    """Run a history; what is wrong at its end is said, and what goes wrong on the way raises AssertionError."""
    world = World.make(history)
    with remembering(history.kept):
        world.run()
    status = world.cluster.schedule.status
    counts = (status and status.counts) or Counts()
    truth = world.cluster.truth
    fates = truth.fates(world.cluster.now)
    wrong = complaints(fates, Counter(counts.model_dump()))
    wire = status.wire() if status else {}
    return Outcome(counts, truth, tuple(wrong), wire, fates)
