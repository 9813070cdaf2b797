"""What is read where the termination message says nothing: the end of the log, and at last what was cut."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agentschedule.plan.run.result import MAX_OUTPUT_BYTES, needs_log, read_log, read_result

NOTHING: dict[str, Any] = {}
GONE = "unable to retrieve container logs for containerd://e788ff6eb312"


def output(content: str, truncated: bool = False) -> dict[str, Any]:
    whole = {"output": {"content": content, "contentType": "text/plain"}}
    return {"output": {**whole["output"], "truncated": True}} if truncated else whole


LOGS = [
    ("nothing was said", "", NOTHING),
    ("empty lines", "\n \n\x1b[0m\n", NOTHING),
    ("a result in the last line", 'one\n{"output": "two"}\n', output("two")),
    ("a result before empty lines", 'one\n{"model": "m"}\n\n  \n', {"model": "m"}),
    ("a result over several lines", '{\n  "model": "m"\n}\n', {"model": "m"}),
    ("a result before other lines is none", '{"model": "m"}\nbye\n', output('{"model": "m"}\nbye')),
    ("plain text is the output", "one\ntwo\n", output("one\ntwo")),
    ("JSON of another kind is text", 'one\n{"level": "info"}\n', output('one\n{"level": "info"}')),
    ("only JSON of another kind is text too", '{"level": "info"}\n', output('{"level": "info"}')),
    ("colours and NUL", "\x1b[32mon\x00e\x1b[0m\n", output("one")),
    ("a first line that is cut", '…tput": "x"}\n{"model": "m"}\n', {"model": "m"}),
    ("19 lines are all there are", "x\n" * 19, output("\n".join("x" * 19))),
    ("20 lines may not be all", "x\n" * 20, output("\n".join("x" * 20), truncated=True)),
    ("the kubelet has it no more", GONE, NOTHING),
    ("the file is gone", 'failed to try resolving symlinks in path "/var/log/pods/x": lstat', NOTHING),
    ("an agent that speaks of that", f"{GONE}\nso I stopped\n", output(f"{GONE}\nso I stopped")),
]


@pytest.mark.parametrize(("text", "expected"), [row[1:] for row in LOGS], ids=[row[0] for row in LOGS])
def test_a_log_is_read(text: str, expected: dict[str, Any]) -> None:
    assert read_log(text).wire() == expected


def test_of_a_long_log_the_end_is_the_output_between_characters() -> None:
    result = read_log("head" + "é" * MAX_OUTPUT_BYTES + "x").wire()
    assert result == output("é" * (MAX_OUTPUT_BYTES // 2 - 1) + "x", truncated=True)


def test_a_long_line_that_is_a_result_is_read() -> None:
    result = read_log("x\n" + json.dumps({"status": "failed", "output": "y" * 300_000})).wire()
    assert (result["status"], result["output"]["truncated"], len(result["output"]["content"])) == (
        "failed",
        True,
        MAX_OUTPUT_BYTES,
    )


CUT = 'tput": "' + "x" * 4096 + '"}'
MESSAGES = [
    ("nothing", None, True),
    ("blanks", " \n", True),
    ("a full message", CUT, True),
    ("JSON that breaks off", '{"status": "failed", "output": "Sa', True),
    ("the kubelet's words", "The container could not be located when the pod was deleted.", True),
    ("the end of a long line of the log", 'tput": "' + "x" * 2038 + '"}', True),
    ("the same, with a character cut", "\ufffd" + "x" * 2047, True),
    ("the end of several lines of the log", "one\n" + "x" * 2044, False),
    ("a text that is longer", "x" * 2051, False),
    ("plain text", "Sales were up.", False),
    ("a result", '{"status": "failed"}', False),
    ("a result that says nothing", '{"output": ""}', False),
]


@pytest.mark.parametrize(("message", "needed"), [row[1:] for row in MESSAGES], ids=[row[0] for row in MESSAGES])
def test_the_log_is_needed_where_the_message_says_nothing(message: str | None, needed: bool) -> None:
    assert needs_log(message) is needed
    result = read_result(message, '{"model": "of the log"}').wire()
    assert (result == {"model": "of the log"}) is needed


def test_without_a_log_a_message_that_was_cut_is_kept_as_it_is() -> None:
    assert read_result(CUT).wire() == NOTHING
    assert read_result(CUT, "").wire() == output(CUT, truncated=True)
    assert read_result(CUT, GONE).wire() == output(CUT, truncated=True)


@pytest.mark.parametrize("message", [None, "", "The container could not be located when the pod was deleted."])
def test_without_a_log_nothing_stays_nothing(message: str | None) -> None:
    assert read_result(message, "").wire() == NOTHING
