"""Decisions grow with the number of objects, and not with its square: counted in steps of Python, not in time."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest

from agentschedule.plan.indexed import Indexed, indexed
from agentschedule.plan.run import context
from agentschedule.plan.run.plan import plan_run
from benchmarks.decisions import GROWING, NOW, Make, waiting_world

FEW, MANY = 220, 880


def steps(decide: Callable[[], object]) -> int:
    """How many functions are called, also those that are written in C."""
    calls = 0

    def count(_frame: Any, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        decide()
    finally:
        sys.setprofile(None)
    return calls


def assert_linear(make: Make) -> None:
    few, more, many = (steps(make(number)) for number in (FEW, 2 * FEW, MANY))
    for_each = max(1.0, (more - few) / FEW)
    assert many <= few + 1.3 * for_each * (MANY - FEW)


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in GROWING.items()])
def test_a_decision_costs_no_more_than_its_objects(make: Make) -> None:
    assert_linear(make)


@pytest.mark.parametrize("policy", ["Allow", "Forbid"])
def test_a_look_at_each_waiting_run_costs_no_more_than_the_runs(policy: str) -> None:
    def make(number: int) -> Callable[[], object]:
        schedule, observed, runs = waiting_world(policy, number)
        return lambda: [plan_run(run, schedule, observed, NOW) for run in runs]

    few, many = (steps(make(number)) for number in (20, 80))
    assert many <= 4 * 1.4 * few


def test_under_replace_few_of_the_waiting_runs_are_judged_for_each() -> None:
    schedule, observed, runs = waiting_world("Replace", 80)
    with mock.patch.object(context, "rejection", wraps=context.rejection) as judged:
        for run in runs:
            plan_run(run, schedule, observed, NOW)
    assert judged.call_count <= 2 * len(runs)


def test_items_are_found_by_a_key_in_their_order() -> None:
    items = Indexed(["b1", "a1", "b2", "c"])
    first: Callable[[str], str | None] = lambda item: None if item == "c" else item[0]  # noqa: E731
    assert items.by(first) == {"b": ("b1", "b2"), "a": ("a1",)}
    assert (items.one(first, "b"), items.one(first, "c"), items.one(first, None)) == ("b1", None, None)


def test_an_index_is_made_once_and_stays_with_its_items() -> None:
    asked = []

    def longest(items: Indexed[str]) -> str:
        asked.append(items)
        return max(items, key=len)

    items = indexed(["a", "bb"])
    assert (items.once(longest), indexed(items).once(longest), len(asked)) == ("bb", "bb", 1)
