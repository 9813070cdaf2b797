"""The warning of clock changes: the same as from all due times, without walking through them."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentschedule.plan.cron import Cron, parse, parse_live
from agentschedule.plan.cron import schedule as cron_schedule
from agentschedule.plan.spec import clock_changes
from agentschedule.plan.spec.clock_changes import AROUND, OFTEN, surprises
from tests.oracle import cases

ZONES = ["America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "America/Santiago", "Asia/Beirut", "Etc/UTC"]
OFTEN_DUE = ["*/30 * * * *", "0 * * * *", "15 */2 * * *", "*/10 1-3 * * *", "30 0-23 * * 0", "0,30 1-4 8-14 3 *"]
SCHEDULES = st.one_of(
    st.integers(0, 10**9).map(lambda seed: cases.schedule(Random(seed))).filter(lambda text: "TZ" not in text),
    st.sampled_from(OFTEN_DUE),
)
SINCE = st.datetimes(datetime(1990, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def walked_through(cron: Cron, after: datetime, until: datetime) -> set[tuple[datetime, bool]]:
    """The judge: promised and kept due times around each change, all of them; (when, skipped)."""
    local, found = parse_live(cron.text, "Etc/UTC"), set()
    for instant, before, then in cron.changes(after - AROUND, until + AROUND):
        change = clock_changes._Change(instant, before, then)
        start, end = instant - AROUND, instant + AROUND
        promised = Counter(local.between(start + before, end + then))
        due = {}
        kept: Counter[datetime] = Counter()
        for moment in cron.between(start, end):
            due[change.wall(moment)] = moment
            kept[change.wall(moment)] += 1
        if max(Counter(wall.date() for wall in promised | kept).values(), default=0) >= OFTEN:
            continue
        near = {(change.moment(wall), True) for wall in promised - kept} | {
            (due[wall], False) for wall in kept - promised
        }
        found |= {(at, skipped) for at, skipped in near if after < at <= until}
    return found


@settings(max_examples=200, deadline=None)
@given(SCHEDULES, st.sampled_from(ZONES), SINCE)
def test_the_warnings_are_those_of_all_due_times(schedule: str, zone: str, since: datetime) -> None:
    cron, until = parse_live(schedule, zone), since + timedelta(days=400)
    if not cron.text.startswith("@every"):
        assert {(s.at, s.skipped) for s in surprises(cron, since, until)} == walked_through(cron, since, until)


@pytest.mark.parametrize("schedule", ["* * * * *", "*/1 0-23 * * *", "0-58 * * * *", "*/30 * * * *"])
def test_of_a_dense_schedule_a_few_due_times_are_looked_at(schedule: str) -> None:
    cron, since = parse(schedule, "Europe/Berlin"), datetime(2026, 1, 1, tzinfo=UTC)
    with mock.patch.object(cron_schedule, "next_due", wraps=cron_schedule.next_due) as stepped:
        assert list(surprises(cron, since, since + timedelta(days=400))) == []
    assert stepped.call_count < 300
