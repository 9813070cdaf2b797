"""JSON that nests deeper than JSON libraries read."""

from __future__ import annotations

import asyncio
import json

import orjson
import pytest

from agentschedule.cluster.reader import MAX_DEPTH, read, shallow
from tests.unit.bodies import Body, nested


def deep(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


@pytest.mark.parametrize("levels", [1_100, 10_000, 250_000])
def test_what_nests_too_deep_is_cut_off_and_all_beside_it_is_read(levels: int) -> None:
    raw = b'{"first":"}]{[\\"{","deep":' + deep(levels) + b',"list":[{"x":1},[]],"last":2}'
    found: Body = asyncio.run(read(raw))
    inner, depth = found.pop("deep"), 0
    while inner is not None:
        inner, depth = inner["a"], depth + 1
    assert depth == MAX_DEPTH - 1
    assert found == {"first": '}]{["{', "list": [{"x": 1}, []], "last": 2}


def test_what_any_library_reads_stays_as_it_is() -> None:
    raw = orjson.dumps(nested(200))
    assert asyncio.run(read(raw)) == nested(200)
    raw = json.dumps([nested(MAX_DEPTH - 1), {"text": '"\\ } ü'}]).encode()
    assert shallow(raw) == raw


@pytest.mark.parametrize(
    "raw", [b"", b"<html>", b'{"a":' * 2_000, deep(2_000)[:-1], b"}" * 2_000, b'"' + b"\\" * 100_000]
)
def test_what_is_no_json_is_a_value_error(raw: bytes) -> None:
    with pytest.raises(ValueError, match="line 1"):
        asyncio.run(read(raw))
