"""What is kept of an object: how much memory it takes decides the operator, not whoever writes it.

Runs are many and live long. Of one that has ended stays what is counted and pruned by. Of one that has not, everything
that is within limits; what is beyond them gives the run its answer, and is not kept either.
"""

from __future__ import annotations

from typing import Any

import orjson

from agentschedule import names
from agentschedule.api.policies import MAX_TEXT
from agentschedule.plan.spec.depth import AGENT_TOO_DEEP, MAX_PARAMS_DEPTH, PARAMS_TOO_DEEP, is_deeper
from agentschedule.plan.spec.env import compact_json

Body = dict[str, Any]
KIB = 1024
# Of an AgentSchedule's spec, and of the agent in it, whose every part a decision looks at: message and params are
# limited by themselves, this is for podTemplate, lists and maps.
MAX_SPEC_BYTES, MAX_AGENT_BYTES = 256 * KIB, 64 * KIB
# Bytes: what is longer has more characters than fit, whichever they are. To look further into it would take long.
LONGEST = 4 * MAX_TEXT
MAX_OWNERS = 64
# What an ended run is counted, pruned and followed by.
OF_AN_ENDED_SPEC = ("scheduleName", "trigger", "scheduledTime", "cancel")
OF_AN_ENDED_STATUS = (
    "phase", "reason", "triggeredAt", "startTime", "completionTime", "durationSeconds", "sessionID", "job", "jobUID",
)  # fmt: skip
OURS = f"{names.GROUP}/"


def metadata(meta: Body) -> Body:
    """Without others' labels and annotations. Raises ValueError for what nobody writes in earnest."""
    owners = meta.get("ownerReferences") or []
    if len(owners) > MAX_OWNERS:
        raise ValueError(f"{len(owners)} ownerReferences; at most {MAX_OWNERS} are read")
    kept = {field: value for field, value in meta.items() if field not in ("managedFields", "finalizers")}
    return kept | {field: _ours(meta.get(field)) for field in ("labels", "annotations")}


def _ours(texts: Body | None) -> Body:
    return {key: value for key, value in (texts or {}).items() if key.startswith(OURS)}


def ended_spec(spec: Body) -> Body:
    return {field: spec[field] for field in OF_AN_ENDED_SPEC if field in spec}


def ended_status(status: Body) -> Body:
    return {field: status[field] for field in OF_AN_ENDED_STATUS if field in status}


def open_spec(spec: Body) -> tuple[Body, str | None]:
    """The spec of a run that has not ended, without params that are beyond the limits; and what is wrong with them."""
    problem = _too_much(spec.get("params"))
    return ({field: value for field, value in spec.items() if field != "params"} if problem else spec), problem


def _too_much(params: Any) -> str | None:
    """What is wrong with the params of a run, if they are not to be kept."""
    if not isinstance(params, dict):
        return None
    size = _size(params)
    if size is None or (size <= LONGEST and is_deeper(params, MAX_PARAMS_DEPTH)):
        return f"{PARAMS_TOO_DEEP}."
    if size <= MAX_TEXT or (size <= LONGEST and len(compact_json(params)) <= MAX_TEXT):
        return None
    fits = f"at most {MAX_TEXT:,} characters of JSON fit"
    return f"params is too large: {fits}; put large data where the agent can fetch it."


def _size(value: Any) -> int | None:
    """Bytes of JSON; None for what nests deeper than a writer of JSON goes."""
    try:
        return len(orjson.dumps(value))
    except orjson.JSONEncodeError:
        return None


def spec_problem(spec: Body) -> str | None:
    """Why the spec of an AgentSchedule is not taken in, if it is beyond all measure."""
    size = _size(spec)
    if size is None:
        return PARAMS_TOO_DEEP if is_deeper(spec.get("params"), MAX_PARAMS_DEPTH) else AGENT_TOO_DEEP
    agent = _size(spec.get("agent")) or 0
    if agent > MAX_AGENT_BYTES:
        return _too_large("agent", agent, MAX_AGENT_BYTES)
    return _too_large("spec", size, MAX_SPEC_BYTES) if size > MAX_SPEC_BYTES else None


def _too_large(what: str, size: int, most: int) -> str:
    fits = f"at most {most // KIB} fit: put large data where the agent can fetch it"
    return f"{what} is {size // KIB:,} KiB of JSON; {fits}"
