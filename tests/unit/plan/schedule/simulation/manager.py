"""The operator's own decisions on the simulated cluster: a reconcile as ``handlers.reconcile`` does it, and its writes
as ``cluster.apply`` does them. Nothing is remembered from one reconcile to the next but the moment to look again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from agentschedule.api.base import rfc3339
from agentschedule.api.run import ScheduleRun
from agentschedule.cluster import parse
from agentschedule.plan import actions
from agentschedule.plan.answers import Answer, LogTail, MissReason, PodsListed, WaitingReason
from agentschedule.plan.controller import Controller
from agentschedule.plan.observed import CronJob, Reference
from agentschedule.plan.run.plan import plan_run
from agentschedule.plan.schedule.plan import plan_schedule
from tests.unit.plan.schedule.simulation.cluster import NEVER, SECOND, Cluster, whole

REACTION = timedelta(milliseconds=40)
MAX_STEPS = 30


class Died(Exception):
    """The operator's process ended between two writes."""


@dataclass
class Operator:
    cluster: Cluster
    up: bool = True
    fuse: int | None = None  # writes until it dies
    _at: datetime = NEVER
    _timer: datetime = NEVER

    def wake(self) -> None:
        self._look_at(self.cluster.now + REACTION)

    def _look_at(self, moment: datetime) -> None:
        if self.up and moment < self._at:
            self._at = moment
            self.cluster.at(moment, lambda: self._pop(moment))

    def _pop(self, moment: datetime) -> None:
        if moment == self._at and self.up:
            self._at = NEVER
            self.reconcile()

    def set_up(self, up: bool) -> None:
        self.up, self._at, self.fuse = up, NEVER, None
        if up:
            self.reconcile()

    def reconcile(self) -> None:
        """The schedule, its runs, and the schedule again if there were runs: it counts them."""
        cluster = self.cluster
        there = list(cluster.jobs.values())
        cluster.truth.looks_at(cluster.now, there)
        try:
            moments = [self._steps(self._plan_schedule)]
            waiting = [name for name, run in cluster.runs.items() if not run.final]
            moments += [self._steps(lambda name=name: self._plan_run(name)) for name in waiting]
            if waiting:
                moments[0] = self._steps(self._plan_schedule)
        except Died:
            self.up, self.fuse = False, None
            return
        cluster.truth.followed(cluster.now, {job.uid for job in there} | cluster.jobs.keys())
        self._at = NEVER  # what it wrote itself is no news
        moment = min((moment for moment in moments if moment), default=None)
        if moment:
            self._look_at(max(moment, cluster.now + 0.01 * SECOND))

    def _plan_schedule(self) -> tuple[actions.Plan[Any], Callable[[Any], bool]]:
        cluster = self.cluster
        controller = Controller(renews=cluster.history.assist)
        world = replace(cluster.observed(), answers=_no_events(cluster), controller=controller)
        plan = plan_schedule(cluster.schedule, world, cluster.now)
        return plan, self._write_status

    def _plan_run(self, name: str) -> tuple[actions.Plan[Any], Callable[[Any], bool]]:
        cluster = self.cluster
        world = replace(cluster.observed(), answers=_nothing_to_add(cluster))
        plan = plan_run(cluster.runs[name], cluster.schedule, world, cluster.now)
        return plan, lambda status: self._write_run(name, status)

    def _steps(self, step: Callable[[], tuple[actions.Plan[Any], Callable[[Any], bool]]]) -> datetime | None:
        for _ in range(MAX_STEPS):
            plan, write = step()
            if not plan.actions:
                if plan.status is not None:
                    write(plan.status)
                if not plan.replan:
                    return plan.requeue_at
                continue
            for action in plan.actions:
                self.apply(action)
        raise AssertionError(f"no end after {MAX_STEPS} steps: {plan}")

    def _burn(self) -> None:
        """Before each write: the process may end here."""
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse < 0:
                raise Died

    def _write_status(self, status: Any) -> bool:
        if status != self.cluster.schedule.status:
            self._burn()
            self.cluster.schedule = self.cluster.schedule.model_copy(update={"status": status})
        return True

    def _write_run(self, name: str, status: Any) -> bool:
        if status != self.cluster.runs[name].status:
            self._burn()
            self.cluster.runs[name] = self.cluster.runs[name].model_copy(update={"status": status})
            if status.job_uid:
                self.cluster.truth.recorded(status.job_uid)
        return True

    def apply(self, action: actions.Action) -> None:
        self._burn()
        cluster = self.cluster
        match action:
            case actions.CreateCronJob():
                cluster.truth.changed(None, cronjob := self._new(action.body), cluster.now)
                cluster.write_cronjob(cronjob)
            case actions.UpdateCronJob():
                self._update(action)
            case actions.RepairCronJob():
                added = tuple(Reference(job.name, job.uid) for job in action.add)
                mark = action.last_schedule_time or action.current.last_schedule_time
                active = (*action.current.active, *added)
                cluster.write_cronjob(replace(action.current, active=active, last_schedule_time=mark))
            case actions.StartDue():
                self._start_due(action)
            case actions.CreateRun():
                self._create_run(action.body)
            case actions.DeleteJob():
                cluster.delete_job(action.job.uid, "operator")
            case actions.DeleteRun():
                del cluster.runs[action.run.metadata.name]
            case _:
                raise AssertionError(f"not simulated: {action}")

    def _start_due(self, action: actions.StartDue) -> None:
        """The Job, then the status; not where the controller was faster."""
        if job := self.cluster.create_job(action.due, "operator"):
            self._burn()
            active = (*action.current.active, Reference(job.name, job.uid))
            self.cluster.write_cronjob(replace(action.current, active=active, last_schedule_time=action.due))

    def _new(self, body: actions.Body) -> CronJob:
        given = {"uid": self.cluster.uid("cronjob"), "resourceVersion": "0", "generation": 1}
        return parse.cronjob(_written(body, given | {"creationTimestamp": rfc3339(self.cluster.now)}))

    def _update(self, action: actions.UpdateCronJob) -> None:
        """The mark, then the spec: two writes, with E as an annotation of the second."""
        cluster, current, now = self.cluster, action.current, whole(self.cluster.now)
        since = max(now, action.not_before or now)
        wanted = _with_spec(current, action.body)
        change = (action.mark, wanted.suspend, cluster.schedule.spec.suspend)
        cluster.truth.dropping(current, change, cluster.now)
        if action.mark:
            last = current.last_schedule_time
            mark = max(since, last) if last and last <= now else since
            cluster.write_cronjob(replace(current, last_schedule_time=mark))
            self._burn()
            wanted = replace(wanted, last_schedule_time=mark, in_force_since=since)
        assert cluster.cronjob is not None
        wanted = replace(wanted, resource_version=cluster.cronjob.resource_version)
        cluster.truth.changed(current, wanted, cluster.now)
        cluster.write_cronjob(wanted)

    def _create_run(self, body: actions.Body) -> None:
        meta = body["metadata"] | {"uid": self.cluster.uid("run"), "creationTimestamp": whole(self.cluster.now)}
        run = ScheduleRun.model_validate(body | {"metadata": meta})
        self.cluster.runs[run.metadata.name] = run


def _written(body: actions.Body, meta: actions.Body) -> actions.Body:
    return body | {"metadata": body["metadata"] | meta}


def _with_spec(cronjob: CronJob, body: actions.Body) -> CronJob:
    """The CronJob with another spec, and the status that it has."""
    given = {"uid": cronjob.uid, "resourceVersion": cronjob.resource_version, "generation": cronjob.generation + 1}
    parsed = parse.cronjob(_written(body, given | {"creationTimestamp": rfc3339(cronjob.created)}))
    kept = {
        "last_schedule_time": cronjob.last_schedule_time,
        "active": cronjob.active,
        "in_force_since": cronjob.in_force_since,
    }
    return replace(parsed, spec_generation=parsed.generation, **kept)


def _no_events(cluster: Cluster) -> tuple[Answer, ...]:
    """Nobody is asked why a due time was missed: there is nothing to find here."""
    return (MissReason(cluster.cronjob.uid, ""),) if cluster.cronjob else ()


def _nothing_to_add(cluster: Cluster) -> tuple[Answer, ...]:
    """What is asked about Jobs and pods: they are as they are seen."""
    uids = [*cluster.jobs, *(pod.uid for pod in cluster.pods.values())]
    kinds = (PodsListed, *(partial(kind, message="") for kind in (LogTail, WaitingReason)))
    return tuple(kind(uid) for kind in kinds for uid in uids)
