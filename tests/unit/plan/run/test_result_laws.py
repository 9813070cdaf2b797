"""What holds of every result, whatever an agent wrote: any text in, a small and valid status out, never an error."""

from __future__ import annotations

import json
from typing import Any

import orjson
from hypothesis import example, given
from hypothesis import strategies as st

from agentschedule.plan.run.result import (
    MAX_OUTPUT_BYTES,
    MAX_RESULT_BYTES,
    AgentResult,
    needs_log,
    read_log,
    read_result,
)

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(st.text(), parts, max_size=4),
    max_leaves=20,
)
KEYS = [
    "status", "run_id", "session_id", "status_code", "error", "model", "cost_usd", "usage", "requirements",
    "output_ref", "output",
]  # fmt: skip
NESTED = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("code", "message", "retryable", "input_tokens", "total_tokens"), ANY_JSON),
)
RESULTS = st.dictionaries(st.sampled_from(KEYS), ANY_JSON | NESTED)


def judge(result: AgentResult) -> None:
    """What must hold of every result: a status write takes it, and a terminal can show it."""
    wire = result.wire()
    written = json.dumps(wire, allow_nan=False, ensure_ascii=False).encode()
    assert json.loads(orjson.dumps(wire)) == json.loads(written)
    assert len(written) <= MAX_RESULT_BYTES
    content = wire.get("output", {}).get("content", "")
    assert len(content.encode()) <= MAX_OUTPUT_BYTES
    assert not {"\x00", "\x1b", "\x9b"} & set("".join(strings(wire)))


def strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = [*value.keys(), *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for part in parts for text in strings(part)]


@given(st.text(st.characters(codec=None)))
@example("\x1b" * 50 + "[")
@example("x" * 20_000)
def test_any_text_gives_a_result(text: str) -> None:
    judge(read_result(text))
    judge(read_result(text, text))
    judge(read_log(text))


@given(st.binary())
@example(b"\xff" * 20_000)
@example(b'{"output": "\xff' + b"\xf0\x9f\x98\x80" * 5_000 + b'"}')
def test_any_bytes_give_a_result(raw: bytes) -> None:
    judge(read_result(raw.decode(errors="replace"), raw.decode(errors="replace")))


@given(ANY_JSON | RESULTS)
@example({"output": "é" * 20_000})
@example(dict.fromkeys(KEYS, '"\n' * 200_000))
@example(dict.fromkeys(KEYS, "😀" * 100_000) | {"requirements": ["\U0001f600" * 300] * 32})
@example({"output": '"' * 20_000, "error": {"code": '"' * 999, "message": '"' * 9_999}})
@example({"output": {"x": "\x1b[0m" * 20_000}})
def test_any_json_gives_a_result(value: Any) -> None:
    judge(read_result(json.dumps(value)))
    judge(read_log("a line\n" + json.dumps(value)))


@given(RESULTS, st.integers(min_value=0, max_value=200))
def test_any_part_of_a_result_gives_a_result(value: dict[str, Any], kept: int) -> None:
    judge(read_result(json.dumps(value)[:kept]))
    judge(read_result(json.dumps(value)[-kept:]))


@given(st.text() | RESULTS.map(json.dumps))
def test_the_log_is_asked_for_only_where_it_can_say_more(text: str) -> None:
    log = '{"model": "of the log"}'
    model = read_result(text, log).model
    assert (model == "of the log") == needs_log(text)
    assert needs_log(text) <= (read_result(text) == AgentResult())
