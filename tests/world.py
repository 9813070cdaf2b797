"""The words in which integration and e2e tests speak: schedules and runs on a real cluster, seen from outside.

Builders return plain objects; a ``World`` applies them with kubectl and asks with the official client. Every wait has
a deadline, and says what it saw when it is over.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from agentschedule import names
from tests.fixtures import Api
from tools.cluster.base import Cluster

Body = dict[str, Any]
T = TypeVar("T")
NEVER = "0 0 29 2 *"  # no due time while a test runs
FULL = os.environ.get("AGENTSCHEDULE_FULL") == "1"  # `make test-full`: what is enough once is done again and again


def agent_schedule(name: str, schedule: str = NEVER, agent: Body | None = None, **spec: Any) -> Body:
    """An AgentSchedule; its image exists nowhere unless ``agent`` names one that does."""
    return {
        "apiVersion": names.API_VERSION,
        "kind": names.SCHEDULE_KIND,
        "metadata": {"name": name},
        "spec": {"schedule": schedule, "agent": {"image": "agent.test/none:1"} | (agent or {}), **spec},
    }


def schedule_run(name: str, schedule: str) -> Body:
    """A ScheduleRun, as a person makes one to run now."""
    return {
        "apiVersion": names.API_VERSION,
        "kind": names.RUN_KIND,
        "metadata": {"name": name},
        "spec": {"scheduleName": schedule},
    }


@dataclass(frozen=True)
class World:
    """One namespace of a cluster."""

    cluster: Cluster
    api: Api
    namespace: str

    def apply(self, *objects: Body) -> str:
        for body in objects:
            body["metadata"]["namespace"] = self.namespace
        return self.cluster.apply(*objects)

    def patch(self, name: str, **spec: Any) -> Body:
        """Edit a schedule's spec; returns the schedule. Raises ApiException with the API server's refusal."""
        return self._patch(names.SCHEDULE_PLURAL, name, {"spec": spec})

    def trigger(self, name: str, token: str) -> None:
        """Run now, by annotation."""
        self._patch(names.SCHEDULE_PLURAL, name, {"metadata": {"annotations": {names.ANNOTATION_TRIGGER: token}}})

    def kubectl(self, *args: str, check: bool = True) -> str:
        return self.cluster.kubectl("-n", self.namespace, *args, check=check)

    def schedule(self, name: str) -> Body:
        return self._custom(names.SCHEDULE_PLURAL, name)

    def status(self, name: str) -> Body:
        """A schedule's status; empty until it has one."""
        return self.schedule(name).get("status") or {}

    def condition(self, name: str, kind: str) -> Body:
        """A condition of a schedule; empty until it has it."""
        return next((c for c in self.status(name).get("conditions") or () if c["type"] == kind), {})

    def run(self, name: str) -> Body:
        return self._custom(names.RUN_PLURAL, name)

    def runs(self, schedule: str | None = None) -> list[Body]:
        """ScheduleRuns by name, of one schedule or of all."""
        found = self.api.custom.list_namespaced_custom_object(
            names.GROUP, names.VERSION, self.namespace, names.RUN_PLURAL
        )["items"]
        mine = [run for run in found if schedule in (None, run["spec"]["scheduleName"])]
        return sorted(mine, key=lambda run: str(run["metadata"]["name"]))

    def cronjob(self, name: str) -> Any:
        return self.api.batch.read_namespaced_cron_job(name, self.namespace)

    def jobs(self, schedule: str | None = None) -> list[Any]:
        """Jobs by name, of one schedule or of all."""
        selector = f"{names.LABEL_SCHEDULE}={schedule}" if schedule else ""
        found = self.api.batch.list_namespaced_job(self.namespace, label_selector=selector).items
        return sorted(found, key=lambda job: str(job.metadata.name))

    def pods(self, schedule: str | None = None) -> list[Any]:
        selector = f"{names.LABEL_SCHEDULE}={schedule}" if schedule else ""
        found = self.api.core.list_namespaced_pod(self.namespace, label_selector=selector).items
        return sorted(found, key=lambda pod: str(pod.metadata.name))

    def events(self, name: str, reason: str | None = None) -> list[Any]:
        """Events about an object, oldest first."""
        found = self.api.core.list_namespaced_event(self.namespace, field_selector=f"involvedObject.name={name}").items
        mine = [event for event in found if reason in (None, event.reason)]
        return sorted(mine, key=lambda event: event.metadata.creation_timestamp)

    def create(self, *objects: Body) -> None:
        """Make objects of our own kinds, through the API client: faster than kubectl, for tests that make many."""
        for body in objects:
            plural = names.RUN_PLURAL if body["kind"] == names.RUN_KIND else names.SCHEDULE_PLURAL
            self.api.custom.create_namespaced_custom_object(names.GROUP, names.VERSION, self.namespace, plural, body)

    def cancel(self, run: str) -> None:
        """Ask for the end of a run."""
        self._patch(names.RUN_PLURAL, run, {"spec": {"cancel": True}})

    def play_kubelet(self, job: str, exit_code: int = 0, message: str = "") -> None:
        """Where no kubelet runs: end the newest pod of a Job, as one would; waits for one that has not ended."""
        pod = self._open_pod(job)
        phase = "Failed" if exit_code else "Succeeded"
        self._say(pod, phase, {"terminated": {"exitCode": exit_code, "message": message} | _times(pod)})

    def start_pod(self, job: str) -> None:
        """Where no kubelet runs: start the agent in the newest pod of a Job."""
        self._say(self._open_pod(job), "Running", {"running": {"startedAt": rfc3339(datetime.now(UTC))}})

    def evict_pod(self, job: str) -> None:
        """Where no kubelet runs: take the newest pod of a Job away, as the drain of its node does."""
        pod = self._open_pod(job)
        why = {"type": names.DISRUPTION_TARGET, "status": "True", "reason": "EvictionByEvictionAPI"}
        ended = {"terminated": {"exitCode": 143, "message": ""} | _times(pod)}
        self._say(pod, "Failed", ended, conditions=[why])
        self.api.core.delete_namespaced_pod(pod.metadata.name, self.namespace, grace_period_seconds=0)

    def stop_pods(self, schedule: str) -> None:
        """Where no kubelet runs: end the pods whose deadline was moved to now, as one would."""
        for pod in self.pods(schedule):
            if is_open(pod) and pod.spec.active_deadline_seconds == 1:
                ended = {"terminated": {"exitCode": 0, "message": "stopped"} | _times(pod)}
                self._say(pod, "Failed", ended, reason=names.DEADLINE_EXCEEDED)

    def _say(self, pod: Any, phase: str, state: Body, **more: Any) -> None:
        """Only the agent's container and the phase: what others have written in the status stays."""
        container = {"name": names.AGENT_CONTAINER, "image": "", "imageID": "", "ready": False, "restartCount": 0}
        status = {"phase": phase, "containerStatuses": [container | {"state": state}], **more}
        status |= {"startTime": rfc3339(pod.metadata.creation_timestamp)}
        self.api.core.patch_namespaced_pod_status(pod.metadata.name, self.namespace, {"status": status})

    def _open_pod(self, job: str) -> Any:
        return wait_for(lambda: next(iter(self.open_pods(job)), None), f"a pod of Job {job} that has not ended")

    def open_pods(self, job: str) -> list[Any]:
        """The pods of a Job that have not ended, the newest first."""
        selector = f"{names.LABEL_JOB_NAME}={job}"
        found = self.api.core.list_namespaced_pod(self.namespace, label_selector=selector).items
        mine = (pod for pod in found if is_open(pod))
        return sorted(mine, key=lambda pod: str(pod.metadata.creation_timestamp), reverse=True)

    def _patch(self, plural: str, name: str, body: Body) -> Body:
        """A merge patch: kubectl takes a third of a second of CPU for the same."""
        patched: Body = self.api.custom.patch_namespaced_custom_object(
            names.GROUP, names.VERSION, self.namespace, plural, name, body
        )
        return patched

    def _custom(self, plural: str, name: str) -> Body:
        found: Body = self.api.custom.get_namespaced_custom_object(
            names.GROUP, names.VERSION, self.namespace, plural, name
        )
        return found


def is_open(pod: Any) -> bool:
    """True until a pod has ended."""
    return pod.status.phase not in ("Succeeded", "Failed")


def _times(pod: Any) -> Body:
    """Of a container that ends now."""
    now = datetime.now(UTC)
    running = [item.state.running for item in pod.status.container_statuses or () if item.state.running]
    return {"startedAt": rfc3339(running[0].started_at if running else now), "finishedAt": rfc3339(now)}


def wait_for(ask: Callable[[], T], what: str, seconds: float = 20.0) -> T:
    """Ask until the answer is true, and return it; fails with the last answer when the time is over."""
    begun = time.monotonic()
    while not (answer := ask()):
        waited = time.monotonic() - begun
        if waited > seconds:
            raise AssertionError(f"after {seconds:.0f} s there is still not {what}; last seen: {answer!r}")
        time.sleep(min(max(0.1, waited / 20), 0.5))  # who waits long asks seldom: the tests share two cores
    return answer


def stays(ask: Callable[[], bool], what: str, seconds: float) -> None:
    """Ask again and again for so long; fails at once when it is no longer so."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert ask(), f"no longer so: {what}"
        time.sleep(0.2)


def rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def next_minute(after: datetime | None = None) -> datetime:
    """The next full minute."""
    return (after or datetime.now(UTC)).replace(second=0, microsecond=0) + timedelta(minutes=1)


def sleep_until(moment: datetime) -> None:
    time.sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds()))
