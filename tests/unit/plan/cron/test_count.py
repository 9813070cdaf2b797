"""Due times are counted, and not stepped through; with the same result."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentschedule.plan import cron
from agentschedule.plan.cron import count
from tests.oracle import cases

ZONES = ["America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "America/Santiago", "Asia/Beirut",
         "America/Havana", "Pacific/Apia", "Asia/Gaza", "America/St_Johns", "Africa/Cairo"]  # fmt: skip
DENSE = ["* * * * *", "*/7 * * * *", "59 23 * * *", "30 2 * * *", "*/30 0-4 * * *", "15,45 22-23,0-2 * * 0"]
SCHEDULES = st.one_of(
    st.integers(0, 10**9).map(lambda seed: cases.schedule(Random(seed))).filter(lambda text: "TZ" not in text),
    st.sampled_from(DENSE),
)
YEAR = datetime(1975, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)


@settings(max_examples=200, deadline=None)
@given(SCHEDULES, st.sampled_from(ZONES), st.randoms(use_true_random=False))
def test_near_a_change_of_the_clock_counting_is_stepping(schedule: str, zone: str, random: Random) -> None:
    parsed = cron.parse_live(schedule, zone)
    changes = [instant for instant, _, _ in cron.parse("0 0 * * *", zone).changes(*YEAR)]
    start = random.choice(changes) + timedelta(seconds=random.randint(-3 * 86_400, 2 * 86_400))
    middle = start + timedelta(seconds=random.randint(0, 86_400))
    end = middle + timedelta(seconds=random.randint(0, 86_400))

    due = list(parsed.between(start, end))

    assert parsed.count(start, end) == len(due)
    assert list(parsed.counts(start, [middle, end])) == [sum(moment <= middle for moment in due), len(due)]


@pytest.mark.parametrize("schedule", ["* * * * *", "* * * 1 *", "0 0 29 2 *", "30 2 * * *"])
def test_ten_years_are_counted_in_few_steps(schedule: str) -> None:
    parsed, start = cron.parse(schedule, "America/New_York"), datetime(2016, 5, 1, tzinfo=UTC)
    with mock.patch.object(count, "next_due", wraps=count.next_due) as stepped:
        parsed.count(start, start + timedelta(days=3650))
        parsed.last(start, start + timedelta(days=3650))
    assert stepped.call_count < 1_000
