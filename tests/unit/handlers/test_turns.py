"""Whose turn it is: nothing lost, no key twice at once, and no namespace waits for all that another brings."""

from __future__ import annotations

import time
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from agentschedule.cluster.store import Key
from agentschedule.handlers.turns import Turns

NAMESPACES = ("mine", "theirs", "others", "ours")
KEYS = st.builds(Key, st.sampled_from(NAMESPACES), st.sampled_from("abcdef"))
FEW_SECONDS = 3.0


def all_of(turns: Turns) -> list[Key]:
    """What comes, in its order, if each is done at once."""
    order: list[Key] = []
    while key := turns.take():
        turns.done(key)
        order.append(key)
    return order


def test_namespaces_take_turns_and_each_keeps_its_order() -> None:
    turns = Turns()
    for key in (Key("a", "1"), Key("a", "2"), Key("a", "3"), Key("b", "1"), Key("c", "1"), Key("b", "2")):
        turns.add(key)
    assert ["/".join(key) for key in all_of(turns)] == ["a/1", "b/1", "c/1", "a/2", "b/2", "a/3"]


def test_one_of_a_neighbour_waits_for_one_of_ten_thousand() -> None:
    turns = Turns()
    for number in range(10_000):
        turns.add(Key("noisy", str(number)))
    turns.take()
    turns.add(Key("quiet", "report"))
    assert [turns.take(), turns.take()] == [Key("noisy", "1"), Key("quiet", "report")]


def test_a_namespace_that_has_all_it_may_at_work_leaves_the_rest_to_others() -> None:
    turns = Turns(limit=2)
    for name in "abc":
        turns.add(Key("noisy", name))
    assert [turns.take(), turns.take(), turns.take()] == [Key("noisy", "a"), Key("noisy", "b"), None]
    turns.add(Key("quiet", "report"))
    assert turns.take() == Key("quiet", "report")
    turns.done(Key("noisy", "a"))
    assert turns.take() == Key("noisy", "c")


def test_what_is_done_leaves_nothing_behind() -> None:
    turns = Turns(limit=1)
    for number in range(100):
        turns.add(Key(f"tenant-{number}", "a"))
        turns.add(Key(f"tenant-{number}", "b"))
    assert len(all_of(turns)) == 200
    kept = (turns._lines, turns._held, turns._at_work, turns._waiting, turns._busy, turns._again)
    assert not any(kept)


def test_a_hundred_thousand_keys_cost_each_the_same() -> None:
    start, turns = time.process_time(), Turns()
    for number in range(100_000):
        turns.add(Key(f"tenant-{number % 1000}", str(number)))
    assert len(all_of(turns)) == 100_000
    assert time.process_time() - start < FEW_SECONDS


@given(st.lists(KEYS, max_size=40), KEYS)
@settings(deadline=None)
def test_the_first_of_a_namespace_waits_for_one_of_each_other_at_most(before: list[Key], key: Key) -> None:
    turns = Turns()
    for other in before:
        if other.namespace != key.namespace:
            turns.add(other)
    turns.add(key)
    waited = all_of(turns).index(key)
    assert waited <= len({other.namespace for other in before} - {key.namespace})


class AnyOrder(RuleBasedStateMachine):
    """Keys come, are taken and are done, in any order; beside it, what should be so is kept in the plainest way."""

    @initialize(limit=st.integers(1, 4))
    def begin(self, limit: int) -> None:
        self.turns = Turns(limit)
        self.limit = limit
        self.wanted: set[Key] = set()
        self.at_work: set[Key] = set()
        # For the first of each namespace: how many of each other were taken since it could have been.
        self.passed: dict[str, Counter[str]] = {}

    def may(self, namespace: str) -> bool:
        """True if a key of it waits, and may be taken."""
        working = sum(key.namespace == namespace for key in self.at_work)
        return working < self.limit and any(key.namespace == namespace for key in self.wanted - self.at_work)

    @rule(key=KEYS)
    def add(self, key: Key) -> None:
        self.turns.add(key)
        self.wanted.add(key)

    @rule()
    def take(self) -> None:
        eligible = {namespace for namespace in NAMESPACES if self.may(namespace)}
        key = self.turns.take()
        assert (key is None) == (not eligible)
        if key is None:
            return
        assert key.namespace in eligible
        assert key in self.wanted - self.at_work
        self.wanted.discard(key)
        self.at_work.add(key)
        self.passed.pop(key.namespace, None)
        for namespace in eligible - {key.namespace}:
            passed = self.passed.setdefault(namespace, Counter())
            passed[key.namespace] += 1
            # At its limit a namespace leaves the round, and comes back at its end: once more each is the bound.
            assert max(passed.values()) <= 2

    @rule(data=st.data())
    def done(self, data: st.DataObject) -> None:
        if self.at_work:
            key = data.draw(st.sampled_from(sorted(self.at_work)))
            self.turns.done(key)
            self.at_work.discard(key)

    @invariant()
    def nothing_is_lost_and_no_namespace_has_more_than_it_may(self) -> None:
        if not hasattr(self, "turns"):
            return
        assert len(self.turns) == len(self.wanted)
        assert all(number <= self.limit for number in Counter(key.namespace for key in self.at_work).values())

    def teardown(self) -> None:
        """What is wanted in the end comes, each once."""
        for key in self.at_work:
            self.turns.done(key)
        assert sorted(all_of(self.turns)) == sorted(self.wanted)


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=60, deadline=None)
