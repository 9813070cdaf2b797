"""What a run is given, read from the environment of its Job."""

from __future__ import annotations

from typing import Any

import orjson
from pydantic import ValidationError

from agentschedule import names
from agentschedule.api.policies import MessageFrom
from agentschedule.api.run import RunInput
from agentschedule.names import Env
from agentschedule.plan.spec.depth import MAX_PARAMS_DEPTH, is_deeper
from agentschedule.plan.spec.env import unescape

Body = dict[str, Any]
# Of a message, and of params, that a record repeats: it is read by every watcher, and the Job has the whole.
MAX_INPUT_BYTES = 4096


def run_input(spec: Body) -> RunInput:
    """What the run is really given: read from its Job, not from today's schedule."""
    env = {item["name"]: unescape(item.get("value") or "") for item in _agent(spec).get("env") or ()}
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
        message_from=_message_from(spec) if env.get(Env.MESSAGE_FILE) else None,
        params=None if too_many else _without_nulls(params) or None,
        truncated=True if too_many or message != whole else None,
        model=env.get(Env.MODEL) or None,
        session_id=env.get(Env.SESSION_ID) or None,
    )


def _message_from(spec: Body) -> MessageFrom | None:
    """Where the message came from: a reference, never its content. A Job of somebody else may say anything."""
    volumes: list[Body] = spec["template"]["spec"].get("volumes") or []
    source = next((v.get("configMap") or {} for v in volumes if v["name"] == names.MESSAGE_VOLUME), {})
    items = source.get("items") or [{}]
    try:
        return MessageFrom.model_validate({"configMapKeyRef": {"name": source.get("name"), "key": items[0].get("key")}})
    except ValidationError:
        return None


def _without_nulls(value: Any) -> Any:
    """Objects without their nulls: in a merge patch, which our writes are, null means to remove."""
    if not isinstance(value, dict):
        return value
    return {field: _without_nulls(part) for field, part in value.items() if part is not None}


def _agent(spec: Body) -> Body:
    containers: list[Body] = spec["template"]["spec"].get("containers") or []
    return next((c for c in containers if c["name"] == names.AGENT_CONTAINER), {})
