"""Nothing that others wrote commands the terminal: it is shown, and stays where it is printed."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentschedule.cli import output
from tests.unit.cli.world import NOW, ROOT, Run, World, condition, put_run, put_schedule, schedule

CLI = ROOT / "operator/agentschedule/cli"
# Clear the screen, set the title, turn the direction, write over the line, forge one, a C1 CSI, colour.
HOSTILE = "a\x1b[2Jb\x1b]0;t\x07c\u202ed\re\nerror: f\x9b1mg\x7fh\x1b[31mi\u2066j\x00k"
SHOWN = "a\\x1b[2Jb\\x1b]0;t\\x07c\\u202ed e error: f\\x9b1mg\\x7fhi\\u2066j\\x00k"


def commands(text: str) -> set[str]:
    """What of a text a terminal would obey."""
    return {char for char in text if char != "\n" and unicodedata.category(char) in ("Cc", "Cs")} | set(
        "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    ) & set(text)


def test_one_line_stays_one_line_and_shows_what_it_holds() -> None:
    assert output.plain(HOSTILE) == SHOWN
    assert output.plain("Über 漢字 \U0001f600: 4 %\u200d") == "Über 漢字 \U0001f600: 4 %\u200d"


@given(st.text())
def test_of_any_text_nothing_is_left_to_obey(text: str) -> None:
    shown = output.plain(text)
    assert not commands(shown)
    assert len(shown.splitlines()) <= 1
    assert output.plain(shown) == shown


def answers(world: World) -> None:
    """Every word that the cluster says is hostile."""
    world.operator = {"outcome": "Rejected", "message": HOSTILE, "reason": HOSTILE}
    put_schedule(world, suspend=True, suspendReason=HOSTILE)
    world.answer = {"phase": "Invalid", "conditions": [condition("Accepted", HOSTILE)]}
    attempt: dict[str, Any] = {"attempt": 1, "pod": "gone", "phase": "Failed", "startTime": NOW, "error": HOSTILE}
    put_run(world, "Failed", attempts=[attempt], reason="R", message=HOSTILE, duration=HOSTILE)


@pytest.mark.parametrize(
    ("command", "hostile"),
    [
        (("trigger", "daily"), True),
        (("pause", "daily"), True),
        (("resume", "daily"), True),
        (("runs",), True),
        (("logs", "daily-1"), True),
        (("logs", "daily-1", "--attempt", "2"), False),
        (("cancel", "daily-1"), False),
    ],
)
def test_every_command_shows_it(run: Run, world: World, command: tuple[str, ...], hostile: bool) -> None:
    answers(world)
    ended = run(*command)
    assert not commands(ended.out + ended.err)
    assert len((ended.out + ended.err).splitlines()) == (2 if command == ("runs",) else 1)
    assert ("a\\x1b[2Jb" in ended.out + ended.err) is hostile


def test_a_note_beside_the_output_shows_it_as_well(run: Run, world: World) -> None:
    world.schedules["analytics/daily"] = schedule(schedule="0 8 * * *", suspend=True, suspendReason=HOSTILE)
    assert run("next", "daily").err == f"daily is suspended ({SHOWN}): nothing is due until it is resumed.\n"


def test_a_refusal_of_the_cluster_is_shown_as_well(run: Run, world: World) -> None:
    world.refuse = (403, b'{"message": "no \\u001b[2J"}')
    assert run("runs").err == "error: no \\x1b[2J\n"


def test_no_other_module_prints() -> None:
    """`print` is forbidden by the linter; what remains are the streams themselves."""
    others = {path.name: path.read_text() for path in CLI.glob("*.py") if path.name != "output.py"}
    said = {name: [line.strip() for line in text.splitlines() if "sys.std" in line] for name, text in others.items()}
    left = {name: lines for name, lines in said.items() if lines}
    assert set(left) == {"main.py"}
    assert all("flush" in line or "fileno" in line for line in left["main.py"])


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_a_log_on_a_terminal_keeps_its_lines_and_loses_its_commands(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    log = "é\tone\r\ntwo\r three\x1b[2J\u202e\n漢".encode() + b"\xff"
    monkeypatch.setattr(sys, "stdout", screen := Terminal())
    output.copy(log[at : at + size] for at in range(0, len(log), size))
    assert screen.getvalue() == "é\tone\ntwo\n three\\x1b[2J\\u202e\n漢\ufffd"


def test_a_log_into_a_pipe_is_what_the_agent_wrote(run: Run, world: World) -> None:
    attempt = {"attempt": 1, "pod": "pod-a", "phase": "Running", "startTime": NOW}
    put_run(world, "Running", attempts=[attempt], pod="pod-a")
    world.logs = {"pod-a": b"\x1b[31mred\x1b[0m\r\n"}
    assert run("logs", "daily-1").out == "\x1b[31mred\x1b[0m\r\n"


@pytest.fixture
def screen() -> Iterator[tuple[int, int]]:
    """A real terminal: what reads from it, and what a program writes to."""
    reading, writing = pty.openpty()
    yield reading, writing
    os.close(reading)


def test_on_a_real_terminal_no_escape_arrives(world: World, tmp_path: Path, screen: tuple[int, int]) -> None:
    attempt = {"attempt": 1, "pod": "pod-a", "phase": "Running", "startTime": NOW}
    put_run(world, "Running", attempts=[attempt], pod="pod-a")
    world.logs = {"pod-a": b"\x1b]0;owned\x07\x1b[31mred\x1b[0m\n"}
    command = [sys.executable, "-m", "agentschedule.cli.main", "logs", "daily-1"]
    env = {"PYTHONPATH": str(ROOT / "operator"), "KUBECONFIG": str(tmp_path / "kubeconfig")}
    reading, writing = screen
    subprocess.run(command, stdout=writing, env=env, timeout=60, check=True)
    os.close(writing)
    assert os.read(reading, 1000) == b"\\x1b]0;owned\\x07red\r\n"
