"""kubectl agentschedule with a cluster: one that answers, one that refuses, and one that is not there."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.cli.test_main import Ended, Run
from tests.unit.cli.world import TOKEN, World, kubeconfig, run_fixture, world

__all__ = ["kubeconfig", "run_fixture", "world"]


def test_trigger_prints_what_the_operator_answers(run: Run, world: World) -> None:
    world.operator = {"outcome": "Accepted", "run": "daily-m0123456789", "message": "run daily-m0123456789 starts"}
    assert run("trigger", "daily") == Ended(0, "daily: run daily-m0123456789 starts\n", "")


def test_each_trigger_has_a_token_of_its_own(run: Run, world: World) -> None:
    world.operator = {"outcome": "Accepted", "run": "daily-m0123456789"}
    assert [run("trigger", "daily").out for _ in range(2)] == ["daily: accepted (run daily-m0123456789)\n"] * 2
    assert len(set(world.tokens)) == 2
    assert all(TOKEN.fullmatch(token) for token in world.tokens)


@pytest.mark.parametrize(
    ("options", "message", "params"),
    [
        ([], None, None),
        (["--message", "Only EMEA."], "Only EMEA.", None),
        (["--params", '{"region": "emea"}'], None, '{"region": "emea"}'),
        (["--message", "", "--params", "{}"], "", "{}"),
    ],
)
def test_a_trigger_leaves_nothing_of_an_earlier_one(
    run: Run, world: World, options: list[str], message: str | None, params: str | None
) -> None:
    world.operator = {"outcome": "Accepted", "run": "daily-m0123456789"}
    assert run("trigger", "daily", *options).code == 0
    (written,) = world.triggers
    assert written == {"trigger": world.tokens[0], "trigger-message": message, "trigger-params": params}


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ("{", "not JSON: Expecting property name"),
        ("region=emea", "not JSON: "),
        ('{"n": NaN}', "not JSON: NaN is no number in it"),
        ("[1]", "not a JSON object"),
        ("null", "not a JSON object"),
        ("[" * 100_000, "not JSON: "),
    ],
)
def test_params_that_are_no_json_object_never_reach_the_cluster(
    run: Run, world: World, params: str, sentence: str
) -> None:
    ended = run("trigger", "daily", "--params", params)
    assert (ended.code, ended.out, world.triggers) == (2, "", [])
    assert f"argument --params: {sentence}" in ended.err.splitlines()[-1]
    assert """write such as '{"region": "emea"}'""" in ended.err.splitlines()[-1]


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
