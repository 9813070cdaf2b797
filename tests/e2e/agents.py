"""Agents that the tests run, and how to wait for what becomes of them. All of them are the bundled image."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from kubernetes.client import V1Namespace, V1ObjectMeta

from agentschedule import child_names, names
from agentschedule.names import RunPhase
from tests.fixtures import Api
from tests.world import Body, World, wait_for
from tools.cluster.base import Cluster
from tools.cluster.paths import IMAGE

PATIENCE = 120.0  # seconds until a pod has run, on a machine that has other work too
MINUTE = timedelta(minutes=1)


def runner(**more: Any) -> Body:
    """The sample agent: reads the contract, and does what ``params`` ask for."""
    return {
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-m", "agentschedule.runner"],
        **more,
    }


def shell(script: str, **more: Any) -> Body:
    """An agent that knows nothing of the contract. It goes at once when it is stopped."""
    quick = {"spec": {"terminationGracePeriodSeconds": 1}}
    return runner(command=["sh", "-c", script], podTemplate=quick) | more


def now() -> datetime:
    return datetime.now(UTC)


def sleep_until(moment: datetime) -> None:
    time.sleep(max(0.0, (moment - now()).total_seconds()))


def next_minute(preparation: float = 0.0) -> datetime:
    """The first full minute that is at least ``preparation`` seconds ahead."""
    earliest = now() + timedelta(seconds=preparation)
    return earliest.replace(second=0, microsecond=0) + MINUTE


def moment(text: str) -> datetime:
    """A time of the API, or of the contract."""
    return datetime.fromisoformat(text).astimezone(UTC)


def new_world(cluster: Cluster, api: Api) -> World:
    """A new namespace; who asks for it removes it."""
    name = f"t-{uuid.uuid4().hex[:8]}"
    api.core.create_namespace(V1Namespace(metadata=V1ObjectMeta(name=name)))
    wait_for(lambda: api.core.list_namespaced_service_account(name).items, "an account for pods", 60)
    return World(cluster, api, name)


def seen(world: World, *schedules: str) -> None:
    """Wait until the operator knows the schedules: a token that is there before that starts nothing."""
    for name in schedules:
        wait_for(lambda: world.condition(name, "Ready").get("status") == "True", f"{name} Ready", 60)  # noqa: B023


def trigger(world: World, schedule: str, token: str = "now") -> Body:
    """Run now, by annotation; returns the operator's answer."""
    world.trigger(schedule, token)
    return answer(world, schedule, token)


def answer(world: World, schedule: str, token: str, seconds: float = 30) -> Body:
    """What the operator answers to a token."""

    def given() -> Body:
        last: Body = world.status(schedule).get("lastTrigger") or {}
        return last if last.get("token") == token else {}

    return wait_for(given, f"an answer to token {token} of {schedule}", seconds)


def is_final(run: Body) -> bool:
    phase = (run.get("status") or {}).get("phase")
    return phase is not None and RunPhase(phase).final


def ended(world: World, run: str, seconds: float = PATIENCE) -> Body:
    """The run, once it has ended."""
    wait_for(lambda: is_final(world.run(run)), f"the end of run {run}", seconds)
    return world.run(run)


def run_events(world: World, run: str) -> list[Any]:
    """Events about a run itself, and not about the Job of the same name."""
    return [event for event in world.events(run) if event.involved_object.kind == names.RUN_KIND]


def scheduled_run(world: World, schedule: str, due: datetime, seconds: float = PATIENCE) -> Body:
    """The run of a due time, once it has ended."""
    name = child_names.scheduled_job_name(schedule, due)
    wait_for(lambda: name in [run["metadata"]["name"] for run in world.runs(schedule)], f"run {name}", seconds)
    return ended(world, name, seconds)


def left_of(world: World, schedule: str) -> list[str]:
    """All that a schedule made and that still exists."""
    cronjobs = world.api.batch.list_namespaced_cron_job(world.namespace).items
    made = [item.metadata.name for item in (*world.jobs(schedule), *world.pods(schedule))]
    made += [item.metadata.name for item in cronjobs if item.metadata.name == schedule]
    return made + [run["metadata"]["name"] for run in world.runs(schedule)]


def has_policy(world: World) -> bool:
    """Whether the chart's policy tells agents when they were due: it needs Kubernetes 1.36."""
    return "scheduled-time" in world.cluster.kubectl("get", "mutatingadmissionpolicies", "-o", "name", check=False)


def log(world: World, run: Body) -> str:
    """What the agent wrote."""
    return world.kubectl("logs", run["status"]["pod"])


def told(text: str) -> dict[str, str]:
    """The contract's variables that the sample agent prints."""
    pairs = (line.partition("=") for line in text.splitlines() if line.startswith("AGENT_"))
    return {name: value for name, _, value in pairs}


def condition(run: Body, kind: str) -> str | None:
    """The status of a run's condition."""
    return next((c["status"] for c in run["status"].get("conditions", ()) if c["type"] == kind), None)
