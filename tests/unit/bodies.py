"""Raw bodies of the API, odd ones too, and what the operator makes of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson

from agentschedule import names
from agentschedule.api.base import rfc3339
from agentschedule.api.schedule import AgentSchedule
from agentschedule.cluster import parse
from agentschedule.cluster.store import Key, Store
from agentschedule.names import Env, SchedulePhase
from agentschedule.plan.actions import CreateCronJob, UpdateCronJob
from agentschedule.plan.answers import WaitingReason
from agentschedule.plan.objects import build
from agentschedule.plan.run.plan import plan_run
from agentschedule.plan.schedule.plan import plan_schedule
from agentschedule.plan.spec.timing import timing
from agentschedule.plan.spec.validate import validate
from tests.unit.builders import a_run, a_schedule, unexplained

Body = dict[str, Any]


KEY = Key("analytics", "report")
NOW = datetime(2026, 3, 2, 8, 0, 30, tzinfo=UTC)
FAR = "9999-12-31T23:59:59-01:00"
ODD_TIMES = [
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+01:00",
    "0000-01-01T00:00:00Z",
    "1969-12-31T23:59:00Z",
    "9000-01-01T00:00:00Z",
    "9999-12-31T23:59:00Z",
    "9999-12-31T23:59:59.5Z",
    FAR,
    "2026-01-01T00:00:00+99:99",
]


EDGE_TIMES = ["1970-01-01T00:00:00Z", "8999-12-31T23:59:00Z"]


def nested(levels: int, key: str = "a") -> Body:
    """Objects in each other, so many deep."""
    value: Body = {}
    for _ in range(levels - 1):
        value = {key: value}
    return value


def meta(name: str, **more: Any) -> Body:
    return {
        "name": name,
        "namespace": KEY.namespace,
        "uid": f"uid-of-{name}",
        "resourceVersion": "5",
        "generation": 1,
        "creationTimestamp": "2026-03-01T00:00:00Z",
        **more,
    }


def schedule_body(status: Body | None = None, **spec: Any) -> Body:
    agent = {"image": "agent.test/none:1"}
    when = {} if {"interval", "runAt"} & spec.keys() else {"schedule": "0 * * * *"}
    return {
        "metadata": meta(KEY.schedule),
        "spec": {"agent": agent, **when, **spec},
        "status": {"observedGeneration": 1} if status is None else status,
    }


def cronjob_body(annotations: dict[str, str] | None = None, **status: Any) -> Body:
    schedule = a_schedule()
    body = build.cronjob(schedule, timing(schedule.spec, "analytics/report"), suspend=False)
    return as_stored(body, annotations or {}) | {"status": {"lastScheduleTime": "2026-03-02T08:00:00Z", **status}}


def as_stored(body: Body, annotations: dict[str, str]) -> Body:
    """A CronJob as the API gives it back."""
    given = body["metadata"]
    owners = [{"uid": f"uid-of-{KEY.schedule}", "controller": True}]
    merged = given["annotations"] | annotations
    kept = meta(KEY.schedule, uid="cronjob-uid", labels=given["labels"], annotations=merged, ownerReferences=owners)
    return body | {"metadata": kept}


def written(action: CreateCronJob | UpdateCronJob, version: int) -> Body:
    """The CronJob after such a write, with its mark."""
    body = as_stored(action.body, {names.ANNOTATION_SPEC_GENERATION: "1"})
    body["metadata"]["resourceVersion"] = str(version)
    ahead = action.not_before if isinstance(action, UpdateCronJob) else None
    return body | {"status": {"lastScheduleTime": rfc3339(max(ahead or NOW, NOW))}}


def job_body(annotations: dict[str, str] | None = None, params: str | None = None) -> Body:
    env = [{"name": Env.PARAMS.value, "value": params}] if params is not None else []
    return {
        "metadata": meta(
            "report-1",
            labels={names.LABEL_SCHEDULE: KEY.schedule},
            annotations=annotations or {},
            ownerReferences=[{"uid": "cronjob-uid", "controller": True}],
        ),
        "spec": {"template": {"spec": {"containers": [{"name": names.AGENT_CONTAINER, "env": env}]}}},
    }


def pod_body(annotations: dict[str, str]) -> Body:
    return {
        "metadata": meta(
            "report-1-0-x",
            labels={names.LABEL_SCHEDULE: KEY.schedule},
            annotations=annotations,
            ownerReferences=[{"uid": "uid-of-report-1", "controller": True}],
        ),
        "spec": {},
        "status": {"phase": "Running"},
    }


def run_body(status: Body | None = None, **spec: Any) -> Body:
    reference = {"apiVersion": names.API_VERSION, "kind": names.SCHEDULE_KIND, "name": KEY.schedule}
    owner = reference | {"uid": f"uid-of-{KEY.schedule}", "controller": True}
    body = {
        "metadata": meta("report-1", ownerReferences=[owner]),
        "spec": {"scheduleName": KEY.schedule, "trigger": "Schedule", **spec},
    }
    return body | ({"status": status} if status else {})


# Nobody knows why a Job or pod waits.
NO_EVENTS = tuple(WaitingReason(f"uid-of-report-1{rest}", "") for rest in ("", "-0-x"))


def read_and_plan(*, schedule: Body | None = None, **bodies: Body) -> tuple[Store, list[Body]]:
    """Everything into the store, and each plan down to the bytes that would be sent; returns the statuses."""
    store = Store()
    store.schedules.put(schedule or schedule_body())
    for table, body in bodies.items():
        getattr(store, table).put(body)
    statuses = []
    for version in range(6, 10):
        known = store.schedule(KEY)
        if known is None:
            break
        plan = plan_schedule(known, unexplained(store.observed(KEY)), NOW)
        statuses += sent(plan.status)
        for action in plan.actions:
            orjson.dumps(getattr(action, "body", {}))
            if isinstance(action, CreateCronJob | UpdateCronJob):
                store.cronjobs.put(written(action, version))
    world = replace(store.observed(KEY), answers=NO_EVENTS)
    for run in store.runs.of(KEY):
        statuses += sent(plan_run(run, store.schedule(KEY), world, NOW).status)
    return store, statuses


def sent(status: Any) -> list[Body]:
    return [orjson.loads(orjson.dumps(status.wire()))] if status else []


def problem(**spec: Any) -> str:
    """What the operator says against a schedule."""
    store, statuses = read_and_plan(schedule=schedule_body(**spec))
    known = store.schedule(KEY)
    assert known is not None
    assert not store.cronjobs.of(KEY)
    assert statuses[-1]["phase"] == SchedulePhase.INVALID
    return validate(known).message


COUNTS: Body = {"observedGeneration": 1, "counts": {"due": 7, "started": 7}, "handledTriggers": ["x"]}


def read_back(schedule: AgentSchedule, change: Any = None) -> Body:
    """The input of a manual run, as the operator reads it from the Job on the cluster."""
    body = build.manual_job(schedule, a_run())
    body["metadata"] |= {"uid": "u", "resourceVersion": "1", "creationTimestamp": "2026-03-02T08:00:00Z"}
    if change:
        change(body["spec"]["template"]["spec"])
    return parse.job(body).input.wire()
