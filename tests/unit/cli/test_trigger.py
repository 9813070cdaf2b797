"""kubectl agentschedule trigger: what is written, and the operator's answer."""

from __future__ import annotations

import pytest

from tests.unit.cli.world import NOW, TOKEN, Ended, Run, World


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
    older = {"token": "older", "time": NOW, "outcome": "Accepted", "reason": ""}
    world.schedules["analytics/daily"]["status"] = {"lastTrigger": older}
    ended = run("trigger", "daily", "--wait", "0.5")
    assert (ended.code, ended.out) == (1, "")
    assert "the operator has not answered within 0.5 s" in ended.err
    assert world.tokens[0] in ended.err
