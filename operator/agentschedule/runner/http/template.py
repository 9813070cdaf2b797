"""``$(AGENT_MESSAGE)`` in a URL or body, and dotted paths into an answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from agentschedule.names import Env
from agentschedule.runner.contract import Task

_VARIABLE = re.compile(r"\$\(([A-Z_]+)\)")
_PARAMS = f"$({Env.PARAMS})"


def variables(task: Task) -> dict[str, str]:
    """What may be filled in: the contract, and no other variable of the environment. What is not set is empty."""
    return {env.value: task.given.get(env, "") for env in Env} | {Env.PARAMS.value: task.given.get(Env.PARAMS, "{}")}


def fill(value: Any, task: Task) -> Any:
    """The template with the contract filled into its strings, once: what is filled in is not looked at again."""
    if isinstance(value, Mapping):
        return {key: fill(part, task) for key, part in value.items()}
    if isinstance(value, list):
        return [fill(part, task) for part in value]
    if value == _PARAMS:
        return task.params
    return _fill(value, variables(task)) if isinstance(value, str) else value


def fill_url(url: str, values: Mapping[str, str]) -> str:
    """The same for a URL: each value is encoded, so that it stays one part of a path or of a query."""
    return _fill(url, {name: quote(value, safe="") for name, value in values.items()})


def _fill(text: str, values: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: values.get(found[1], found[0]), text)


def find(document: Any, path: str) -> Any:
    """What is at a dotted path, such as choices.0.message; None if nothing is there."""
    for step in path.split("."):
        if isinstance(document, Mapping):
            document = document.get(step)
        elif isinstance(document, list) and step.isascii() and step.isdigit() and int(step) < len(document):
            document = document[int(step)]
        else:
            return None
    return document
