"""What the agent leaves: a result that always fits, always is valid JSON, written in place. For both runners."""

from __future__ import annotations

import json
from typing import Any

from agentschedule.names import Env
from agentschedule.runner.contract import Task, snake_case

# The kubelet keeps the last 4096 bytes of the file: a longer one would lose its head and be no JSON any more.
MAX_BYTES = 4096
# Bytes that the fields before `output` may take as JSON. Together they leave it more than half of the file.
MAX_FIELD_BYTES = 256
MAX_ERROR_BYTES = 1024
CUT_MARK = "…"


def answer(task: Task) -> tuple[dict[str, Any], int]:
    """The result that the params ask for, and the exit code: 1 if there is an error and no other code is asked for."""
    error = task.params.get("error")
    exit_code = task.params.get("exitCode", 1 if error else 0)
    if exit_code and not error:
        error = {"code": "ExitCode", "message": f"params asked for exit code {exit_code}"}
    output = task.params.get("output", f"{task.given.get(Env.NAME, 'The agent')} was asked: {task.message}")
    return compose(task, error, output), exit_code


def compose(task: Task, error: dict[str, Any] | None, output: Any) -> dict[str, Any]:
    """The contract's fields, cut so that they leave room for ``output``, which comes last."""
    attempt = task.given.get(Env.RETRY_COUNT, "0")
    params = task.params
    fields = {
        "status": "failed" if error else "succeeded",
        "run_id": cut(f"{task.given[Env.RUN_NAME]}-{attempt}", MAX_FIELD_BYTES),
        "error": failure(**error) if error else None,
        "model": cut(task.given.get(Env.MODEL, ""), MAX_FIELD_BYTES) or None,
        "cost_usd": cut(str(params["costUSD"]), MAX_FIELD_BYTES) if "costUSD" in params else None,
        "usage": {snake_case(key): count for key, count in params.get("usage", {}).items()} or None,
        "output": output,
    }
    return {key: value for key, value in fields.items() if value is not None}


def failure(message: str, code: str = "Failed", retryable: bool | None = None) -> dict[str, Any]:
    """The ``error`` of a result."""
    error: dict[str, Any] = {"code": cut(code, MAX_FIELD_BYTES), "message": cut(message, MAX_ERROR_BYTES)}
    return error if retryable is None else {**error, "retryable": retryable}


def encode(fields: dict[str, Any]) -> bytes:
    """At most 4096 bytes of UTF-8 JSON. An ``output`` that does not fit becomes text and is cut."""
    whole = to_json(fields)
    if len(whole) <= MAX_BYTES or "output" not in fields:
        return whole
    output = fields["output"]
    text = output if isinstance(output, str) else to_json(output).decode()
    room = MAX_BYTES - len(to_json({**fields, "output": ""})) + len(to_json(""))
    return to_json({**fields, "output": cut(text, room)})


def write(path: str, fields: dict[str, Any]) -> None:
    """Write the result in place: the file is a mount, so it cannot be renamed or replaced. Raises OSError."""
    # Unbuffered, so that the whole file is one write and a kill leaves no half of it.
    with open(path, "wb", buffering=0) as file:
        file.write(encode(fields))


def to_json(value: Any) -> bytes:
    # "replace", because an environment or a JSON escape may hold what is no character (a lone surrogate).
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def cut(text: str, limit: int) -> str:
    """The longest beginning of ``text`` that takes at most ``limit`` bytes as a JSON string, marked if cut."""
    if len(to_json(text)) <= limit:
        return text
    shortest, longest = 0, min(len(text), limit)
    while shortest < longest:
        middle = (shortest + longest + 1) // 2
        if len(to_json(text[:middle] + CUT_MARK)) <= limit:
            shortest = middle
        else:
            longest = middle - 1
    return text[:shortest] + CUT_MARK
