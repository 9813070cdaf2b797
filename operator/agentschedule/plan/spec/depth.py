"""How deep a value nests: JSON libraries give up on deep ones, Kubernetes' own included."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

NESTS = (BaseModel, dict, list, tuple)
# How deep params may nest, and what goes into the pod.
MAX_PARAMS_DEPTH, MAX_AGENT_DEPTH = 30, 50
PARAMS_TOO_DEEP = f"params is nested more than {MAX_PARAMS_DEPTH} levels deep: make it flatter, or write it as a string"
AGENT_TOO_DEEP = f"agent is nested more than {MAX_AGENT_DEPTH} levels deep: nothing that a pod may say is"


def is_deeper(value: Any, levels: int) -> bool:
    """True if models, objects and lists lie in each other more than ``levels`` deep. A loop: recursion is what fails
    on such values."""
    layer = [value]
    for _ in range(levels):
        layer = [part for item in layer for part in _parts(item) if isinstance(part, NESTS)]
    return any(isinstance(item, NESTS) for item in layer)


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, BaseModel):
        return (part for _, part in value)
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list | tuple) else ()
