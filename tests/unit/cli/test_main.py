"""kubectl agentschedule as a program: its commands, and how it ends."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from agentschedule.cli.main import COMMANDS
from tests.unit.cli.world import ROOT, Run


def test_a_command_is_a_module_of_its_name() -> None:
    modules = {name: getattr(command, "__name__", "") for name, command in COMMANDS.items()}
    assert modules == {name: f"agentschedule.cli.{name}" for name in COMMANDS}


def test_no_command_is_a_wrong_question(run: Run) -> None:
    assert run().code == 2


def test_output_into_a_closed_pipe_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "agentschedule.cli.main", "next", "@daily"]
    env = {"PYTHONPATH": str(ROOT / "operator")}
    ended = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, env=env, timeout=30, check=False)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_no_kubeconfig_at_all_is_one_sentence(tmp_path: Path) -> None:
    env = {"PYTHONPATH": str(ROOT / "operator"), "HOME": str(tmp_path), "KUBECONFIG": str(tmp_path / "none")}
    command = [sys.executable, "-m", "agentschedule.cli.main", "trigger", "daily"]
    ended = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert re.fullmatch(r"error: no usable kubeconfig .*\n", ended.stderr)
