"""What a run is given, read from the environment of its Job."""

from __future__ import annotations

from typing import Any

import orjson
from pydantic import ValidationError

from agentschedule import names
from agentschedule.api.policies import MessageFrom
from agentschedule.api.run import RunInput
from agentschedule.cluster import fields
from agentschedule.names import Env
from agentschedule.plan.spec.depth import MAX_PARAMS_DEPTH, is_deeper
from agentschedule.plan.spec.env import unescape

Body = dict[str, Any]
# Of a message, and of params, that a record repeats: it is read by every watcher, and the Job has the whole.
MAX_INPUT_BYTES = 4096
# The variables that are read; a Job may have any number of others.
OURS = frozenset({Env.PARAMS.value, Env.MESSAGE.value, Env.MESSAGE_FILE.value, Env.MODEL.value, Env.SESSION_ID.value})


def run_input(pod: Body) -> RunInput:
    """What the run is really given: read from its Job's pod spec, not from today's schedule."""
    env = {fields.text(item, "name"): fields.text(item, "value") for item in fields.parts(_agent(pod), "env")}
    env = {name: unescape(env[name]) for name in OURS & env.keys()}
    try:
        params = orjson.loads(env.get(Env.PARAMS) or "{}")
    except orjson.JSONDecodeError:
        params = {}
    if not isinstance(params, dict) or is_deeper(params, MAX_PARAMS_DEPTH):
        params = {}
    whole = env.get(Env.MESSAGE) or ""
    message = whole.encode()[:MAX_INPUT_BYTES].decode(errors="ignore")
    too_many = len(env.get(Env.PARAMS, "").encode()) > MAX_INPUT_BYTES
    return RunInput(
        message=message or None,
        message_from=_message_from(pod) if env.get(Env.MESSAGE_FILE) else None,
        params=None if too_many else _without_nulls(params) or None,
        truncated=True if too_many or message != whole else None,
        model=env.get(Env.MODEL) or None,
        session_id=env.get(Env.SESSION_ID) or None,
    )


def _message_from(pod: Body) -> MessageFrom | None:
    """Where the message came from: a reference, never its content. A Job of somebody else may say anything."""
    volumes = (volume for volume in fields.parts(pod, "volumes") if volume.get("name") == names.MESSAGE_VOLUME)
    source = fields.part(next(volumes, {}), "configMap")
    item = next(iter(fields.parts(source, "items")), {})
    try:
        return MessageFrom.model_validate({"configMapKeyRef": {"name": source.get("name"), "key": item.get("key")}})
    except ValidationError:
        return None


def _without_nulls(value: Any) -> Any:
    """Objects without their nulls: in a merge patch, which our writes are, null means to remove."""
    if not isinstance(value, dict):
        return value
    return {field: _without_nulls(part) for field, part in value.items() if part is not None}


def _agent(pod: Body) -> Body:
    containers = fields.parts(pod, "containers")
    return next((c for c in containers if fields.text(c, "name") == names.AGENT_CONTAINER), {})
