"""A cluster for the tests of kubectl agentschedule: an API server of our two kinds and of logs, and its kubeconfig."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.unit.test_cli import Run, caller

BASE = "/apis/agentschedule.dev/v1alpha1/namespaces"
TOKEN = re.compile(r"[0-9a-f]{16}")
VERSION = dict.fromkeys(("buildDate", "compiler", "gitCommit", "gitTreeState", "goVersion", "major", "minor"), "1")
VERSION |= {"gitVersion": "v1.36.3", "platform": "linux/amd64"}


@pytest.fixture(name="run")
def run_fixture(capsys: pytest.CaptureFixture[str]) -> Run:
    return caller(capsys)


class World:
    """What the fake API server holds. `operator` is its answer to any token; None is an operator that sleeps."""

    def __init__(self) -> None:
        self.schedules: dict[str, dict[str, Any]] = {"analytics/daily": {"metadata": {"name": "daily"}}}
        self.runs: list[dict[str, Any]] = []
        self.operator: dict[str, Any] | None = None
        self.refuse: tuple[int, bytes] | None = None
        self.tokens: list[str] = []
        self.url = ""

    def annotate(self, key: str, patch: dict[str, Any]) -> None:
        (token,) = patch["metadata"]["annotations"].values()
        assert patch == {"metadata": {"annotations": {"agentschedule.dev/trigger": token}}}
        self.tokens.append(token)
        if self.operator is not None:
            answer = {"lastTrigger": {"token": token, **self.operator}}
            threading.Timer(0.3, self.schedules[key].update, [{"status": answer}]).start()


class Handler(BaseHTTPRequestHandler):
    """The API server: two kinds, and an answer to a merge patch."""

    world: World

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def answer(self, code: int, body: Any) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        if self.world.refuse:
            return self.answer(*self.world.refuse)
        if self.path == "/version/":
            return self.answer(200, VERSION)
        namespace, plural, *name = self.path.partition("?")[0].removeprefix(BASE + "/").split("/")
        if plural == "scheduleruns":
            return self.answer(200, {"items": self.world.runs if namespace == "analytics" else []})
        return self.schedule(f"{namespace}/{name[0]}")

    def do_PATCH(self) -> None:
        patch = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.world.refuse:
            return self.answer(*self.world.refuse)
        assert self.headers["Content-Type"] == "application/merge-patch+json"
        namespace, _, name = self.path.removeprefix(BASE + "/").split("/")
        if f"{namespace}/{name}" in self.world.schedules:
            self.world.annotate(f"{namespace}/{name}", patch)
        return self.schedule(f"{namespace}/{name}")

    def schedule(self, key: str) -> None:
        if key in self.world.schedules:
            return self.answer(200, self.world.schedules[key])
        return self.answer(404, {"kind": "Status", "details": {"name": key.split("/")[1]}})


@pytest.fixture
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Points the CLI at a server, in the namespace analytics."""

    def write(server: str) -> None:
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": server}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u", "namespace": "analytics"}}],
        }
        use(json.dumps(config))

    def use(text: str) -> None:
        path = tmp_path / "kubeconfig"
        path.write_text(text)
        # The library reads the variable once, when it is imported.
        monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))

    write.use = use  # type: ignore[attr-defined]
    return write


@pytest.fixture
def world(kubeconfig: Callable[[str], None]) -> Iterator[World]:
    world = World()
    with ThreadingHTTPServer(("127.0.0.1", 0), type("OfWorld", (Handler,), {"world": world})) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        world.url = f"http://127.0.0.1:{server.server_port}"
        kubeconfig(world.url)
        yield world
        server.shutdown()
        thread.join()
