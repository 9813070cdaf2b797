"""The operator as a process of this machine: tests start it, kill it, and start it again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tools.cluster.daemons import wait_until
from tools.cluster.paths import ROOT

READY_TIMEOUT = 60.0  # seconds; about 2 are usual, four workers on two cores need more
STOP_TIMEOUT = 30.0  # seconds


class OperatorProcess:
    """`python -m agentschedule` with a kubeconfig; as a context manager it ends with the block."""

    module = "agentschedule"  # a test may start one of its own, which starts this one

    def __init__(self, kubeconfig: Path, log: Path, env: Mapping[str, str] | None = None) -> None:
        """`env` is added to this process's environment; the log file is appended to over restarts."""
        self.kubeconfig, self.log = kubeconfig, log
        self.health_port, self.metrics_port = free_port(), free_port()
        self._env = dict(env or {})
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, wait: bool = True) -> Self:
        """Start it, and return when /readyz says 200."""
        if self.running:
            raise RuntimeError("the operator already runs")
        command = [sys.executable, "-m", self.module]
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(command, cwd=ROOT, env=self._environment(), stdout=out, stderr=out)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self) -> None:
        """Return when the operator is ready; raise with its log when it ended or takes too long."""
        wait_until(lambda: self.ready() or not self.running, READY_TIMEOUT)
        if not self.ready():
            state = "is not ready" if self.running else "ended"
            raise RuntimeError(f"the operator {state}\n{self.log}:\n{self.log.read_text()[-4000:]}")

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Of the process: another one after each start."""
        assert self._process is not None
        return self._process.pid

    @property
    def memory(self) -> float:
        """MiB of this machine's memory that the process holds now."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    @property
    def cpu(self) -> float:
        """Seconds of processor that the process has taken."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")

    def metrics(self) -> str:
        """What /metrics says now."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=10) as answer:
            return str(answer.read().decode())

    def kill(self) -> None:
        """SIGKILL: no clean-up of any kind."""
        self._end(signal.SIGKILL)

    def terminate(self) -> int:
        """SIGTERM, as Kubernetes does; returns the exit code."""
        return self._end(signal.SIGTERM)

    def send(self, number: signal.Signals) -> None:
        """A signal, whatever comes of it."""
        assert self._process is not None
        self._process.send_signal(number)

    def ended(self, seconds: float = STOP_TIMEOUT) -> int:
        """Wait until it has ended, by itself or by a signal, and return the exit code. Raises TimeoutExpired."""
        assert self._process is not None
        return self._process.wait(seconds)

    def check_log(self) -> None:
        """It has met no bug."""
        said = self.log.read_text()
        assert "Traceback" not in said, said[-4000:]

    def check_end(self) -> None:
        """SIGTERM: it must end well."""
        assert self.terminate() == 0, self.log.read_text()[-4000:]
        self.check_log()

    def __enter__(self) -> Self:
        """Start unless it runs already."""
        return self if self.running else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave nothing running."""
        self.kill()

    def _end(self, number: signal.Signals) -> int:
        if not self._process:
            return 0
        self._process.send_signal(number)
        try:
            return self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise

    def _environment(self) -> dict[str, str]:
        own = {
            "KUBECONFIG": str(self.kubeconfig),
            "AGENTSCHEDULE_HEALTH_PORT": str(self.health_port),
            "AGENTSCHEDULE_METRICS_PORT": str(self.metrics_port),
            "PYTHONPATH": str(ROOT / "operator"),
            "PYTHONUNBUFFERED": "1",
        }
        return {**os.environ, **own, **self._env}

    def ready(self) -> bool:
        """Whether /readyz says 200 now."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.health_port}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


class SharedOperator:
    """One operator for many tests: at work for those that ask for it, at rest for the others."""

    def __init__(self) -> None:
        """It does not run yet."""
        self._process: OperatorProcess | None = None

    def work(self, kubeconfig: Path, log: Path) -> OperatorProcess:
        """It is ready, and its log tells of what comes from now on."""
        process = self._process = self._process or OperatorProcess(kubeconfig, log)
        if process.running:
            process.check_log()
            os.truncate(process.log, 0)
        else:
            process.log.unlink(missing_ok=True)
            process.start()
        return process

    def rest(self) -> None:
        """It does not run; it must end well unless a test has killed it."""
        if self._process and self._process.running:
            self._process.check_end()


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
