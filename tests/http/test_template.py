"""What is filled into a body or a URL, where things are found in an answer, and what of a result is kept."""

from __future__ import annotations

import contextlib
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from agentschedule.runner import result
from agentschedule.runner.contract import Task
from agentschedule.runner.http import a2a, agno, langgraph
from agentschedule.runner.http.redact import Redactor
from agentschedule.runner.http.run import Failure, Run, usage
from agentschedule.runner.http.template import fill, fill_url, find, variables
from agentschedule.runner.http.transport import same_place

WORDS = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


def task(message: str = "", **params: Any) -> Task:
    return Task({"AGENT_MESSAGE": message, "AGENT_PARAMS": json.dumps(params), "AGENT_MODEL": "m"}, params)


@given(WORDS)
def test_a_message_arrives_as_it_is(message: str) -> None:
    filled = fill({"a": ["$(AGENT_MESSAGE)", "say $(AGENT_MESSAGE)!"]}, task(message))
    assert filled == {"a": [message, f"say {message}!"]}


@given(st.dictionaries(WORDS, JSON, max_size=4))
def test_params_arrive_as_an_object(params: dict[str, Any]) -> None:
    given_task = Task({"AGENT_PARAMS": json.dumps(params)}, params)
    assert fill({"p": "$(AGENT_PARAMS)"}, given_task) == {"p": params}
    assert json.loads(fill("$(AGENT_PARAMS) ", given_task)) == params


@given(JSON.filter(lambda value: "$(" not in json.dumps(value)))
def test_what_holds_no_variable_stays(template: Any) -> None:
    assert fill(template, task("x")) == template


@given(WORDS)
def test_a_message_stays_one_part_of_a_query(message: str) -> None:
    url = fill_url("http://a/ask?q=$(AGENT_MESSAGE)&b=1", variables(task(message)))
    parts = urlsplit(url)
    assert (parts.netloc, parts.path, parts.fragment) == ("a", "/ask", "")
    assert parse_qs(parts.query, keep_blank_values=True) == {"q": [message], "b": ["1"]}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a.b.1.c", 2),
        ("a.b.0", {"c": 1}),
        ("a.b.9", None),
        ("a.b.-1", None),
        ("a.b.c", None),
        ("a.x.y", None),
        ("n", None),
        ("n.x", None),
        ("0", "zero"),
    ],
)
def test_a_path_finds_what_is_there_and_nothing_else(path: str, found: Any) -> None:
    assert find({"a": {"b": [{"c": 1}, {"c": 2}]}, "n": None, "0": "zero"}, path) == found


@given(JSON, WORDS)
def test_a_path_never_fails(document: Any, path: str) -> None:
    find(document, path)


@given(st.lists(JSON, max_size=8), WORDS, WORDS, JSON)
def test_a_result_always_fits(requirements: list[Any], word: str, sentence: str, output: Any) -> None:
    run = Run(
        run_id=word * 99,
        session_id=word * 99,
        failure=Failure(word * 99, sentence * 99, retryable=True),
        model=word * 99,
        cost_usd=word * 99,
        usage={"input_tokens": 2**53, "output_tokens": 2**53, "total_tokens": 2**53},
        requirements=tuple(requirements * 9),
        output=output,
    )
    encoded = result.encode(run.fields(500))
    assert len(encoded) <= result.MAX_BYTES
    assert json.loads(encoded)["status"] == "failed"


@given(JSON, st.text('abz019+/="\\ü', min_size=4))
def test_a_secret_is_taken_out_wherever_it_is(value: Any, secret: str) -> None:
    redacted = Redactor([secret]).value({"x": [value, f"a{secret}b", {secret: 1}]})
    assert secret not in flat(redacted).replace("[secret]", "\0")


def flat(value: Any) -> str:
    if isinstance(value, dict):
        return "\0".join(key + "\0" + flat(part) for key, part in value.items())
    return "\0".join(map(flat, value)) if isinstance(value, list) else value if isinstance(value, str) else ""


@pytest.mark.parametrize(
    ("said", "counted"),
    [
        ({"inputTokens": 1, "output_tokens": 2}, {"input_tokens": 1, "output_tokens": 2}),
        ({"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "x": {}}, [1, 2, 3]),
        ({"input_tokens": True, "output_tokens": -1, "total_tokens": "3"}, {}),
        ("many", {}),
    ],
)
def test_tokens_are_known_by_their_usual_names(said: Any, counted: Any) -> None:
    found = usage(said)
    assert (list(found.values()) if isinstance(counted, list) else found) == counted


@pytest.mark.parametrize(
    ("there", "same"),
    [
        ("http://a/y", True),
        ("http://a:80/y", True),
        ("http://A/y", True),
        ("https://a/y", False),
        ("https://a:8443/y", False),
        ("http://a:81/y", False),
        ("http://b/y", False),
        ("http://a.b/y", False),
    ],
)
def test_the_same_server_is_one_scheme_host_and_port(there: str, same: bool) -> None:
    assert same_place(URL("http://a/x"), URL(there)) is same
    assert not same_place(URL("https://a/x"), URL("http://a/x"))


KEYS = [
    "status",
    "state",
    "message",
    "parts",
    "text",
    "data",
    "file",
    "artifacts",
    "result",
    "task",
    "id",
    "content",
    "tools",
    "requirements",
    "metrics",
    "tool_execution",
    "values",
    "messages",
    "type",
    "interrupts",
    "value",
    "tasks",
    "error",
    "next",
    "usage_metadata",
    "response_metadata",
]
ANSWERS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["PAUSED", "success", "completed", "ai", "text", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=20,
)
OBJECTS = st.dictionaries(st.sampled_from(KEYS), ANSWERS, max_size=8)


@given(OBJECTS, st.sampled_from(["success", "interrupted", "error", ""]))
def test_whatever_a_server_answers_is_read_or_refused_in_words(answer: dict[str, Any], status: str) -> None:
    for read in (lambda: agno._read(answer, Run("r")), lambda: langgraph._read(status, answer, Run("r"))):
        result.encode(read().fields(200))
    with contextlib.suppress(Failure):
        result.encode(a2a._read(answer).fields(200))
    a2a._interfaces({"supportedInterfaces": answer.get("parts"), "additionalInterfaces": answer.get("data")})
