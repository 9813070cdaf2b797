"""Fixtures: the real servers, each started once, and a way to make a hand-written one."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests import patience
from tests.http.fake import Fake, Handler
from tests.http.pod import ROOT, Pod

START_SECONDS = 60

__all__ = ["patience"]


@contextmanager
def served(name: str, log: Path) -> Iterator[str]:
    """A server of ``tests.http.servers``; yields its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with log.open("wb") as out:
        command = [sys.executable, "-m", f"tests.http.servers.{name}", str(port)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out)
    try:
        _wait(f"http://127.0.0.1:{port}", process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(START_SECONDS * 10):
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"{url} did not start: {log.read_text()}")


@pytest.fixture(scope="session")
def agno(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served("agno_os", tmp_path_factory.mktemp("agno") / "log") as url:
        yield url


@pytest.fixture(scope="session")
def a2a(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served("a2a_agent", tmp_path_factory.mktemp("a2a") / "log") as url:
        yield url


@pytest.fixture(scope="session")
def langgraph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served("langgraph_server", tmp_path_factory.mktemp("langgraph") / "log") as url:
        yield url


@pytest.fixture
def serve() -> Iterator[Callable[..., Fake]]:
    """Starts hand-written servers: ``serve(handler)``."""
    fakes: list[Fake] = []

    def start(handler: Handler, **options: Any) -> Fake:
        fakes.append(Fake(handler, **options))
        return fakes[-1]

    yield start
    for fake in fakes:
        fake.stop()


@pytest.fixture
def pod(tmp_path: Path) -> Callable[..., Pod]:
    """Makes the pod of an agent behind HTTP."""
    return lambda http, secrets=None: Pod(tmp_path, http, secrets)
