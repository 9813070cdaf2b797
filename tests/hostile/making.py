"""Values from a schema, and edits of objects: the choices come from a ``Random``, which may be hypothesis' own."""

from __future__ import annotations

import marshal
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.hostile import odd
from tests.hostile.schemas import ANY, Schema

MAX_DEPTH = 12
Path = tuple[str | int, ...]


def value(rng: Random, schema: Schema, field: str = "", depth: int = 0) -> Any:
    """What a schema allows, mostly; often on an edge."""
    if field in odd.WORDS and rng.random() < 0.8:
        return rng.choice(odd.WORDS[field])
    kind = schema.get("type")
    if kind == "object":
        return _object(rng, schema, depth)
    if kind == "array":
        size = 0 if depth > MAX_DEPTH else rng.choice((0, 1, 1, 2, 3))
        return [value(rng, schema["items"], field, depth + 1) for _ in range(size)]
    if kind == "string":
        return _string(rng, schema)
    if kind == "integer":
        return _integer(rng, schema)
    if kind == "boolean":
        return rng.random() < 0.5
    return rng.choice(odd.JUNK) if kind is None else 1


def _object(rng: Random, schema: Schema, depth: int) -> Any:
    required, made = schema.get("required", ()), {}
    for name, part in schema.get("properties", {}).items():
        if name in required or (depth < MAX_DEPTH and rng.random() < 0.35):
            made[name] = value(rng, part, name, depth + 1)
    rest = schema.get("additionalProperties")
    if isinstance(rest, dict):
        made |= {rng.choice(odd.TEXTS): value(rng, rest, "", depth + 1) for _ in range(rng.choice((0, 1, 3)))}
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        made |= {rng.choice(odd.TEXTS): rng.choice(odd.JUNK)} if rng.random() < 0.3 else {}
    return made


def _string(rng: Random, schema: Schema) -> str:
    if schema.get("format") == "date-time":
        return rng.choice(odd.MOMENTS)
    if "enum" in schema and rng.random() < 0.95:
        return str(rng.choice(schema["enum"]))
    text = rng.choice(odd.TEXTS)
    return text[: schema["maxLength"]] if "maxLength" in schema and rng.random() < 0.9 else text


def _integer(rng: Random, schema: Schema) -> int | float:
    number = rng.choice(odd.NUMBERS)
    least, most = schema.get("minimum"), schema.get("maximum")
    if rng.random() < 0.9:
        number = number if least is None else max(number, least)
        number = number if most is None else min(number, most)
    return number


@dataclass(frozen=True)
class Edit:
    """One change of one object: the value at ``path`` is set, or taken away."""

    table: str
    index: int  # which of the table's objects
    path: Path
    gone: bool
    value: Any = None

    def apply(self, body: Any) -> None:
        """Nothing, where an earlier edit has taken the place away."""
        *way, last = self.path
        for step in way:
            try:
                body = body[step]
            except (KeyError, IndexError, TypeError):
                return
        if isinstance(body, dict) and isinstance(last, str):
            body.pop(last, None) if self.gone else body.update({last: self._copy()})
        elif isinstance(body, list) and isinstance(last, int) and last <= len(body):
            body[last : last + 1] = [] if self.gone else [self._copy()]

    def _copy(self) -> Any:
        """Later edits change what this one has set; deep values are copied too."""
        return marshal.loads(marshal.dumps(self.value))


# How often an edit stays on its way down: of a whole spec, of a whole status.
STOP = 0.08
# What only the API server writes, and no decision can do without.
FIXED = frozenset({("metadata",), *(("metadata", field) for field in ("name", "namespace", "uid", "resourceVersion"))})


def edit(rng: Random, table: str, index: int, body: Any, schema: Schema) -> Edit:
    """A change of the object, at a place that it has or could have."""
    if rng.random() < 0.15:
        path: Path = ("metadata", "annotations", rng.choice(odd.ANNOTATIONS))
        return Edit(table, index, path, False, rng.choice(odd.ANNOTATED))
    path, expected = _place(rng, body, schema)
    field = next((step for step in reversed(path) if isinstance(step, str)), "")
    draw = rng.random()
    if draw < 0.08:
        return Edit(table, index, path, True)
    if draw < 0.14:
        return Edit(table, index, path, False, rng.choice(odd.JUNK))
    return Edit(table, index, path, False, value(rng, expected, field))


def _place(rng: Random, body: Any, schema: Schema) -> tuple[Path, Schema]:
    """A way down the object, step by step, to something that is there or could be, and its schema."""
    path: Path = (rng.choice(("metadata", "spec", "spec", "status", "status")),)
    body, schema = body.get(path[0]), schema["properties"].get(path[0], ANY)
    while steps := _steps(body, schema):
        if path not in FIXED and rng.random() < STOP:
            break
        step, below = rng.choice(steps)
        if (*path, step) in FIXED:
            continue
        path, schema = (*path, step), below
        body = body.get(step) if isinstance(body, dict) else body[step] if step < len(body) else None  # type: ignore[operator]
    return path, schema


def _steps(body: Any, schema: Schema) -> list[tuple[str | int, Schema]]:
    """What is in an object, and what could be; of a list the first items, and one more."""
    if isinstance(body, list):
        return [(index, schema.get("items", ANY)) for index in range(min(len(body), 3) + 1)]
    if not isinstance(body, dict):
        return []
    known, rest = schema.get("properties", {}), schema.get("additionalProperties")
    return [(name, known.get(name, rest if isinstance(rest, dict) else ANY)) for name in dict.fromkeys((*body, *known))]
