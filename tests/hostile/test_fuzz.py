"""Objects of all five kinds, from their schemas and from edits of real ones, through the door and all decisions: no
exception, nothing of the API's that cannot be read, no decision over 20 ms of CPU.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.hostile.fuzz import a_world, fuzz
from tests.hostile.making import value
from tests.hostile.play import Tally, Trouble
from tests.hostile.schemas import conforms, schemas
from tests.world import FULL

# Of worlds; each has one to ten objects, and up to nine edits.
EXAMPLES, SHARDS = (1_000_000, 40) if FULL else (20_000, 8)
# What some of a thousand worlds lead to; a fuzzer that sees less is blind.
MET = {
    "CreateCronJob", "UpdateCronJob", "RepairCronJob", "StartDue", "AskWhyMissed", "CreateRun", "ClaimRun", "CreateJob",
    "EndJob", "CancelRun", "ReadLog", "AskWhyWaiting", "LookAtPods", "DeleteRun",
}  # fmt: skip


@pytest.fixture(autouse=True)
def silent() -> Iterator[None]:
    """What the store puts aside it tells with a traceback each: here it is counted."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("shard", range(SHARDS))
def test_no_world_stops_or_slows_a_decision(shard: int) -> None:
    tally = Tally()
    fuzz(seed=shard, examples=EXAMPLES // SHARDS, tally=tally)
    print({what: f"{seconds * 1000:.1f} ms" for what, seconds in tally.slowest.items()}, dict(tally.counts))
    assert tally.counts["worlds"] == EXAMPLES // SHARDS
    assert tally.counts["set aside"] < tally.counts["objects"] / 10, "most edits must get through the door"
    assert tally.counts.keys() >= MET


@settings(max_examples=5_000 if FULL else 200, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_no_world_that_hypothesis_finds_does(rng: Random) -> None:
    a_world(rng).play(Tally())


@pytest.mark.parametrize("table", ["schedules", "runs", "cronjobs", "jobs", "pods"])
def test_what_is_made_from_a_schema_is_mostly_an_object_of_it(table: str) -> None:
    rng, schema = Random(0), schemas()[table]
    good = sum(conforms(schema["properties"]["status"], value(rng, schema["properties"]["status"])) for _ in range(300))
    assert 60 < good < 300, "neither blind to what is odd, nor to what is none"


def test_a_decision_that_takes_long_is_trouble() -> None:
    with pytest.raises(Trouble, match="took"):
        Tally().timed("a loop", lambda: sum(range(3_000_000)))
