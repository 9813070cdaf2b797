"""Worlds to begin with: of the unit tests, and of real clusters (real/*.json), each a schedule with all that is its."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from agentschedule import names
from agentschedule.api.schedule import AgentSchedule
from agentschedule.cluster import parse
from agentschedule.plan.objects import build
from agentschedule.plan.spec.timing import timing
from tests.unit import bodies

Body = dict[str, Any]
REAL = Path(__file__).parent / "real"
INDEXED = {names.COMPLETION_INDEX: "0", names.INDEX_FAILURE_COUNT: "0"}
BY_CRONJOB = [{"apiVersion": "batch/v1", "kind": "CronJob", "name": "report", "uid": "cronjob-uid", "controller": True}]
RAN = {"startedAt": "2026-03-02T07:59:01Z", "finishedAt": "2026-03-02T07:59:31Z"}


@cache
def worlds() -> tuple[bytes, ...]:
    """JSON of tables with their objects; each read anew, so that nobody changes another's."""
    made = [*_of_unit_tests(), *(orjson.loads(path.read_bytes()) for path in sorted(REAL.glob("*.json")))]
    return tuple(map(orjson.dumps, made))


def _of_unit_tests() -> Iterator[dict[str, list[Body]]]:
    for spec in SPECS:
        for runs in RUNS:
            schedule = bodies.schedule_body(bodies.COUNTS | STATUS, **spec)
            world: dict[str, list[Body]] = {
                "schedules": [schedule],
                "cronjobs": [_cronjob(schedule)],
                "jobs": [],
                "pods": [],
                "runs": [],
            }
            for number, (run, job, pod) in enumerate(runs):
                world["runs"] += [_named(bodies.run_body(*run[:1], **run[1]), f"report-{number}")]
                world["jobs"] += [_named(bodies.job_body(), f"report-{number}") | job] if job is not None else []
                world["pods"] += [_pod(number) | {"status": pod}] if pod is not None else []
            yield world
            if runs and runs[0][0] is _BY_HAND:
                yield world | {"runs": [_unclaimed(run) for run in world["runs"]]}


def _unclaimed(run: Body) -> Body:
    """As its author made it: the operator has not seen it yet."""
    return run | {"metadata": run["metadata"] | {"ownerReferences": []}}


STATUS: Body = {
    "accountedThrough": "2026-03-02T06:00:00Z",
    "lastRun": {"name": "report-9", "phase": "Succeeded", "trigger": "Schedule"},
    "lastTrigger": {"token": "x", "time": "2026-03-01T00:00:00Z", "outcome": "Accepted", "reason": "Accepted"},
    "countedRuns": ["uid-of-report-9"],
}
SPECS: tuple[Body, ...] = (
    {},
    {
        "concurrencyPolicy": "Replace",
        "retry": {"limit": 3, "delaySeconds": 600},
        "session": {"mode": "Continue"},
        "params": {"region": "emea"},
        "manualRuns": {"allowOverrides": ["message", "params", "model", "timeoutSeconds"]},
    },
    {
        "interval": "90s",
        "concurrencyPolicy": "Allow",
        "startAt": "2026-03-01T00:00:00Z",
        "endAt": "2026-03-03T00:00:00Z",
    },
    {"runAt": "2026-03-02T08:00:00Z", "suspend": False, "history": {"succeeded": 0, "failed": 0}},
)
_WITH_JOB = {
    "jobUID": "uid-of-report-0",
    "phase": "Running",
    "startTime": "2026-03-02T07:59:01Z",
    "triggeredAt": "2026-03-02T07:59:00Z",
}
_FAILED = {"exitCode": 1, "reason": "Error", "message": '{"status": "failed", "error": "no"}', **RAN}
_BY_HAND: tuple[Body, Body] = ({}, {"trigger": "Manual"})
# Each: (status, spec) of a run, what differs in its Job, and the status of its pod.
RUNS: tuple[tuple[Any, ...], ...] = (
    (),
    ((_BY_HAND, None, None), (({}, {"trigger": "Manual", "params": {"a": 1}, "cancel": True}), None, None)),
    (
        (
            (_WITH_JOB, {}),
            {},
            {
                "phase": "Pending",
                "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}],
            },
        ),
    ),
    (
        (
            (_WITH_JOB, {}),
            {},
            {
                "phase": "Running",
                "startTime": RAN["startedAt"],
                "containerStatuses": [{"name": "agent", "state": {"running": {"startedAt": RAN["startedAt"]}}}],
            },
        ),
    ),
    (
        (
            (
                _WITH_JOB | {"attempts": [{"attempt": 1, "pod": "report-0-0-x", "phase": "Running"}]},
                {"trigger": "Manual"},
            ),
            {},
            {"phase": "Failed", "containerStatuses": [{"name": "agent", "state": {"terminated": _FAILED}}]},
        ),
        (_BY_HAND, None, None),
    ),
    (
        (
            (_WITH_JOB, {"scheduledTime": "2026-03-02T07:59:00Z"}),
            {
                "status": {
                    "startTime": RAN["startedAt"],
                    "completionTime": RAN["finishedAt"],
                    "conditions": [{"type": "Complete", "status": "True", "lastTransitionTime": RAN["finishedAt"]}],
                }
            },
            {
                "phase": "Succeeded",
                "containerStatuses": [{"name": "agent", "state": {"terminated": {"exitCode": 0, **RAN}}}],
            },
        ),
        (
            ({"phase": "Succeeded", "completionTime": "2026-03-02T06:01:00Z", "jobUID": "uid-of-report-1"}, {}),
            None,
            None,
        ),
    ),
)


def _cronjob(schedule: Body) -> Body:
    """The schedule's CronJob as the operator writes it: at rest until somebody edits one of the two."""
    read = parse.schedule(schedule)
    assert isinstance(read, AgentSchedule)
    wanted = build.cronjob(read, timing(read.spec, f"{bodies.KEY.namespace}/{bodies.KEY.schedule}"), suspend=False)
    listed = [{"name": "report-0", "uid": "uid-of-report-0"}]
    status = {"lastScheduleTime": "2026-03-02T08:00:00Z", "active": listed}
    return bodies.as_stored(wanted, {names.ANNOTATION_SPEC_GENERATION: "1"}) | {"status": status}


def _named(body: Body, name: str) -> Body:
    meta = body["metadata"]
    uid = f"uid-of-{name}" if "scheduleName" not in body["spec"] else f"uid-of-run-{name}"
    return body | {"metadata": meta | {"name": name, "uid": uid}}


def _pod(number: int) -> Body:
    body = _named(bodies.pod_body(INDEXED), f"report-{number}-0-x")
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": f"uid-of-report-{number}", "controller": True}
    return body | {"metadata": body["metadata"] | {"ownerReferences": [owner]}}
