"""Runs the runner as its pod would: environment, files and command are those that the operator plans."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from agentschedule.api.http import HttpAgent
from agentschedule.names import HttpEnv
from agentschedule.plan.objects.http import http_parts
from agentschedule.plan.spec.env import unescape

ROOT = Path(__file__).parents[2]
# The runner on a machine whose name servers give one address after the other, the last for ever, and where one address
# of the loopback is as little allowed as those of a metadata service.
RESOLVING = """
import ipaddress, itertools, json, os, socket
from agentschedule.runner.http import guard
guard.FORBIDDEN = (*guard.FORBIDDEN, ipaddress.ip_network("127.0.0.2/32"))
answers = json.loads(os.environ["ANSWERS"])
turns = itertools.chain(answers, itertools.repeat(answers[-1]))
ask = socket.getaddrinfo
socket.getaddrinfo = lambda host, port, *a, **k: [
    entry for address in next(turns) for entry in ask(address, port, *a, **k)
]
from agentschedule.runner.http.__main__ import main
raise SystemExit(main())
"""
# The runner with shorter pauses between its tries.
IMPATIENT = """
from agentschedule.runner.http import transport
transport.START_PAUSES = transport.FOLLOW_PAUSES = (0.1, 0.1)
transport.CONNECT_SECONDS = 1.0
from agentschedule.runner.http.__main__ import main
raise SystemExit(main())
"""
GIVEN = {
    "AGENT_RUN_NAME": "daily-29384712",
    "AGENT_SCHEDULE_NAME": "daily",
    "AGENT_IDEMPOTENCY_KEY": "319418ea",
    "AGENT_TIMEOUT_SECONDS": "600",
    "AGENT_MODEL": "m-1",
    "AGENT_ALLOWED_TOOLS": "sql,charts",
    "AGENT_SCHEDULED_TIME": "2026-11-21T08:00:00Z",
    "AGENT_PARAMS": '{"region":"emea"}',
}


class Ended(NamedTuple):
    code: int
    log: str
    raw: bytes

    @property
    def result(self) -> dict[str, Any]:
        parsed = json.loads(self.raw)
        assert isinstance(parsed, dict)
        return parsed

    @property
    def error(self) -> dict[str, Any]:
        error = self.result["error"]
        assert isinstance(error, dict)
        return error


class Pod:
    """One attempt. ``secrets`` are those of the namespace, by name and key; the CA's file is ``ca``."""

    def __init__(self, directory: Path, http: dict[str, Any], secrets: dict[str, str] | None = None) -> None:
        parts = http_parts(HttpAgent.model_validate(http))
        self.result_file = directory / "termination-log"
        self.result_file.touch()
        self.env = {**GIVEN, "AGENT_RESULT_PATH": str(self.result_file), "PATH": os.environ["PATH"]}
        self.env["PYTHONPATH"] = str(ROOT / "operator")
        for item in parts.env:
            ref = item.get("valueFrom", {}).get("secretKeyRef")
            self.env[item["name"]] = (secrets or {})[f"{ref['name']}/{ref['key']}"] if ref else unescape(item["value"])
        if HttpEnv.CA_FILE in self.env:
            self.env[HttpEnv.CA_FILE] = str(directory / "ca.crt")
        self.command = [sys.executable, *parts.command[1:]]

    def impatient(self) -> Pod:
        self.command = [sys.executable, "-c", IMPATIENT]
        return self

    def resolving(self, *answers: list[str]) -> Pod:
        """Every name has these addresses, at one look after the other."""
        self.command = [sys.executable, "-c", RESOLVING]
        self.env["ANSWERS"] = json.dumps(answers)
        return self

    def given(self, **variables: str) -> Pod:
        self.env |= variables
        return self

    def start(self) -> Attempt:
        process = subprocess.Popen(
            self.command, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        return Attempt(process, self.result_file)

    def run(self) -> Ended:
        return self.start().end()


class Attempt:
    """The running program."""

    def __init__(self, process: subprocess.Popen[str], result_file: Path) -> None:
        self._process = process
        self._result_file = result_file
        self._log = ""

    def says(self, text: str) -> Attempt:
        """Waits until a line of the log holds the text."""
        assert self._process.stdout
        for line in self._process.stdout:
            self._log += line
            if text in line:
                return self
        raise AssertionError(f"it ended without {text!r}: {self._log}")

    def stop(self) -> Ended:
        """As the kubelet does it: at a cancel, and at the time limit."""
        self._process.send_signal(signal.SIGTERM)
        return self.end(10)

    def end(self, seconds: float = 20) -> Ended:
        rest, _ = self._process.communicate(timeout=seconds)
        log = self._log + rest
        assert "Traceback" not in log, log
        raw = self._result_file.read_bytes()
        assert len(raw) <= 4096
        return Ended(self._process.returncode, log, raw)
