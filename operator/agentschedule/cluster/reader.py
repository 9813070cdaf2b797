"""JSON of the API, however deep it nests: one object must not hide all others of its list, nor end a watch.

JSON libraries give up at some depth, and the API takes more. Of such an answer, what lies deeper than any field that is
read becomes null: an object of that kind is still too deep to be accepted, and gets its answer like any other mistake.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final

import orjson

# Beyond all that ``plan.spec.depth`` allows, with a list and an object around it.
MAX_DEPTH: Final = 100
# Everything up to a bracket; a string is passed over whole, for brackets in it are none.
_TO_BRACKET = re.compile(rb'(?:[^"{}\[\]]++|"(?:[^"\\]++|\\.)*+")*+([{}\[\]])', re.DOTALL)
_OPENING = frozenset(b"{[")


async def read(raw: bytes) -> Any:
    """What was sent. Raises ValueError if it is no JSON. What takes long leaves the event loop to others."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return await asyncio.to_thread(lambda: orjson.loads(shallow(raw)))


def shallow(raw: bytes) -> bytes:
    """The same JSON, with null in the place of each object and list that lies deeper than ``MAX_DEPTH``."""
    kept: list[bytes] = []
    depth = begin = end = 0
    while match := _TO_BRACKET.match(raw, end):
        at, end = match.span(1)
        if raw[at] in _OPENING:
            depth += 1
            if depth == MAX_DEPTH + 1:
                kept += (raw[begin:at], b"null")
        else:
            if depth == MAX_DEPTH + 1:
                begin = end
            depth -= 1
    return b"".join((*kept, raw[begin:]))
