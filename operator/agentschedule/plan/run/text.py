"""Texts and JSON of others' making, made fit for a status that every reader takes, and for a terminal. Pure; for
``plan.result``.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

MAX_DEPTH = 32  # levels of nested JSON that are kept
MAX_EXACT_INTEGER = 2**53  # beyond, JSON readers disagree

_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours and cursor movements
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"  # titles, links and other strings with an end
    r"|\x1b[ -/]*[0-~]"
)
# Control characters but tab and newline, and halves of surrogate pairs, which UTF-8 cannot hold.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]|[\ud800-\udfff]")


def clean(text: str) -> str:
    """Text without terminal escapes, NUL and other control characters; tabs and newlines stay."""
    lines = _ESCAPES.sub("", text.removeprefix("\ufeff")).replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROLS.sub("", lines)


def parse(text: str) -> Any:
    """JSON with what Python's own writers add (NaN becomes null). Raises ValueError, RecursionError."""
    return json.loads(text, strict=False, parse_constant=lambda _: None, parse_float=_finite)


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def is_json(text: str) -> bool:
    try:
        return isinstance(parse(text), dict | list)
    except (ValueError, RecursionError):
        return False


def plain_json(value: Any, depth: int = MAX_DEPTH) -> Any:
    """JSON that every reader takes: cleaned strings, long integers as strings, and null where it nests too deep."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, int) and abs(value) > MAX_EXACT_INTEGER:
        return str(value)
    if isinstance(value, dict):
        return {clean(key): plain_json(part, depth - 1) for key, part in value.items()} if depth else None
    if isinstance(value, list):
        return [plain_json(part, depth - 1) for part in value] if depth else None
    return value
