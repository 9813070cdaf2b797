"""What the agent is given: environment in, a ``Task`` out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from agentschedule.names import Env

REQUIRED = (Env.RUN_NAME, Env.SCHEDULE_NAME, Env.RESULT_PATH)
USAGE_KEYS = ("input_tokens", "output_tokens", "total_tokens")
MAX_SLEEP_SECONDS = 86_400  # the longest timeoutSeconds that a schedule may have


class UsageError(Exception):
    """The environment is not the contract; the message is the sentence for the author."""


class Task(NamedTuple):
    """One attempt's orders."""

    given: dict[str, str]  # the contract's variables that are set
    params: dict[str, Any]

    @property
    def message(self) -> str:
        return self.given.get(Env.MESSAGE, "")


def read(environ: Mapping[str, str]) -> Task:
    """The contract's variables and the parsed params; the message may be in a file. Raises UsageError."""
    given = {env.value: environ[env] for env in Env if environ.get(env)}
    missing = [env.value for env in REQUIRED if env not in given]
    if missing:
        raise UsageError(f"{', '.join(missing)} must be set: an AgentSchedule's pod has them (see README)")
    if Env.MESSAGE_FILE in given:
        given[Env.MESSAGE] = _text(given[Env.MESSAGE_FILE])
    return Task(given, _params(given.get(Env.PARAMS, "{}")))


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"{Env.MESSAGE_FILE}: cannot read {path}: {error.strerror}") from None


def _params(text: str) -> dict[str, Any]:
    try:
        params = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{Env.PARAMS} is not JSON: {error}") from None
    if not isinstance(params, dict):
        raise UsageError(f'{Env.PARAMS} must be a JSON object such as {{"region": "emea"}}')
    return params


def check_behaviours(params: Mapping[str, Any]) -> None:
    """The params of the sample agent: those that it knows must make sense. Raises UsageError."""
    for key, (check, sentence) in BEHAVIOURS.items():
        if key in params and not check(params[key]):
            raise UsageError(f"{Env.PARAMS}: {key} must be {sentence}")


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _whole(value: Any, most: int) -> bool:
    return type(value) is int and 0 <= value <= most


def _seconds(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= MAX_SLEEP_SECONDS


def _error(value: Any) -> bool:
    types = {"code": str, "message": str, "retryable": bool}
    return (
        isinstance(value, dict)
        and isinstance(value.get("message"), str)
        and all(key in types and isinstance(part, types[key]) for key, part in value.items())
    )


def _usage(value: Any) -> bool:
    return isinstance(value, dict) and all(
        snake_case(key) in USAGE_KEYS and _whole(count, 2**53) for key, count in value.items()
    )


def snake_case(key: str) -> str:
    """``inputTokens`` as ``input_tokens``: params speak as manifests do, results as the contract does."""
    return re.sub(r"[A-Z]", lambda upper: f"_{upper[0].lower()}", key)


# What params may ask for. Other keys are the agent's own business; `output` may be any JSON.
BEHAVIOURS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "sleepSeconds": (_seconds, f"a number of seconds from 0 to {MAX_SLEEP_SECONDS}"),
    "exitCode": (lambda value: _whole(value, 255), "a whole number from 0 to 255"),
    "error": (_error, 'an object such as {"code": "Busy", "message": "try later", "retryable": true}'),
    "costUSD": (lambda value: type(value) in (str, int, float), 'a decimal number as a string, such as "0.045"'),
    "usage": (_usage, 'an object such as {"inputTokens": 120, "outputTokens": 30, "totalTokens": 150}'),
}
