"""Hostile worlds by the thousand. ``a_world`` makes one from choices; ``fuzz`` plays many, and says of the first that
goes wrong which edits it takes."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any

import orjson

from tests.hostile.corpus import worlds
from tests.hostile.making import Edit, edit
from tests.hostile.play import Play, Tally, World
from tests.hostile.schemas import schemas

MOMENTS = (
    datetime(2026, 3, 2, 8, 0, 30, tzinfo=UTC),
    datetime(2026, 3, 2, 7, 59, 59, 500_000, tzinfo=UTC),
    datetime(2026, 3, 2, 8, 0, tzinfo=UTC),
    datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC),
    datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    datetime(2028, 2, 29, 23, 59, 59, tzinfo=UTC),
)
EDITS = (0, 1, 1, 1, 2, 2, 3, 4, 6, 9)


@dataclass(frozen=True)
class Hostile:
    """A world of the corpus, edited."""

    base: int
    edits: tuple[Edit, ...]
    now: datetime
    answers: int  # the seed of what the cluster says

    def world(self) -> World:
        made: World = orjson.loads(worlds()[self.base])
        for change in self.edits:
            if change.index < len(made[change.table]):
                change.apply(made[change.table][change.index])
        return made

    def play(self, tally: Tally) -> None:
        Play(self.world(), self.now, Random(self.answers), tally).run()

    def fails(self) -> Exception | None:
        try:
            self.play(Tally())
        except Exception as error:  # whatever it is: this looks for any
            return error
        return None

    def smallest(self) -> Hostile:
        """The same without each edit that it does not take."""
        kept = self.edits
        for one in self.edits:
            fewer = tuple(change for change in kept if change is not one)
            if Hostile(self.base, fewer, self.now, self.answers).fails():
                kept = fewer
        return Hostile(self.base, kept, self.now, self.answers)


def a_world(rng: Random) -> Hostile:
    """Any world: one of the corpus, with a few edits in any of its objects."""
    base = rng.randrange(len(worlds()))
    made: World = orjson.loads(worlds()[base])
    there = [(table, index) for table, objects in made.items() for index in range(len(objects))]
    edits = []
    for _ in range(rng.choice(EDITS)):
        table, index = rng.choice(there)
        change = edit(rng, table, index, made[table][index], schemas()[table])
        change.apply(made[table][index])
        edits.append(change)
    return Hostile(base, tuple(edits), rng.choice(MOMENTS), rng.randrange(2**16))


def fuzz(seed: int, examples: int, tally: Tally) -> None:
    """Play so many worlds. Raises AssertionError with the least that goes wrong."""
    rng = Random(seed)
    gc.collect()
    gc.freeze()  # a collection of all that the tests hold is no decision's
    for number in range(examples):
        hostile = a_world(rng)
        try:
            hostile.play(tally)
        except Exception as error:
            raise AssertionError(_told(seed, number, hostile.smallest(), error)) from error
    gc.unfreeze()


def _told(seed: int, number: int, hostile: Hostile, error: Exception) -> str:
    edits = "\n".join(f"  {one.table}[{one.index}] {_path(one)} {_set(one)}" for one in hostile.edits)
    return (
        f"seed {seed}, example {number}: {type(error).__name__}: {error!s:.500}\n"
        f"world {hostile.base} of the corpus at {hostile.now}, answers {hostile.answers}, with\n{edits}"
    )


def _path(change: Edit) -> str:
    return ".".join(map(str, change.path))


def _set(change: Edit) -> Any:
    return "taken away" if change.gone else f"= {change.value!r:.300}"
