"""The due times are robfig's, to the second: random schedules in all zones, half of the starts near a change.

AGENTSCHEDULE_TIME_CASES: how many (schedule, zone, start) triples, 60,000 unless said (`make test-time`: 1,000,000).
AGENTSCHEDULE_TIME_SEED: another number, other cases.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from random import Random
from zoneinfo import available_timezones

import pytest

from agentschedule.plan import cron
from agentschedule.plan.cron.zones import DAY, zone
from tests import oracle
from tests.oracle import cases

CASES = int(os.environ.get("AGENTSCHEDULE_TIME_CASES", "60000"))
SEED = int(os.environ.get("AGENTSCHEDULE_TIME_SEED", "1"))
SHARDS = 16
CHAIN = 3  # due times compared for each start
BATCH = 20_000
YEAR_2012 = 1_325_376_000

Case = tuple[str, str, int]  # schedule, zone, start in seconds since 1970


@pytest.fixture(autouse=True, scope="module")
def zone_data() -> Iterator[None]:
    with oracle.package_zone_data():
        yield


def triples(shard: int) -> Iterator[Case]:
    random = Random(f"{SEED}/{shard}")
    names = sorted(name for name in available_timezones() if name != "Factory")
    for number in range(CASES // SHARDS + 1):
        name = names[(number * SHARDS + shard) % len(names)]
        yield cases.schedule(random), name, cases.start(random, zone(name))


def ours(case: Case) -> str:
    schedule, name, start = case
    parsed = cron.parse_live(schedule, name)
    due, found = datetime.fromtimestamp(start, UTC), []
    for _ in range(CHAIN):
        after = parsed.next(due)
        found.append("0" if after is None else str(int(after.timestamp())))
        if after is None:
            break
        due = after
    return " ".join(found)


def request(case: Case) -> str:
    schedule, name, start = case
    return f"next\t{name}\t{start}\t{CHAIN}\t{schedule}"


def compare(source: Iterator[Case]) -> tuple[int, list[tuple[Case, str, str]]]:
    compared, differences = 0, []
    while batch := list(islice(source, BATCH)):
        for case, answer in zip(batch, oracle.ask([request(case) for case in batch]), strict=True):
            mine, theirs = ours(case), advancing(case, answer)
            compared += 1
            if mine.split()[: len(theirs)] != theirs:
                differences.append((case, mine, answer))
    return compared, differences


def advancing(case: Case, answer: str) -> list[str]:
    """robfig's due times as far as each comes after the one before. It did not always, until 2011 (see next_due)."""
    kept, last = [], case[2]
    for due in answer.split():
        if due != "0" and int(due) <= last:
            assert int(due) < YEAR_2012, (case, answer)
            break
        kept.append(due)
        last = int(due)
    return kept


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("shard", range(SHARDS))
def test_due_times_are_those_of_the_controller(shard: int) -> None:
    compared, differences = compare(triples(shard))
    assert compared > CASES // SHARDS
    assert not differences, (
        f"{len(differences)} of {compared}; schedule, zone, start; ours; robfig's: {differences[:5]}"
    )


def every_change(years: range) -> Iterator[Case]:
    """Each change of each zone's clock in these years, from three days before, with schedules that meet it."""
    schedules = ["0 0 * * *", "30 1 * * *", "30 2 * * *", "0 9 * * *", "15 */2 * * 0", "0 0 1 * *", "*/40 0-4 * * *"]
    first, last = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (years.start, years.stop))
    for name in sorted(available_timezones() - {"Factory"}):
        for instant, _, _ in zone(name).changes(first, last):
            for number, schedule in enumerate(schedules):
                yield schedule, name, instant - 3 * DAY + number * 8 * 3600


@pytest.mark.timeout(600)
def test_every_change_of_every_zone_next_years() -> None:
    compared, differences = compare(every_change(range(2026, 2029)))
    assert compared > 4000
    assert not differences, f"{len(differences)} of {compared}: {differences[:5]}"


def test_offsets_are_those_go_reads_from_the_same_data() -> None:
    random = Random(SEED)
    names = sorted(available_timezones() - {"Factory"})
    instants = {name: [cases.start(random, zone(name)) for _ in range(20)] for name in names}
    answers = oracle.ask([f"offset\t{name}\t" + "\t".join(map(str, instants[name])) for name in names])
    for name, answer in zip(names, answers, strict=True):
        assert " ".join(str(zone(name).offset(instant)) for instant in instants[name]) == answer, name
