"""One line for each record: what others write into names and messages cannot pass for a line of ours."""

from __future__ import annotations

import json
import logging
import sys
import unicodedata

import pytest

from agentschedule.handlers.logs import INDENT, JsonFormatter, TextFormatter

FORGED = "2026-03-02 08:00:00,000 INFO    agentschedule: all is well"
NASTY = {
    "newline": f"x\n{FORGED}",
    "return": f"x\r{FORGED}",
    "both": f"x\r\n{FORGED}",
    "next line": f"x\x85{FORGED}",
    "line separator": f"x\u2028{FORGED}",
    "vertical tab": f"x\v{FORGED}",
    "cursor": "x\x1b[2K\x1b[1A",
    "right to left": "x\u202egnp.exe",
    "null": "x\x00y",
    "lone surrogate": "x\ud800y",
}


def record(message: str, *args: object, **more: object) -> logging.LogRecord:
    return logging.makeLogRecord(
        {"name": "agentschedule.x", "levelname": "INFO", "msg": message, "args": args} | dict(more)
    )


def raised(message: str) -> logging.LogRecord:
    try:
        raise ValueError(message)
    except ValueError:
        return record("failed", exc_info=sys.exc_info())


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()], ids=["text", "json"])
def test_a_record_is_one_line_whatever_its_words_hold(formatter: logging.Formatter, text: str) -> None:
    line = formatter.format(record("%s/%s: made", text, "report"))
    assert len(line.splitlines()) == 1
    assert line.isprintable()
    line.encode()


def test_what_is_printable_stays_as_it_is() -> None:
    assert TextFormatter().format(record("größer, 大, 🙂 and %s", "a\\n")).endswith(": größer, 大, 🙂 and a\\n")


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_a_traceback_has_its_lines_and_none_of_them_begins_as_one_of_ours(text: str) -> None:
    first, *rest = TextFormatter().format(raised(text)).splitlines()
    assert first.endswith("agentschedule.x: failed")
    assert rest[0] == f"{INDENT}Traceback (most recent call last):"
    assert all(line.startswith(INDENT) for line in rest)
    assert not any(unicodedata.category(character) == "Cc" for line in rest for character in line)


def test_a_traceback_of_json_is_in_its_line() -> None:
    line = JsonFormatter().format(raised(NASTY["newline"]))
    assert len(line.splitlines()) == 1
    assert json.loads(line)["exception"].startswith("Traceback")


def test_a_traceback_has_an_end() -> None:
    text = TextFormatter().format(raised("\n" * 10_000))
    assert len(text.splitlines()) < 250
    assert "lines …" in text
