"""Long-lived processes with pid files, so that a later process can stop what a crashed one left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

GRACE = 5.0  # seconds between SIGTERM and SIGKILL
FRUGAL = {"GOGC": "300"}  # of processors, not of memory: Go collects its garbage a third as often


def start(name: str, state: Path, command: list[str]) -> None:
    """Start `command` in a session of its own, log to STATE/log/NAME.log, note it in STATE/pid/NAME."""
    log, pids = state / "log", state / "pid"
    log.mkdir(exist_ok=True)
    pids.mkdir(exist_ok=True)
    with (log / f"{name}.log").open("ab") as out:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            cwd=state,
            env=os.environ | FRUGAL,
        )
    (pids / name).write_text(f"{process.pid} {start_time(process.pid)}")
    _children[process.pid] = process


def is_running(name: str, state: Path) -> bool:
    """Whether the process noted under `name` lives."""
    return _noted(state / "pid" / name) is not None


def stop(name: str, state: Path, kill: bool = False) -> None:
    """End the process noted under `name` (SIGTERM, then SIGKILL) and wait until it is gone."""
    file = state / "pid" / name
    if pid := _noted(file):
        end([pid], 0 if kill else GRACE)
    file.unlink(missing_ok=True)


def kill_all(state: Path) -> None:
    """End every process noted in STATE/pid, all at once and at once: their data goes too."""
    files = sorted((state / "pid").glob("*")) if (state / "pid").is_dir() else []
    end([pid for file in files if (pid := _noted(file))], 0)
    for file in files:
        file.unlink()


def end(pids: list[int], grace: float) -> None:
    """SIGTERM, `grace` seconds, SIGKILL; returns when all are gone."""
    if grace:
        _send(pids, signal.SIGTERM)
        if wait_until(lambda: not any(map(_alive, pids)), grace):
            return
    _send(pids, signal.SIGKILL)
    if not wait_until(lambda: not any(map(_alive, pids)), 10):
        raise RuntimeError(f"processes {[pid for pid in pids if _alive(pid)]} survive SIGKILL")


def wait_until(condition: Callable[[], bool], timeout: float, interval: float = 0.05) -> bool:
    """Ask until `condition` holds or the time is over; says which."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(interval)
    return True


def start_time(pid: int) -> str:
    """A process's start in clock ticks since boot: with the pid it names one process for good ("" = none)."""
    fields = _stat(pid)
    return fields[19] if fields else ""


def with_argument(text: str) -> Iterator[int]:
    """Processes that have `text` as one argument: how containerd's shims are found without containerd."""
    wanted = text.encode()
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if wanted in entry.read_bytes().split(b"\0"):
                yield int(entry.parent.name)
        except OSError:
            continue


_children: dict[int, subprocess.Popen[bytes]] = {}


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return []


def _noted(file: Path) -> int | None:
    """The pid in a pid file, if it still is the process that was noted there."""
    if not file.exists() or len(words := file.read_text().split()) != 2:
        return None
    pid = int(words[0])
    return pid if start_time(pid) == words[1] and _alive(pid) else None


def _alive(pid: int) -> bool:
    if child := _children.get(pid):
        return child.poll() is None  # also reaps it
    fields = _stat(pid)
    return bool(fields) and fields[0] != "Z"


def _send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        if _alive(pid):
            os.kill(pid, number)
