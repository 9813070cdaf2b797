"""What must hold for every schedule, zone and instant (hypothesis)."""

from __future__ import annotations

import string
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from zoneinfo import available_timezones

from hypothesis import example, given, settings
from hypothesis import strategies as st

from agentschedule.plan import cron
from tests.oracle import cases

SCHEDULES = st.integers(0, 10**9).map(lambda seed: cases.schedule(Random(seed)))
ZONES = st.sampled_from(
    ["Etc/UTC", "America/New_York", "Africa/Cairo", "Asia/Beirut", "America/Santiago", "America/Havana",
     "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "Asia/Gaza", *sorted(available_timezones())]
)  # fmt: skip
MOMENTS = st.datetimes(datetime(1995, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
SPANS = st.timedeltas(timedelta(0), timedelta(days=20))


def live(schedule: str, zone: str) -> cron.Cron:
    return cron.parse_live(schedule, zone if zone in known() else "Etc/UTC")


def known() -> frozenset[str]:
    from agentschedule.plan.cron.zone_check import known_zones

    return known_zones()


@settings(max_examples=300, deadline=None)
@given(SCHEDULES, ZONES, MOMENTS)
def test_due_times_come_after_and_in_order(schedule: str, zone: str, moment: datetime) -> None:
    parsed, last = live(schedule, zone), moment
    for due in islice(parsed.between(moment, moment + timedelta(days=4000)), 20):
        assert due > last
        assert (due.second, due.microsecond, due.tzinfo) == (0, 0, UTC)
        assert due - last <= timedelta(days=6 * 366)
        last = due


@settings(max_examples=300, deadline=None)
@given(SCHEDULES, ZONES, MOMENTS, SPANS)
def test_next_does_not_pass_a_due_time(schedule: str, zone: str, moment: datetime, span: timedelta) -> None:
    """From a later start, the next due time is not earlier."""
    parsed = live(schedule, zone)
    first, second = parsed.next(moment), parsed.next(moment + span)
    assert (
        first is None or second is None or calm(parsed, moment, second + timedelta(days=2)) is False or first <= second
    )


def calm(parsed: cron.Cron, start: datetime, end: datetime) -> bool:
    """No change of the clock near; at one, robfig itself may go back (the day that has no midnight)."""
    return not list(parsed.changes(start - timedelta(days=32), end))


@settings(max_examples=300, deadline=None)
@given(SCHEDULES, ZONES, MOMENTS, SPANS)
def test_the_count_is_the_number_of_due_times(schedule: str, zone: str, moment: datetime, span: timedelta) -> None:
    parsed = live(schedule, zone)
    assert parsed.count(moment, moment + span) == sum(1 for _ in parsed.between(moment, moment + span))


@settings(max_examples=60, deadline=None)
@example("7 */5 4,11-18/23 1-1,6,* Tue,2", "America/Santiago", datetime(2000, 1, 1, tzinfo=UTC), 4)  # due on a Sunday
@given(SCHEDULES, ZONES, MOMENTS, st.integers(1, 5))
def test_the_count_over_years_is_the_number_of_due_times(
    schedule: str, zone: str, moment: datetime, years: int
) -> None:
    columns = schedule.split()
    sparse = schedule if schedule.startswith("@") else " ".join(["7", "*/5", *columns[2:]])
    parsed, end = live(sparse, zone), moment + timedelta(days=366 * years)
    assert parsed.count(moment, end) == sum(1 for _ in parsed.between(moment, end))


@settings(max_examples=300, deadline=None)
@given(SCHEDULES, ZONES, MOMENTS, SPANS, SPANS)
def test_counts_add_up_at_due_times(schedule: str, zone: str, a: datetime, ab: timedelta, bc: timedelta) -> None:
    """count(a, c) == count(a, b) + count(b, c), where the chain is not cut in the middle of a change of the clock."""
    parsed = live(schedule, zone)
    b = last_due(parsed, a, a + ab) or a
    c = b + bc
    assert parsed.count(a, c) == parsed.count(a, b) + parsed.count(b, c)


def last_due(parsed: cron.Cron, after: datetime, until: datetime) -> datetime | None:
    last = None
    for due in parsed.between(after, until):
        last = due
    return last


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet=string.printable + "äٳ\u2003", max_size=140))
def test_no_text_raises_anything_but_a_schedule_error(text: str) -> None:
    for attempt in (lambda: cron.parse(text), lambda: cron.parse_live(text, "Etc/UTC"), lambda: cron.check_zone(text)):
        with suppress(cron.ScheduleError):
            attempt()


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 10**9), st.text(alphabet=string.ascii_lowercase + "/-", max_size=20))
def test_what_the_cronjob_gets_is_a_schedule_itself(number: int, seed: str) -> None:
    try:
        text = cron.parse(cases.schedule(Random(number), ours=True), seed=seed).text
    except cron.ScheduleError:
        return
    assert cron.parse(text).text == text
    assert not set(text) & {"H", "7"} or cron.parse(text, seed="other").text == text
