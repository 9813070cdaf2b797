"""All that a command prints goes through here, so that no word of the cluster commands the terminal.

Names, messages and logs are written by others: an escape sequence in them could clear the screen, change its title, or
show another line than the one that is there. ``print`` is forbidden in the other modules.
"""

from __future__ import annotations

import codecs
import io
import re
import sys
from collections.abc import Iterable
from typing import TextIO

_BLANK = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
# It changes the colour and nothing else: what it adorned reads better without it.
_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
# Control characters, those that turn the direction of what follows, and halves of characters.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_CONTROL_IN_A_LOG = re.compile(rf"(?![\n\t]){_CONTROL.pattern}")


def say(*lines: str) -> None:
    """Print each line, and keep it one line, whatever it holds."""
    _print(sys.stdout, lines)


def note(*lines: str) -> None:
    """The same beside the output proper, where a pipe does not take it along."""
    _print(sys.stderr, lines)


def plain(text: str) -> str:
    """One line: breaks are blanks, and a control character is shown as ``\\x1b``."""
    return _shown(_CONTROL, _BLANK.sub(" ", text))


def copy(chunks: Iterable[bytes]) -> None:
    """A log, as it comes. On a terminal its control characters are shown; a file or a pipe gets every byte as it is."""
    if not sys.stdout.isatty():
        for chunk in chunks:
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
        return
    # A character, and a \r\n, may be divided between two pieces. A lone \r would write over its own line.
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8")("replace"), translate=True)
    for chunk in chunks:
        _write(decoder.decode(chunk))
    _write(decoder.decode(b"", final=True))


def _write(text: str) -> None:
    sys.stdout.write(_shown(_CONTROL_IN_A_LOG, text))
    sys.stdout.flush()


def _print(stream: TextIO, lines: Iterable[str]) -> None:
    for line in lines:
        print(plain(line), file=stream, flush=True)


def _shown(controls: re.Pattern[str], text: str) -> str:
    return controls.sub(lambda found: found[0].encode("unicode_escape").decode(), _COLOUR.sub("", text))
