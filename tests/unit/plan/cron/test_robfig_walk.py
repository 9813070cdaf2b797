"""Robfig's steps near a change of the clock: those within one hour, taken at once, lead where they lead one by one."""

from __future__ import annotations

from random import Random

import pytest

from agentschedule.plan.cron import robfig_walk
from agentschedule.plan.cron.robfig_parser import parse_standard
from agentschedule.plan.cron.search import next_due
from agentschedule.plan.cron.zones import DAY, zone

ZONES = (
    "Europe/Berlin",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Pacific/Apia",
    "Africa/Monrovia",
)


def column(rng: Random, least: int, greatest: int) -> str:
    one, other, step = rng.randint(least, greatest), rng.randint(least, greatest), rng.randint(2, 20)
    return rng.choice(["*", f"*/{step}", f"{one}", f"{one},{other}"])


@pytest.mark.parametrize("name", ZONES)
def test_steps_within_an_hour_lead_to_the_same_due_time_at_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng, place = Random(name), zone(name)
    changes = [instant for instant, _, _ in place.changes(0, 60 * 366 * DAY)]
    for _ in range(60):
        days, weekdays = rng.choice(["*", "*", "1", "*/3"]), rng.choice(["*", "*", "0"])
        bits = parse_standard(f"{column(rng, 0, 59)} {column(rng, 0, 23)} {days} * {weekdays}")
        after = rng.choice(changes) + rng.randint(-2 * DAY, 2 * DAY)
        at_once = next_due(bits, place, after)
        with monkeypatch.context() as slowly:
            slowly.setattr(robfig_walk, "is_calm_hour", lambda *_: False)
            assert next_due(bits, place, after) == at_once
