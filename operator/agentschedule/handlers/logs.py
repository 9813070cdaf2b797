"""Log lines: one for each record, whatever its words are.

Names and messages of others go into them. What is no printable character is shown escaped, so that a name with a
newline cannot pass for a line of ours, and none moves the cursor of a terminal.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from types import TracebackType

INDENT = "    "
# Of a traceback: what recursion leaves is thousands of lines, and says the same in its first and last ones.
MOST_LINES = 200
Raised = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def printable(text: str) -> str:
    """The text, with everything in it that is not printable as its escape sequence."""
    return text if text.isprintable() else "".join(c if c.isprintable() else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()


class TextFormatter(logging.Formatter):
    """A line for people. A traceback follows it indented: no line of it begins as one of ours."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        record.message = printable(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Raised) -> str:  # noqa: N802
        return _indented(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802
        return _indented(stack_info)


class JsonFormatter(logging.Formatter):
    """One JSON object a line, for log collectors. JSON escapes what is not ASCII."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = "\n".join(_shortened(self.formatException(record.exc_info).split("\n")))
        return json.dumps(line)


def _indented(text: str) -> str:
    """Each line of it; what an exception says may have lines as well, and is indented with the rest."""
    return "\n".join(INDENT + printable(line) for line in _shortened(text.split("\n")))


def _shortened(lines: list[str]) -> list[str]:
    if len(lines) <= MOST_LINES:
        return lines
    half = MOST_LINES // 2
    return [*lines[:half], f"… {len(lines) - 2 * half} lines …", *lines[-half:]]


def configure(level: str, style: str) -> None:
    """Log to standard error, as ``text`` or ``json``. Kopf's own progress is of no interest."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    logging.basicConfig(level=level, handlers=[handler])
    logging.getLogger("kopf").setLevel(max(logging.WARNING, logging.getLevelName(level)))
