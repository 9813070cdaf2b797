"""Bodies that attacks are made of."""

from __future__ import annotations

import json
from typing import Any

from agentschedule import names
from tests.hostile.tenant.accounts import Body
from tests.world import NEVER, agent_schedule, schedule_run

# A terminal obeys it, and a log would show what follows as a line of its own.
ESCAPES = "\x1b[2J\x1b[31m red\x07\r\nFORGED level=ERROR the operator was hacked\u2028\u202e"
YEARS = (
    "0000-01-01T00:00:00Z", "0000-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00",
)  # fmt: skip
# The spec of a schedule whose runs may say everything otherwise.
OVERRIDES: Body = {"manualRuns": {"allowOverrides": ["message", "params", "model", "timeoutSeconds"]}}
AGENT: Body = {"name": names.AGENT_CONTAINER, "image": "agent.test/none:1"}


def nested(levels: int) -> bytes:
    """An object in an object, so many deep, as JSON."""
    return b'{"a":' * levels + b"1" + b"}" * levels


def run_of(schedule: str, name: str, metadata: Body | None = None, **spec: Any) -> Body:
    body = schedule_run(name, schedule)
    body["spec"] |= spec
    body["metadata"] |= metadata or {}
    return body


def with_raw(body: Body, field: str, raw: bytes) -> bytes:
    """The same as JSON, with this field of the spec as it is written here."""
    marked = body | {"spec": body["spec"] | {field: "RAW"}}
    return json.dumps(marked).encode().replace(b'"RAW"', raw)


def schedule_of(name: str, metadata: Body | None = None, **spec: Any) -> Body:
    body = agent_schedule(name, **({"schedule": NEVER} | spec))
    body["metadata"] |= metadata or {}
    return body


def job_of(name: str, schedule: str, metadata: Body | None = None, **spec: Any) -> Body:
    """A Job with our label, suspended: no pod of it comes."""
    template = {"metadata": {}, "spec": {"restartPolicy": "Never", "containers": [AGENT]}}
    labelled: Body = {"name": name, "labels": {names.LABEL_SCHEDULE: schedule}}
    return {"metadata": labelled | (metadata or {}), "spec": {"suspend": True, "template": template} | spec}


def cronjob_of(name: str, spec: Body | None = None, metadata: Body | None = None) -> Body:
    """A CronJob with our label."""
    labelled: Body = {"name": name, "labels": {names.LABEL_SCHEDULE: name}}
    inner = {"spec": job_of("", "")["spec"] | {"suspend": False}}
    return {"metadata": labelled | (metadata or {}), "spec": {"schedule": NEVER, "jobTemplate": inner} | (spec or {})}


def agent_state(state: Body, phase: str = "Running", **more: Any) -> Body:
    """A patch of a pod's status, in which the agent's container is in this state."""
    container = {"name": names.AGENT_CONTAINER, "image": "", "imageID": "", "ready": False, "restartCount": 0}
    return {"status": {"phase": phase, "containerStatuses": [container | {"state": state}], **more}}


def pod_of(name: str, schedule: str, metadata: Body | None = None) -> Body:
    labelled: Body = {"name": name, "labels": {names.LABEL_SCHEDULE: schedule}}
    return {"metadata": labelled | (metadata or {}), "spec": {"containers": [AGENT]}}


def annotated(**annotations: str) -> Body:
    """A patch: each name without our prefix, with - written as _."""
    ours = {f"{names.GROUP}/{key.replace('_', '-')}": value for key, value in annotations.items()}
    return {"metadata": {"annotations": ours}}


def owned_by(kind: str, name: str, uid: str, **more: Any) -> Body:
    """Metadata that claims an owner."""
    group = "batch/v1" if kind in ("CronJob", "Job") else names.API_VERSION
    reference = {"apiVersion": group, "kind": kind, "name": name, "uid": uid, "controller": True, **more}
    return {"ownerReferences": [reference]}
