"""A second opinion: where clocks do not change and one of the day fields is open, croniter says the same."""

from __future__ import annotations

from datetime import UTC, datetime

from croniter import croniter
from hypothesis import given
from hypothesis import strategies as st

from agentschedule.plan.cron import parse

YEARS = st.datetimes(datetime(2025, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 (hypothesis adds the zone)


def field(least: int, most: int) -> st.SearchStrategy[str]:
    """One field: open, stepped, a value, a list, or a range."""
    values = st.integers(least, most)
    some = st.lists(values, min_size=1, max_size=3, unique=True)
    lists = some.map(lambda found: ",".join(map(str, found)))
    # croniter takes 0-0 for *
    ranges = some.filter(lambda found: len(found) > 1).map(lambda found: f"{min(found)}-{max(found)}")
    return st.just("*") | st.integers(2, most).map(lambda step: f"*/{step}") | lists | ranges


DAYS = st.tuples(field(1, 28), st.just("*")) | st.tuples(st.just("*"), field(0, 6))
SCHEDULES = st.tuples(field(0, 59), field(0, 23), DAYS, field(1, 12)).map(
    lambda parts: f"{parts[0]} {parts[1]} {parts[2][0]} {parts[3]} {parts[2][1]}"
)


@given(SCHEDULES, YEARS)
def test_croniter_finds_the_same_due_time(schedule: str, after: datetime) -> None:
    after = after.replace(microsecond=0)

    assert parse(schedule).next(after) == croniter(schedule, after).get_next(datetime)
