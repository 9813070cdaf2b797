"""kubectl agentschedule with a cluster: one that refuses, and one that is not there."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.cli.world import Ended, Run, World, condition, put_run, put_schedule


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["trigger", "weekly"], "there is no AgentSchedule 'weekly' in namespace 'analytics'"),
        (["trigger", "daily", "-n", "other"], "there is no AgentSchedule 'daily' in namespace 'other'"),
        (["-n", "other", "trigger", "daily"], "there is no AgentSchedule 'daily' in namespace 'other'"),
        (["pause", "weekly"], "there is no AgentSchedule 'weekly' in namespace 'analytics'"),
        (["resume", "weekly"], "there is no AgentSchedule 'weekly' in namespace 'analytics'"),
        (["cancel", "daily-1"], "there is no ScheduleRun 'daily-1' in namespace 'analytics'"),
        (["logs", "daily-1"], "there is no ScheduleRun 'daily-1' in namespace 'analytics'"),
    ],
)
def test_what_is_not_there_is_named(run: Run, argv: list[str], sentence: str) -> None:
    assert run(*argv) == Ended(1, "", f"error: {sentence}\n")


COMMANDS = [
    ["trigger", "daily"],
    ["runs"],
    ["cancel", "daily-1"],
    ["pause", "daily"],
    ["resume", "daily"],
    ["logs", "daily-1"],
]
FORBIDDEN = 'scheduleruns.agentschedule.dev is forbidden: User "ann" cannot list resource "scheduleruns"'


@pytest.mark.parametrize("argv", COMMANDS, ids=" ".join)
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


@pytest.mark.parametrize("argv", COMMANDS, ids=" ".join)
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


# Objects of another version than the plugin's.


def test_a_schedule_that_cannot_be_read_is_paused_and_resumed_all_the_same(run: Run, world: World) -> None:
    put_schedule(world, schedule={"every": "day"})
    world.answer = {"phase": "Suspended"}
    assert run("pause", "daily").out == "daily is paused: nothing is due until it is resumed.\n"
    world.answer = {"phase": "Invalid", "conditions": [condition("Accepted", "spec.schedule: not a string.")]}
    sentence = "error: daily is resumed, but it is not in force: spec.schedule: not a string\n"
    assert run("resume", "daily") == Ended(1, "", sentence)
    assert [edit["suspend"] for edit in world.edits] == [True, False]


@pytest.mark.parametrize("argv", [["trigger", "daily"], ["pause", "daily"], ["resume", "daily"], ["next", "daily"]])
def test_a_status_that_cannot_be_read_is_one_sentence(run: Run, world: World, argv: list[str]) -> None:
    put_schedule(world)["status"]["observedGeneration"] = "of yesterday"
    ended = run(*argv)
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (1, "", 1)
    assert ended.err.startswith("error: AgentSchedule daily cannot be read (observedGeneration: ")
    assert ended.err.endswith("): is this plugin too old for it?\n")


@pytest.mark.parametrize("argv", [["cancel", "daily-1"], ["logs", "daily-1"]], ids=" ".join)
def test_a_run_that_cannot_be_read_is_one_sentence(run: Run, world: World, argv: list[str]) -> None:
    put_run(world, "Expired")
    ended = run(*argv)
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (1, "", 1)
    assert ended.err.startswith("error: ScheduleRun daily-1 cannot be read (phase: ")
    assert world.edits == []


def test_a_run_that_cannot_be_read_is_listed(run: Run, world: World) -> None:
    put_run(world, "Expired", attempt="second")
    assert run("runs").out.splitlines()[1].split()[:5] == ["daily-1", "daily", "Manual", "Expired", "second"]


def test_an_open_run_of_a_phase_that_is_not_known_is_cancelled_all_the_same(run: Run, world: World) -> None:
    put_run(world, "Resting", jobUID="j")
    world.answer = {"phase": "Cancelled"}
    assert run("cancel", "daily-1").out.startswith("daily-1 is cancelled after ")
    put_run(world, "Resting", jobUID="j", message="Until noon.")
    world.answer = None
    said = run("cancel", "daily-1", "--wait", "0.1").err
    assert "it is in a phase that is not known here (Until noon). It ends" in said
