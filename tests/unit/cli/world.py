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

from tests.unit.cli.test_main import Run, caller

BASE = "/apis/agentschedule.dev/v1alpha1/namespaces"
PODS = "/api/v1/namespaces/analytics/pods/"
TOKEN = re.compile(r"[0-9a-f]{16}")
VERSION = dict.fromkeys(("buildDate", "compiler", "gitCommit", "gitTreeState", "goVersion", "major", "minor"), "1")
VERSION |= {"gitVersion": "v1.36.3", "platform": "linux/amd64"}


@pytest.fixture(name="run")
def run_fixture(capsys: pytest.CaptureFixture[str]) -> Run:
    return caller(capsys)


class World:
    """What the fake API server holds. `operator` is its answer to any token, `answer` what it writes into the status
    after an edit of a spec; None is an operator that sleeps."""

    def __init__(self) -> None:
        self.schedules: dict[str, dict[str, Any]] = {"analytics/daily": {"metadata": {"name": "daily"}}}
        self.runs: list[dict[str, Any]] = []
        self.logs: dict[str, bytes | Iterator[bytes]] = {}
        self.operator: dict[str, Any] | None = None
        self.answer: dict[str, Any] | None = None
        self.refuse: tuple[int, bytes] | None = None
        self.tokens: list[str] = []
        self.triggers: list[dict[str, str | None]] = []
        self.edits: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.url = ""

    def patch(self, body: dict[str, Any], patch: dict[str, Any]) -> None:
        if "metadata" in patch:
            self.annotate(body, patch)
        else:
            self.edit(body, patch)

    def annotate(self, body: dict[str, Any], patch: dict[str, Any]) -> None:
        (annotations,) = patch["metadata"].values()
        self.triggers.append({key.removeprefix("agentschedule.dev/"): value for key, value in annotations.items()})
        self.tokens.append(self.triggers[-1]["trigger"] or "")
        if self.operator is not None:
            answer = {"lastTrigger": {"token": self.tokens[-1], **self.operator}}
            threading.Timer(0.3, body.update, [{"status": answer}]).start()

    def edit(self, body: dict[str, Any], patch: dict[str, Any]) -> None:
        assert patch.keys() == {"spec"}
        self.edits.append(patch["spec"])
        body["spec"] = {k: v for k, v in (body["spec"] | patch["spec"]).items() if v is not None}
        body["metadata"]["generation"] = generation = body["metadata"].get("generation", 1) + 1
        if self.answer is not None:
            status = {**body.get("status", {}), "observedGeneration": generation, **self.answer}
            threading.Timer(0.3, body.update, [{"status": status}]).start()

    def run(self, key: str) -> dict[str, Any] | None:
        return next((run for run in self.runs if f"analytics/{run['metadata']['name']}" == key), None)


class Handler(BaseHTTPRequestHandler):
    """The API server: two kinds, and an answer to a merge patch."""

    world: World
    protocol_version = "HTTP/1.1"

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
        self.world.asked.append(self.path)
        if self.world.refuse:
            return self.answer(*self.world.refuse)
        if self.path == "/version/":
            return self.answer(200, VERSION)
        if self.path.startswith(PODS):
            return self.log(self.path.removeprefix(PODS).partition("/")[0])
        namespace, plural, *name = self.path.partition("?")[0].removeprefix(BASE + "/").split("/")
        if plural == "scheduleruns" and not name:
            return self.answer(200, {"items": self.world.runs if namespace == "analytics" else []})
        return self.found(plural, f"{namespace}/{name[0]}")

    def do_PATCH(self) -> None:
        patch = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.world.refuse:
            return self.answer(*self.world.refuse)
        assert self.headers["Content-Type"] == "application/merge-patch+json"
        namespace, plural, name = self.path.removeprefix(BASE + "/").split("/")
        if body := self.body(plural, f"{namespace}/{name}"):
            self.world.patch(body, patch)
        return self.found(plural, f"{namespace}/{name}")

    def body(self, plural: str, key: str) -> dict[str, Any] | None:
        return self.world.schedules.get(key) if plural == "agentschedules" else self.world.run(key)

    def found(self, plural: str, key: str) -> None:
        body = self.body(plural, key)
        return self.answer(200, body) if body else self.missing(plural, key.split("/")[1])

    def missing(self, plural: str, name: str) -> None:
        self.answer(404, {"kind": "Status", "details": {"name": name, "kind": plural}})

    def log(self, pod: str) -> None:
        """As Kubernetes sends it: a log has no length, and each piece goes out at once."""
        if pod not in self.world.logs:
            return self.missing("pods", pod)
        content = self.world.logs[pod]
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in filter(None, [content] if isinstance(content, bytes) else content):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")
        return None


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
