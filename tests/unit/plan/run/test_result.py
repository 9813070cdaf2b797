"""What the operator makes of what an agent left: any text in, a result out, never an error."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agentschedule.plan.run.result import MAX_OUTPUT_BYTES, MAX_REQUIREMENTS_BYTES, read_result

NOTHING: dict[str, Any] = {}


def result_of(text: str | None) -> dict[str, Any]:
    """The result as it goes into a status."""
    return read_result(text).wire()


def plain(content: str) -> dict[str, Any]:
    return {"output": {"content": content, "contentType": "text/plain"}}


def test_every_field_of_the_contract_is_read() -> None:
    text = json.dumps(
        {
            "status": "failed",
            "run_id": "r-1",
            "session_id": "s-1",
            "status_code": 503,
            "error": {"code": "Busy", "message": "try later", "retryable": False},
            "model": "claude-sonnet",
            "cost_usd": "0.045",
            "usage": {"input_tokens": 120, "output_tokens": 30, "total_tokens": 150},
            "requirements": [{"type": "approval", "of": "Ann"}],
            "output_ref": "s3://bucket/run.json",
            "output": "Sales were up.",
        }
    )
    assert result_of(text) == {
        "status": "failed",
        "runId": "r-1",
        "sessionId": "s-1",
        "statusCode": 503,
        "error": {"code": "Busy", "message": "try later"},
        "retryable": False,
        "model": "claude-sonnet",
        "usage": {"inputTokens": 120, "outputTokens": 30, "totalTokens": 150, "costUSD": "0.045"},
        "requirements": [{"type": "approval", "of": "Ann"}],
        "output": {"content": "Sales were up.", "contentType": "text/plain", "ref": "s3://bucket/run.json"},
    }


TEXTS = [
    ("nothing was written", None, NOTHING),
    ("an empty file", "", NOTHING),
    ("blanks", " \n\t", NOTHING),
    ("nothing but escapes", "\x1b[0m\x00", NOTHING),
    ("plain text is the output", "Sales were up.\n", plain("Sales were up.")),
    ("a Python traceback is the output", "Traceback:\n  KeyError: 'a'", plain("Traceback:\n  KeyError: 'a'")),
    ("a Python dictionary is no JSON", "{'status': 'failed'}", plain("{'status': 'failed'}")),
    ("braces in prose", "{name} was here", plain("{name} was here")),
    ("a JSON string is text", '"done"', plain('"done"')),
    ("a number is text", "42", plain("42")),
    (
        "an object without a key of ours is the output",
        '{"answer": 42}',
        {"output": {"content": '{"answer": 42}', "contentType": "application/json"}},
    ),
    ("a list is the output", "[1, 2]", {"output": {"content": "[1, 2]", "contentType": "application/json"}}),
    ("an object with a key of ours and others", '{"status": "succeeded", "x": 1}', {"status": "succeeded"}),
    ("an error in a plain string", '{"error": "boom"}', {"error": {"message": "boom"}}),
    ("a result that says nothing", '{"output": "", "error": null, "usage": {}}', NOTHING),
    ("a log whose last line has a key of ours by chance", 'one\n{"status": "ok"}', plain('one\n{"status": "ok"}')),
    ("a byte order mark before the JSON", '\ufeff{"model": "m"}', {"model": "m"}),
    ("a real line break in a string", '{"output": "a\nb"}', plain("a\nb")),
    ("colours around the JSON", '\x1b[32m{"model": "m"}\x1b[0m\n', {"model": "m"}),
    ("a log whose last line is the result", 'starting\nready\n{"output": "done"}\n', plain("done")),
    ("a log whose last line is other JSON", 'ready\n{"level": "info"}', plain('ready\n{"level": "info"}')),
    ("a text that lost its head", 'tput": "x"}' + "x" * 4096, NOTHING),
    ("a full message of two-byte characters", "é" * 2048, NOTHING),
    ("one byte less is whole", "x" * 4095, plain("x" * 4095)),
    ("a full message that still is JSON", '{"output":"' + "x" * 4083 + '"}', plain("x" * 4083)),
    ("a long log with the result as its last line", "x" * 5000 + '\n{"output": "done"}', plain("done")),
    ("an object that breaks off in a string", '{"status": "failed", "output": "Sales we', NOTHING),
    ("an object that breaks off before a value", '{"status": "failed", "output":', NOTHING),
    ("an object that breaks off in a word", '{"status": "failed", "requirements": [tru', NOTHING),
    ("an object that breaks off in an object", '{"error": {"code": "Busy"', NOTHING),
    ("the kubelet lost the container", "The container could not be located when the pod was deleted.  The", NOTHING),
    (
        "the kubelet lost the container, again",
        "The container could not be located when the pod was terminated",
        NOTHING,
    ),
    ("the kubelet cannot read the log", "Error on reading termination message from logs: failed to open", NOTHING),
    ("the kubelet cannot read the file", "Error on reading termination log /var/lib/x: permission denied", NOTHING),
    (
        "the program does not exist",
        "failed to create containerd task: failed to create shim task: OCI runtime",
        NOTHING,
    ),
    ("the program cannot start", 'failed to start containerd task "agent": exec: "x": not found', NOTHING),
    ("CRI-O cannot start it", "container create failed: executable file not found in $PATH", NOTHING),
    ("nesting without end", "[" * 4000, plain("[" * 4000)),
    ("nesting without end in an object", '{"output": ' + "[" * 4000, plain('{"output": ' + "[" * 4000)),
    ("a number beyond all numbers", '{"requirements": [1e999, {"a": 1e999}]}', {"requirements": [{"a": None}]}),
    ("a number without end", '{"status_code": ' + "9" * 4000 + ', "model": "m"}', {"model": "m"}),
]


@pytest.mark.parametrize(("text", "expected"), [row[1:] for row in TEXTS], ids=[row[0] for row in TEXTS])
def test_a_text_is_read(text: str | None, expected: dict[str, Any]) -> None:
    assert result_of(text) == expected


WRONG: dict[str, list[Any]] = {
    "status": ["Succeeded", 1, ["failed"]],
    "run_id": [7, "", "\x1b[0m "],
    "session_id": [{"id": "s"}],
    "status_code": ["503", True, -1, 10**12, 50.5],
    "error": [["boom"], 7, [], {}, {"message": 7, "retryable": "no"}],
    "model": [["claude"]],
    "usage": ["many", {"input_tokens": -1, "output_tokens": "3", "total_tokens": 1e3}, {"input_tokens": True}],
    "cost_usd": [
        *("free", "$0.05", "", "-0.05", "NaN", "Infinity", "1e999", "1000001", "0.1_0", "\u0663"),
        *(-1, True, float("nan"), float("inf"), 10**400, 1e300, {"usd": 1}),
    ],
    "requirements": [{"type": "approval"}, [None], []],
    "output_ref": [7, ""],
    "output": [None, ""],
}
FIELDS = [(field, value) for field, values in WRONG.items() for value in values]


@pytest.mark.parametrize(("field", "value"), FIELDS, ids=[f"{field}={value!r:.40}" for field, value in FIELDS])
def test_a_field_that_is_wrong_is_dropped_alone(field: str, value: Any) -> None:
    healthy = {"run_id": "r-1"} if field != "run_id" else {"model": "m"}
    assert result_of(json.dumps({field: value, **healthy})) == result_of(json.dumps(healthy))


@pytest.mark.parametrize(
    ("cost", "expected"),
    [
        ("0.045", "0.045"),
        ("0.0450", "0.045"),
        (0.1, "0.1"),
        (0.00001, "0.00001"),
        ("1E+2", "100"),
        ("4.5e-2", "0.045"),
        (3, "3"),
        (" 3 ", "3"),
        (0, "0"),
        ("0.00", "0"),
        ("1e-300", "0"),
        ("007.50", "7.5"),
        ("1000000", "1000000"),
        ("0.1234567891", "0.123456789"),
    ],
)
def test_a_cost_is_a_plain_decimal(cost: Any, expected: str) -> None:
    assert result_of(json.dumps({"cost_usd": cost})) == {"usage": {"costUSD": expected}}


@pytest.mark.parametrize(
    ("output", "content"),
    [
        ({"rows": [1, "é"]}, '{"rows": [1, "é"]}'),
        ([], "[]"),
        (0, "0"),
        (False, "false"),
        ([float("nan")], "[null]"),
        ({"id": 2**60}, '{"id": "1152921504606846976"}'),
    ],
)
def test_an_output_that_is_no_string_is_json(output: Any, content: str) -> None:
    expected = {"output": {"content": content, "contentType": "application/json"}}
    assert result_of(json.dumps({"output": output})) == expected


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;a title without end", "0;a title without end"),
        ("\x1bcreset", "reset"),
        ("a\x00b\x07c\x7fd\x9be", "abcde"),
        ("50%\r100%\r\ndone\tnow", "50%\n100%\ndone\tnow"),
        ("half\ud83d a pair", "half a pair"),
        ("a whole one \U0001f600", "a whole one \U0001f600"),
    ],
)
def test_control_characters_never_reach_a_terminal(written: str, kept: str) -> None:
    assert result_of(json.dumps({"output": written})) == plain(kept)
    assert result_of(json.dumps({"error": {"message": written}}))["error"]["message"] == kept
    assert result_of(json.dumps({"requirements": [{written: [written]}]}))["requirements"] == [{kept: [kept]}]
    assert result_of(written) == plain(kept.strip())


def test_an_output_over_16_kib_is_cut_between_characters() -> None:
    whole = result_of(json.dumps({"output": "x" * MAX_OUTPUT_BYTES}))["output"]
    assert whole == {"content": "x" * MAX_OUTPUT_BYTES, "contentType": "text/plain"}
    cut = result_of(json.dumps({"output": "x" + "é" * MAX_OUTPUT_BYTES}))["output"]
    assert cut["content"] == "x" + "é" * (MAX_OUTPUT_BYTES // 2 - 1)
    assert cut["truncated"] is True


def test_long_strings_in_fields_are_cut() -> None:
    long = "x" * 5_000
    result = result_of(json.dumps({"run_id": long, "error": {"code": long, "message": long}, "output_ref": long}))
    assert [len(result["runId"]), len(result["error"]["code"])] == [253, 253]
    assert [len(result["error"]["message"]), len(result["output"]["ref"])] == [1024, 1024]


def test_an_error_with_only_a_code_has_a_message() -> None:
    assert result_of('{"error": {"code": "Busy"}}') == {"error": {"code": "Busy", "message": "Busy"}}


def test_retryable_counts_without_words() -> None:
    assert result_of('{"error": {"retryable": false}}') == {"retryable": False}


@pytest.mark.parametrize("status", ["ok", "success", "Succeeded", "error", True, 0])
def test_an_object_of_another_contract_is_the_output(status: Any) -> None:
    text = json.dumps({"status": status, "data": {"rows": 3}})
    assert result_of(text) == {"output": {"content": text, "contentType": "application/json"}}


def test_one_field_that_is_ours_makes_an_object_a_result() -> None:
    assert result_of('{"status": "ok", "model": "m", "data": 1}') == {"model": "m"}


def test_requirements_that_do_not_fit_are_left_out() -> None:
    large, small = "é" * (MAX_REQUIREMENTS_BYTES // 2), {"type": "approval"}
    assert result_of(json.dumps({"requirements": [small, large, small]})) == {"requirements": [small, small]}


def test_requirements_are_bounded() -> None:
    deep: Any = 1
    for _ in range(200):
        deep = [{"of": deep}]
    many = [deep, {"of": deep}] + [{"n": n} for n in range(99)]
    requirements = result_of(json.dumps({"requirements": many}))["requirements"]
    assert len(requirements) == 32
    for requirement in requirements[:2]:
        assert json.dumps(requirement).count("[") == json.dumps(requirement).count("{") == 16
    assert result_of(json.dumps({"requirements": [2**60]}))["requirements"] == [str(2**60)]
