"""kubectl agentschedule logs: what an agent printed, and what is left when its pod is gone."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.world import ROOT, Ended, Run, World, put_run

BEGAN = "2026-12-24T18:00:00Z"


def put(world: World, phase: str | None, *attempts: tuple[int, str, str | None], **status: Any) -> dict[str, Any]:
    """Puts the run daily-1 on the cluster; an attempt is its number, its pod, and when it started."""
    tried = [{"attempt": number, "pod": pod, "phase": "Running", "startTime": began} for number, pod, began in attempts]
    last = {"attempts": tried, "pod": attempts[-1][1]} if attempts else {}
    return put_run(world, phase, **last, **status)


def test_the_log_of_the_last_attempt_is_printed_as_it_is(run: Run, world: World) -> None:
    put(world, "Succeeded", (1, "pod-a", BEGAN), (2, "pod-b", BEGAN))
    world.logs = {"pod-a": b"first\n", "pod-b": "second, in full: é\nno end of line".encode()}
    assert run("logs", "daily-1") == Ended(0, "second, in full: é\nno end of line", "")


def test_only_the_agents_container_is_asked(run: Run, world: World) -> None:
    put(world, "Succeeded", (1, "pod-a", BEGAN))
    world.logs = {"pod-a": b""}
    assert run("logs", "daily-1") == Ended(0, "", "")
    path, _, query = world.asked[-1].partition("?")
    assert path == "/api/v1/namespaces/analytics/pods/pod-a/log"
    assert set(query.lower().split("&")) == {"container=agent", "follow=false"}


def test_of_two_pods_with_one_number_the_later_is_meant(run: Run, world: World) -> None:
    put(world, "Failed", (1, "evicted", BEGAN), (1, "pod-a", BEGAN), (2, "pod-b", BEGAN))
    world.logs = {"evicted": b"evicted\n", "pod-a": b"first\n", "pod-b": b"second\n"}
    assert run("logs", "daily-1", "--attempt", "1").out == "first\n"
    assert run("logs", "daily-1", "--attempt", "2").out == "second\n"


@pytest.mark.parametrize(
    ("phase", "status", "sentence"),
    [
        (None, {}, "daily-1 has no pod: it is not seen by the operator yet"),
        ("Pending", {}, "daily-1 has no pod: it is Pending"),
        (
            "Pending",
            {"reason": "FailedCreate", "message": "exceeded quota: small."},
            "daily-1 has no pod: it is Pending (FailedCreate: exceeded quota: small)",
        ),
        (
            "Skipped",
            {"reason": "ScheduleSuspended", "message": "The schedule is suspended."},
            "daily-1 never had a pod: it is Skipped (ScheduleSuspended: The schedule is suspended)",
        ),
    ],
    ids=["new", "pending", "refused", "skipped"],
)
def test_a_run_without_a_pod_says_how_it_stands(
    run: Run, world: World, phase: str | None, status: dict[str, Any], sentence: str
) -> None:
    put(world, phase, **status)
    assert run("logs", "daily-1") == Ended(1, "", f"error: {sentence}\n")


def test_an_attempt_that_is_not_there_is_named(run: Run, world: World) -> None:
    put(world, "Failed", (1, "evicted", BEGAN), (1, "pod-a", BEGAN), (2, "pod-b", BEGAN))
    assert run("logs", "daily-1", "--attempt", "3") == Ended(1, "", "error: daily-1 has no attempt 3: it has 1, 2\n")


# The pod is gone.

GONE = "the pod pod-b of daily-1 is gone, and its log with it"
KEPT = "its output is kept: kubectl get scheduleruns daily-1 -n analytics -o jsonpath='{.status.output.content}'"


@pytest.mark.parametrize(
    ("output", "rest"),
    [
        ({}, ""),
        ({"content": "Sales were up."}, f"; {KEPT}"),
        ({"ref": "s3://b/x"}, "; all of its output is at s3://b/x"),
        ({"content": "Sales", "ref": "s3://b/x"}, f"; {KEPT}; all of its output is at s3://b/x"),
    ],
    ids=["nothing", "output", "ref", "both"],
)
def test_of_a_pod_that_is_gone_it_says_what_remains(run: Run, world: World, output: dict[str, str], rest: str) -> None:
    put(world, "Succeeded", (1, "pod-a", BEGAN), (2, "pod-b", BEGAN), output=output)
    assert run("logs", "daily-1") == Ended(1, "", f"error: {GONE}{rest}\n")


def test_the_output_of_the_last_attempt_is_not_that_of_an_earlier_one(run: Run, world: World) -> None:
    body = put(world, "Succeeded", (1, "pod-a", BEGAN), (2, "pod-b", BEGAN), output={"content": "Sales were up."})
    body["status"]["attempts"][0]["error"] = "try later"
    sentence = "error: the pod pod-a of daily-1 is gone, and its log with it; its error was: try later\n"
    assert run("logs", "daily-1", "--attempt", "1") == Ended(1, "", sentence)


# -f


def test_who_follows_waits_for_the_start(run: Run, world: World) -> None:
    body = put(world, "Pending", reason="Unschedulable", message="no node has room")
    world.logs = {"pod-a": b"hello\n"}
    tried = {"attempt": 1, "pod": "pod-a", "phase": "Running", "startTime": BEGAN}
    began = {"phase": "Running", "attempts": [tried], "pod": "pod-a"}
    threading.Timer(0.3, body.update, [{"status": began}]).start()
    note = "Waiting for daily-1 to start: it is Pending (Unschedulable: no node has room).\n"
    assert run("logs", "daily-1", "-f") == Ended(0, "hello\n", note)
    assert "follow=true" in world.asked[-1].lower()


def test_who_follows_a_run_that_never_starts_is_told(run: Run, world: World) -> None:
    body = put(world, "Pending", (1, "pod-a", None))
    body["status"]["attempts"] = []
    ended = {"phase": "Skipped", "reason": "AlreadyRunning", "message": "daily-0 is still running."}
    threading.Timer(0.3, body.update, [{"status": ended}]).start()
    said = run("logs", "daily-1", "--follow")
    assert said.code == 1
    assert said.err.splitlines()[-1] == (
        "error: daily-1 never had a pod: it is Skipped (AlreadyRunning: daily-0 is still running)"
    )


def test_what_is_followed_is_printed_as_it_comes(world: World, tmp_path: Path) -> None:
    """The agent speaks again only once its first line has been read."""
    read = threading.Event()

    def speak() -> Iterator[bytes]:
        yield b"one\n"
        assert read.wait(30)
        yield b"two\n"

    put(world, "Running", (1, "pod-a", BEGAN))
    world.logs = {"pod-a": speak()}
    command = [sys.executable, "-m", "agentschedule.cli.main", "logs", "daily-1", "-f"]
    env = {"PYTHONPATH": str(ROOT / "operator"), "KUBECONFIG": str(tmp_path / "kubeconfig")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=env) as plugin:
        assert plugin.stdout
        assert plugin.stdout.readline() == b"one\n"
        read.set()
        assert plugin.stdout.read() == b"two\n"
    assert plugin.returncode == 0
