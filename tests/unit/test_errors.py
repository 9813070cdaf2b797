"""What a bug is called: by where it came from, so that it is known again."""

from __future__ import annotations

import pytest

from agentschedule.errors import Bug, Bugs


def fall(depth: int = 0) -> int:
    return fall(depth + 1) + 1


def divide(by: int) -> float:
    return 1 / by


def met(depth: int = 0) -> Exception:
    """A recursion that ends, from a place that is itself so deep."""
    if depth:
        return met(depth - 1)
    try:
        fall()
    except RecursionError as error:
        return error
    raise AssertionError


def test_the_same_place_is_the_same_bug_whatever_it_says() -> None:
    bugs = []
    for text in ("at 08:00", "at 08:01"):
        with pytest.raises(ValueError, match=text) as caught:
            raise ValueError(text)
        bugs.append(Bug.of(caught.value))
    assert bugs[0] == bugs[1]
    with pytest.raises(ZeroDivisionError) as other:
        divide(by=0)
    assert Bug.of(other.value) != bugs[0]


def test_a_recursion_is_the_same_bug_however_deep_it_came() -> None:
    assert Bug.of(met()) == Bug.of(met(17))


def test_only_so_many_bugs_are_remembered() -> None:
    bugs = Bugs(remembered=3)
    for number in range(10):
        assert bugs.is_new(number, Bug("ValueError", "1"))
    assert len(bugs) == 3
    assert not bugs.is_new(9, Bug("ValueError", "1"))
