"""kubectl agentschedule with a cluster: one that answers, one that refuses, and one that is not there."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.unit.test_cli import Ended, Run, caller

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


def test_trigger_prints_what_the_operator_answers(run: Run, world: World) -> None:
    world.operator = {"outcome": "Accepted", "run": "daily-m0123456789", "message": "run daily-m0123456789 starts"}
    assert run("trigger", "daily") == Ended(0, "daily: run daily-m0123456789 starts\n", "")


def test_each_trigger_has_a_token_of_its_own(run: Run, world: World) -> None:
    world.operator = {"outcome": "Accepted", "run": "daily-m0123456789"}
    assert [run("trigger", "daily").out for _ in range(2)] == ["daily: accepted (run daily-m0123456789)\n"] * 2
    assert len(set(world.tokens)) == 2
    assert all(TOKEN.fullmatch(token) for token in world.tokens)


def test_a_rejected_trigger_says_why_and_exits_1(run: Run, world: World) -> None:
    world.operator = {"outcome": "Rejected", "reason": "ScheduleSuspended", "message": "the schedule is suspended"}
    ended = run("trigger", "daily", "-n", "analytics")
    assert ended == Ended(1, "", "error: daily does not run: the schedule is suspended (ScheduleSuspended)\n")


def test_the_answer_to_an_older_token_is_not_taken_for_ours(run: Run, world: World) -> None:
    world.schedules["analytics/daily"]["status"] = {"lastTrigger": {"token": "older", "outcome": "Accepted"}}
    ended = run("trigger", "daily", "--wait", "0.5")
    assert (ended.code, ended.out) == (1, "")
    assert "the operator has not answered within 0.5 s" in ended.err
    assert world.tokens[0] in ended.err


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["trigger", "weekly"], "there is no AgentSchedule 'weekly' in namespace 'analytics'"),
        (["trigger", "daily", "-n", "other"], "there is no AgentSchedule 'daily' in namespace 'other'"),
    ],
)
def test_a_schedule_that_is_not_there_is_named(run: Run, argv: list[str], sentence: str) -> None:
    assert run(*argv) == Ended(1, "", f"error: {sentence}\n")


FORBIDDEN = 'scheduleruns.agentschedule.dev is forbidden: User "ann" cannot list resource "scheduleruns"'


@pytest.mark.parametrize("argv", [["trigger", "daily"], ["runs"]], ids=["trigger", "runs"])
@pytest.mark.parametrize(
    ("refusal", "sentence"),
    [
        ((403, json.dumps({"kind": "Status", "message": FORBIDDEN}).encode()), FORBIDDEN),
        ((401, b'{"kind": "Status", "message": "Unauthorized"}'), "log in again"),
        ((404, b"404 page not found\n"), "is the Agent Schedule Operator installed?"),
        ((503, b"<html>"), "the cluster answered 503 Service Unavailable"),
        ((500, b"[]"), "the cluster answered 500 Internal Server Error"),
        ((200, b"<html>"), "did not answer as Kubernetes does"),
    ],
    ids=["403", "401", "404", "503", "500", "200"],
)
def test_a_refusal_is_one_sentence(
    run: Run, world: World, argv: list[str], refusal: tuple[int, bytes], sentence: str
) -> None:
    world.refuse = refusal
    ended = run(*argv)
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (1, "", 1)
    assert sentence in ended.err


@pytest.mark.parametrize("argv", [["trigger", "daily"], ["runs"]], ids=["trigger", "runs"])
def test_a_cluster_that_does_not_answer_is_one_sentence(
    run: Run, kubeconfig: Callable[[str], None], argv: list[str]
) -> None:
    kubeconfig("http://127.0.0.1:1")
    sentence = "error: cannot reach the cluster at http://127.0.0.1:1: connection refused\n"
    assert run(*argv) == Ended(1, "", sentence)


def test_a_cluster_that_does_not_exist_is_one_sentence(run: Run, kubeconfig: Callable[[str], None]) -> None:
    kubeconfig("https://no-such-cluster.invalid")
    ended = run("runs")
    assert (ended.code, len(ended.err.splitlines())) == (1, 1)
    assert ended.err.startswith("error: cannot reach the cluster at https://no-such-cluster.invalid: ")


def test_a_server_that_speaks_no_tls_is_one_sentence(run: Run, world: World, kubeconfig: Callable[[str], None]) -> None:
    kubeconfig(world.url.replace("http:", "https:"))
    ended = run("runs")
    assert (ended.code, len(ended.err.splitlines())) == (1, 1)
    assert ended.err.startswith("error: cannot reach the cluster at https://127.0.0.1")
    assert "SSL" in ended.err


@pytest.mark.parametrize("text", ["", "{", "[]", "a: [", '{"current-context": "gone"}', '{"contexts": 1}'])
def test_a_broken_kubeconfig_is_one_sentence(run: Run, kubeconfig: Any, text: str) -> None:
    kubeconfig.use(text)
    ended = run("runs")
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (1, "", 1)
    assert ended.err.startswith("error: no usable kubeconfig")


# runs: the table.


def record(name: str, schedule: str, minute: int, **status: Any) -> dict[str, Any]:
    created = f"2026-01-05T08:{minute:02}:00Z"
    metadata = {"name": name, "creationTimestamp": created}
    body: dict[str, Any] = {"metadata": metadata, "spec": {"scheduleName": schedule, "trigger": "Manual"}}
    return {**body, "status": status} if status else body


def test_runs_prints_a_table_the_newest_last(run: Run, world: World) -> None:
    done = {"phase": "Succeeded", "attempt": 1, "startTime": "2026-01-05T08:00:02Z", "duration": "4m12s"}
    world.runs = [
        record("weekly-1", "weekly", 9),
        record("daily-29384712", "daily", 0, **done, usage={"costUSD": "0.045"}),
    ]
    lines = [line.rsplit(maxsplit=1)[0] for line in run("runs").out.splitlines()]
    assert lines == [
        "NAME             SCHEDULE   TRIGGER   STATUS      ATTEMPT   STARTED                DURATION   COST",
        "daily-29384712   daily      Manual    Succeeded   1         2026-01-05T08:00:02Z   4m12s      0.045",
        "weekly-1         weekly     Manual    -           -         -                      -          -",
    ]


def test_runs_of_one_schedule_leaves_out_the_others(run: Run, world: World) -> None:
    world.runs = [record("weekly-1", "weekly", 9), record("daily-1", "daily", 0)]
    assert [line.split()[0] for line in run("runs", "daily").out.splitlines()] == ["NAME", "daily-1"]


@pytest.mark.usefixtures("world")
def test_no_runs_is_said_and_is_no_error(run: Run) -> None:
    assert run("runs") == Ended(0, "", "No runs found in namespace analytics.\n")
    assert run("runs", "daily", "-n", "other") == Ended(0, "", "No runs of daily found in namespace other.\n")
