"""A cluster for the tests of kubectl agentschedule: an API server of our two kinds and of logs."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from agentschedule.cli.main import main

BASE = "/apis/agentschedule.dev/v1alpha1/namespaces"
ROOT = Path(__file__).parents[3]
PODS = "/api/v1/namespaces/analytics/pods/"
NOW = "2026-12-24T18:00:00Z"
TOKEN = re.compile(r"[0-9a-f]{16}")
VERSION = dict.fromkeys(("buildDate", "compiler", "gitCommit", "gitTreeState", "goVersion", "major", "minor"), "1")
VERSION |= {"gitVersion": "v1.36.3", "platform": "linux/amd64"}


class Ended(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Ended]


def caller(capsys: pytest.CaptureFixture[str]) -> Run:
    """A function that runs one command line, as a shell does."""

    def run(*argv: str) -> Ended:
        try:
            code = main(argv)
        except SystemExit as end:  # argparse's way
            code = int(end.code or 0)
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Ended(code, captured.out, captured.err)

    return run


def schedule(**spec: Any) -> dict[str, Any]:
    """analytics/daily, which the operator has not seen."""
    metadata = {"name": "daily", "namespace": "analytics", "generation": 1}
    return {"metadata": metadata, "spec": {"agent": {"image": "i"}, **spec}}


def condition(kind: str, message: str) -> dict[str, Any]:
    """One that is not met."""
    return {"type": kind, "status": "False", "reason": "R", "message": message, "lastTransitionTime": NOW}


class World:
    """What the fake API server holds. `operator` is its answer to any token, `answer` what it writes into the status
    after an edit of a spec; None is an operator that sleeps."""

    def __init__(self) -> None:
        self.schedules: dict[str, dict[str, Any]] = {"analytics/daily": schedule(schedule="0 8 * * *")}
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
            answer = {"lastTrigger": {"token": self.tokens[-1], "time": NOW, "reason": "", **self.operator}}
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


def put_schedule(world: World, **spec: Any) -> dict[str, Any]:
    """Puts analytics/daily on the cluster; the operator has seen it."""
    status = {"observedGeneration": 1, "phase": "Active", "nextRunTime": "2026-12-25T08:00:00Z"}
    world.schedules["analytics/daily"] = body = schedule(**{"schedule": "0 8 * * *"} | spec) | {"status": status}
    return body


def put_run(world: World, phase: str | None, **status: Any) -> dict[str, Any]:
    """Puts the run daily-1 on the cluster; without a phase, the operator has not seen it."""
    metadata = {"name": "daily-1", "namespace": "analytics", "creationTimestamp": NOW}
    body: dict[str, Any] = {"metadata": metadata, "spec": {"scheduleName": "daily", "trigger": "Manual"}}
    world.runs = [body | ({"status": {"phase": phase, **status}} if phase else {})]
    return world.runs[0]
