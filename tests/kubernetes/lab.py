"""A namespace to experiment in: writes CronJobs and Jobs, plays the kubelet, and waits for what comes of it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from kubernetes.client import ApiClient, BatchV1Api, CoreV1Api, V1CronJob, V1Job, V1Pod, VersionApi, VersionInfo
from kubernetes.client.exceptions import ApiException

from tests.kubernetes.objects import Body, cronjob, listed, rfc3339, scheduled_time

SOON = 20.0  # seconds within which a controller does what it does at once; a busy machine needs some
QUIET = 4.0  # seconds in which nothing may happen; the controllers need tenths
POLL = 0.1  # seconds between two looks

T = TypeVar("T")


class Lab:
    """One namespace of a real cluster."""

    def __init__(self, client: ApiClient, prefix: str = "behaviour") -> None:
        """Make the namespace, and wait until pods may be made in it."""
        self.batch, self.core = BatchV1Api(client), CoreV1Api(client)
        self.namespace = f"{prefix}-{uuid.uuid4().hex[:8]}"
        self.core.create_namespace({"metadata": {"name": self.namespace}})
        self.wait(self._has_account, "a ServiceAccount for pods")

    def close(self) -> None:
        """Ask for the namespace's end; nobody waits for it. A Job that waits for a retry would keep it for ever."""
        self.batch.delete_collection_namespaced_job(self.namespace, propagation_policy="Background")
        self.core.delete_namespace(self.namespace)

    def version(self) -> VersionInfo:
        """Which Kubernetes this is."""
        return VersionApi(self.core.api_client).get_code()

    # CronJobs

    def add(self, body: Body) -> V1CronJob:
        """Create a CronJob."""
        return self.batch.create_namespaced_cron_job(self.namespace, body)

    def cronjob(self, name: str) -> V1CronJob:
        """Read a CronJob."""
        return self.batch.read_namespaced_cron_job(name, self.namespace)

    def edit(self, name: str, **spec: Any) -> V1CronJob:
        """Change fields of a CronJob's spec."""
        return self.batch.patch_namespaced_cron_job(name, self.namespace, {"spec": spec})

    def touch(self, name: str) -> None:
        """Write to a CronJob without changing its spec, so that the controller looks at it."""
        body = {"metadata": {"annotations": {"touched": uuid.uuid4().hex}}}
        self.batch.patch_namespaced_cron_job(name, self.namespace, body)

    def mark(self, name: str, moment: datetime) -> V1CronJob:
        """Write `status.lastScheduleTime`."""
        return self._status(name, {"lastScheduleTime": rfc3339(moment)})

    def join(self, name: str, *jobs: V1Job) -> V1CronJob:
        """Write `status.active`."""
        return self._status(name, {"active": [listed(job) for job in jobs]})

    def repair(self, name: str, job: V1Job) -> V1CronJob:
        """Write into the status what the controller would have written after it started the Job."""
        due = scheduled_time(job)
        assert due
        return self._status(name, {"active": [listed(job)], "lastScheduleTime": rfc3339(due)})

    def due(self, name: str, first: datetime, interval: int = 60, **spec: Any) -> V1CronJob:
        """A CronJob due at `first` and each `interval` seconds after: made suspended, marked, released."""
        self.add(cronjob(name, f"@every {interval}s", suspend=True, **spec))
        self.mark(name, first - timedelta(seconds=interval))
        return self.edit(name, suspend=False)

    def last(self, name: str) -> datetime | None:
        """`status.lastScheduleTime`."""
        return self.cronjob(name).status.last_schedule_time

    def active(self, name: str) -> list[str]:
        """The names in `status.active`."""
        return [entry.name for entry in self.cronjob(name).status.active or []]

    def events(self, name: str) -> set[str]:
        """The reasons of a CronJob's events."""
        chosen = f"involvedObject.kind=CronJob,involvedObject.name={name}"
        found = self.core.list_namespaced_event(self.namespace, field_selector=chosen)
        return {event.reason for event in found.items}

    # Jobs

    def add_job(self, body: Body) -> V1Job:
        """Create a Job."""
        return self.batch.create_namespaced_job(self.namespace, body)

    def job(self, name: str) -> V1Job:
        """Read a Job."""
        return self.batch.read_namespaced_job(name, self.namespace)

    def jobs_of(self, name: str) -> list[V1Job]:
        """The Jobs that a CronJob of this name controls."""
        found = self.batch.list_namespaced_job(self.namespace).items
        mine = [j for j in found if any(o.controller and o.name == name for o in j.metadata.owner_references or [])]
        return sorted(mine, key=lambda j: str(j.metadata.name))

    def started(self, name: str) -> list[datetime]:
        """The due times that a CronJob's Jobs stand for."""
        return [due for job in self.jobs_of(name) if (due := scheduled_time(job))]

    def condition(self, job: str, kind: str) -> str | None:
        """The reason of a Job's condition ("" if it has none), None while the condition is not True."""
        for condition in self.job(job).status.conditions or []:
            if condition.type == kind and condition.status == "True":
                return condition.reason or ""
        return None

    def release(self, job: V1Job, cronjob_reference: Body) -> V1Job:
        """Start a suspended Job and give it to its CronJob, in one patch."""
        body = {"metadata": {"ownerReferences": [cronjob_reference]}, "spec": {"suspend": False}}
        return self.batch.patch_namespaced_job(job.metadata.name, self.namespace, body)

    def pods(self, job: str) -> list[V1Pod]:
        """A Job's pods, the oldest first."""
        chosen = f"batch.kubernetes.io/job-name={job}"
        found = self.core.list_namespaced_pod(self.namespace, label_selector=chosen)
        return sorted(found.items, key=lambda pod: pod.metadata.creation_timestamp)

    def finish(self, job: str) -> None:
        """Play the kubelet: the Job's pod has succeeded; return when the Job is Complete."""
        pod = self.wait(lambda: self.pods(job), f"a pod of {job}")[0]
        ended = {"status": {"phase": "Succeeded"}}
        self.core.patch_namespaced_pod_status(pod.metadata.name, self.namespace, ended)
        self.wait(lambda: self.condition(job, "Complete") is not None, f"the end of {job}")

    # Time

    def wait(self, look: Callable[[], T | None], what: str, seconds: float = SOON) -> T:
        """Look until there is something, and return it."""
        deadline = time.monotonic() + seconds
        while not (found := look()):
            if time.monotonic() > deadline:
                raise AssertionError(f"{what}: not within {seconds:.0f} s\n{self.describe()}")
            time.sleep(POLL)
        return found

    def never(self, look: Callable[[], object], what: str, seconds: float = QUIET) -> None:
        """Look for a stated time, and complain if there is something."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert not look(), f"{what}\n{self.describe()}"
            time.sleep(POLL)

    def describe(self) -> str:
        """What is in the namespace, for a failure's message."""
        lines = [f"now {now()}"]
        for found in self.batch.list_namespaced_cron_job(self.namespace).items:
            name, last = found.metadata.name, found.status.last_schedule_time
            lines.append(f"{name}: last {last} active {self.active(name)} events {self.events(name)}")
            lines += [f"  {j.metadata.name} from {j.metadata.creation_timestamp}" for j in self.jobs_of(name)]
        return "\n".join(lines)

    def _status(self, name: str, status: Body) -> V1CronJob:
        return self.batch.patch_namespaced_cron_job_status(name, self.namespace, {"status": status})

    def _has_account(self) -> bool:
        try:
            return bool(self.core.read_namespaced_service_account("default", self.namespace))
        except ApiException as error:
            if error.status == 404:
                return False
            raise


def now() -> datetime:
    """The time in whole seconds, as Kubernetes keeps it."""
    return datetime.now(UTC).replace(microsecond=0)


def this_minute() -> datetime:
    """The full minute that has just begun."""
    return now().replace(second=0)


def two_due_times(seconds: int = 6) -> tuple[datetime, datetime, int]:
    """A due time just past, one `seconds` ahead that another name belongs to, and the interval between them."""
    first, second = this_minute() - timedelta(seconds=1), now() + timedelta(seconds=seconds)
    return first, second, int((second - first).total_seconds())


def sleep_until(moment: datetime) -> None:
    """Let a known time pass: nothing is waited for but the clock."""
    time.sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds()))
