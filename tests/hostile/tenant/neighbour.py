"""The neighbour: every second a run by hand, by annotation and by ScheduleRun in turn, and each to its end."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from agentschedule import names
from tests.hostile.tenant.accounts import CRONJOBS, JOBS, PODS, RUNS, SCHEDULES, Account, Body, create, patch
from tests.world import agent_schedule, rfc3339, schedule_run, wait_for

SCHEDULE = "report"
# Within which each of his triggers must have its answer on a quiet machine; beside what the API server takes for so
# many requests: those of a manual run that meets a conflict, one after the other.
SECONDS, REQUESTS = 2.0, 25
GIVE_UP = 30.0
EVERY = 1.0
# What the operator writes of it: all but counters and times, which his own runs move.
FIXED = (
    "phase",
    "cronJob",
    "resolvedSchedule",
    "displaySchedule",
    "effectiveFrom",
    "nextRunTime",
    "observedGeneration",
)


@dataclass(frozen=True)
class Trigger:
    """How long one of his triggers took, and what the tenant did meanwhile."""

    name: str
    seconds: float
    slowest_request: float  # of his own meanwhile, in seconds
    crowd: float  # how many processes shared a processor: everything takes so many times as long
    during: str

    @property
    def late(self) -> bool:
        return self.seconds > SECONDS * self.crowd + REQUESTS * self.slowest_request


@dataclass
class Neighbour:
    """Works in a thread of his own. ``kubelet`` is the admin, who plays one: no pod runs here."""

    account: Account
    kubelet: Account
    during: str = "nothing"
    triggers: list[Trigger] = field(default_factory=list)
    error: BaseException | None = None
    _slowest: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)

    def settle(self) -> None:
        """Make his schedule, which is at work when this returns."""
        body = agent_schedule(SCHEDULE, concurrencyPolicy="Allow", history={"succeeded": 100})
        answer = self.account.send(create(SCHEDULES, body))
        assert not answer.refused, answer.words
        wait_for(lambda: self.picture()["status"].get("phase") == "Active", "the neighbour's schedule at work", 30)

    def picture(self) -> dict[str, Any]:
        """All of his that only he and the operator for him may change, and that his runs do not move."""
        schedule, cronjob = self.account.get(SCHEDULES, SCHEDULE), self.kubelet.get(CRONJOBS, SCHEDULE)
        status = schedule.get("status") or {}
        conditions = {c["type"]: (c["status"], c["reason"]) for c in status.get("conditions") or ()}
        conditions.pop("LastRunSucceeded", None)
        return {
            "uids": [item.get("metadata", {}).get("uid") for item in (schedule, cronjob)],
            "spec": [item.get("spec") for item in (schedule, cronjob)],
            "labels": [item.get("metadata", {}).get("labels") for item in (schedule, cronjob)],
            "status": {field: status[field] for field in FIXED if field in status},
            "conditions": conditions,
        }

    def start(self) -> None:
        """Trigger until ``stop``, and again after it."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._live, name="neighbour", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends when his last trigger has its answer."""
        self._stop.set()
        self._thread.join(GIVE_UP + EVERY)

    def _live(self) -> None:
        number, due = len(self.triggers), time.monotonic()
        try:
            while not self._stop.wait(max(0.0, due - time.monotonic())):
                due = max(due + EVERY, time.monotonic())
                self.triggers.append(self._trigger(f"n{number}", by_annotation=number % 2 == 0))
                self._play_kubelet()
                number += 1
        except BaseException as error:  # for whoever asks: a thread tells nobody
            self.error = error

    def _trigger(self, name: str, by_annotation: bool) -> Trigger:
        during, begun = self.during, time.monotonic()
        if by_annotation:
            body = {"metadata": {"annotations": {names.ANNOTATION_TRIGGER: name}}}
            answer = self.account.send(patch(SCHEDULES, SCHEDULE, body))
        else:
            answer = self.account.send(create(RUNS, schedule_run(name, SCHEDULE)))
        assert not answer.refused, answer.words
        self._slowest = time.monotonic() - begun
        while not self._is_answered(name, by_annotation) and time.monotonic() < begun + GIVE_UP:
            time.sleep(0.1)
        crowd = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
        return Trigger(name, time.monotonic() - begun, self._slowest, crowd, during)

    def _is_answered(self, name: str, by_annotation: bool) -> bool:
        begun = time.monotonic()
        found = self.account.get(*((SCHEDULES, SCHEDULE) if by_annotation else (RUNS, name)))
        self._slowest = max(self._slowest, time.monotonic() - begun)
        status = found.get("status") or {}
        return status.get("lastTrigger", {}).get("token") == name if by_annotation else bool(status)

    def _play_kubelet(self) -> None:
        """End the pods that are there."""
        now = rfc3339(datetime.now(UTC))
        end = {"terminated": {"exitCode": 0, "message": "done", "startedAt": now, "finishedAt": now}}
        agent = {"name": names.AGENT_CONTAINER, "image": "", "imageID": "", "ready": False, "restartCount": 0}
        status = {"phase": "Succeeded", "startTime": now, "containerStatuses": [agent | {"state": end}]}
        for pod in self.kubelet.get(PODS, query="?fieldSelector=status.phase%3DPending").get("items") or ():
            self.kubelet.send(patch(PODS, pod["metadata"]["name"], {"status": status}, "status"))

    def runs_end_well(self) -> None:
        """Each of his runs has Succeeded, there is none that he did not make, and each is counted once."""
        made = len(self.triggers)

        def counted() -> Body:
            self._play_kubelet()
            counts: Body = (self.account.get(SCHEDULES, SCHEDULE).get("status") or {}).get("counts") or {}
            return counts if counts.get("succeeded") == made else {}

        counts = wait_for(counted, f"{made} of the neighbour's runs that have succeeded", 30)
        assert (counts["manual"], counts["failed"]) == (made, 0)
        left = min(made, 100)

        def pruned() -> list[Body]:
            runs: list[Body] = self.account.get(RUNS)["items"]
            return runs if len(runs) == left else []

        runs = wait_for(pruned, f"{left} runs, as history has it", 30)
        assert {run["status"]["phase"] for run in runs} == {"Succeeded"}
        names_of_runs = {run["metadata"]["name"] for run in runs}
        assert {job["metadata"]["name"] for job in self.kubelet.get(JOBS)["items"]} <= names_of_runs
