"""The CronJob dialect in sentences: what is accepted, what it means, what is answered to a slip, what a clock does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from agentschedule.plan import cron


def due(schedule: str, zone: str, start: str, number: int = 4) -> list[str]:
    """The next due times after a local time, as local times."""
    parsed, clock = cron.parse_live(schedule, zone), ZoneInfo(zone)
    moment: datetime | None = datetime.fromisoformat(start).replace(tzinfo=clock).astimezone(UTC)
    found = []
    while moment is not None and len(found) < number:
        moment = parsed.next(moment)
        found.append("never" if moment is None else moment.astimezone(clock).isoformat(" ", "minutes"))
    return found


@pytest.mark.parametrize(
    ("schedule", "zone", "start", "expected"),
    [
        # A due time in the gap of spring is skipped that day; one in the overlap of autumn comes twice.
        ("30 2 * * *", "America/New_York", "2027-03-13 00:00", ["2027-03-13 02:30-05:00", "2027-03-15 02:30-04:00"]),
        ("30 1 * * *", "America/New_York", "2026-11-01 00:00", ["2026-11-01 01:30-04:00", "2026-11-01 01:30-05:00"]),
        # Midnight itself is left out: the day has no run.
        ("0 0 * * *", "Africa/Cairo", "2026-04-22 12:00", ["2026-04-23 00:00+02:00", "2026-04-25 00:00+03:00"]),
        ("0 0 * * *", "Asia/Beirut", "2026-03-27 12:00", ["2026-03-28 00:00+02:00", "2026-03-30 00:00+03:00"]),
        ("0 0 * * *", "America/Santiago", "2026-09-04 12:00", ["2026-09-05 00:00-04:00", "2026-09-07 00:00-03:00"]),
        ("0 0 * * *", "America/Havana", "2026-03-06 12:00", ["2026-03-07 00:00-05:00", "2026-03-09 00:00-04:00"]),
        # Half an hour: robfig walks in whole hours from midnight and passes 09:00 at 09:30.
        ("0 9 * * *", "Australia/Lord_Howe", "2026-10-02 12:00", ["2026-10-03 09:00+10:30", "2026-10-05 09:00+11:00"]),
        # The first of a month without midnight: robfig misses it, and with it that April is not due.
        ("0 0 2 3,6 *", "Asia/Ust-Nera", "1981-03-31 18:00", ["1981-04-02 00:00+12:00", "1981-06-02 00:00+12:00"]),
        # A day that does not exist. Go never returns from here; we go over it.
        ("0 0 * * *", "Pacific/Apia", "2011-12-28 12:00", ["2011-12-29 00:00-10:00", "2011-12-31 00:00+14:00"]),
        ("0 0 30 12 *", "Pacific/Apia", "2011-12-01 00:00", ["2012-12-30 00:00+14:00", "2013-12-30 00:00+14:00"]),
        # The clock goes from 00:01 back to 23:01. robfig looks at the minute, not at the hour again, and after 23:07
        # returns 23:07 for ever; we go on.
        ("7 */5 * * *", "America/St_Johns", "1995-10-28 21:00", ["1995-10-28 23:07-03:30", "1995-10-29 00:07-03:30"]),
        # Leap days, and the five years after which robfig gives up.
        ("0 0 29 2 *", "Etc/UTC", "2026-01-01 00:00", ["2028-02-29 00:00+00:00", "2032-02-29 00:00+00:00"]),
        ("0 0 29 2 *", "Etc/UTC", "2096-03-01 00:00", ["never"]),
        ("0 0 30 2 *", "Etc/UTC", "2026-01-01 00:00", ["never"]),
        # Days: both fields when one has a star, either field when none has.
        ("0 0 13 * 5", "Etc/UTC", "2026-02-10 00:00", ["2026-02-13 00:00+00:00", "2026-02-20 00:00+00:00"]),
        ("0 0 */2 * 1", "Etc/UTC", "2026-02-01 00:00", ["2026-02-02 00:00+00:00", "2026-02-03 00:00+00:00"]),
        ("0 0 */1 * 1", "Etc/UTC", "2026-02-01 00:00", ["2026-02-02 00:00+00:00", "2026-02-09 00:00+00:00"]),
        ("5/25 * * * *", "Etc/UTC", "2026-02-01 00:00", ["2026-02-01 00:05+00:00", "2026-02-01 00:30+00:00"]),
    ],
)  # fmt: skip
def test_due_times_are_what_the_cluster_does(schedule: str, zone: str, start: str, expected: list[str]) -> None:
    assert due(schedule, zone, start, len(expected)) == expected


def test_half_past_one_comes_at_two_on_lord_howe() -> None:
    clock = ZoneInfo("Australia/Lord_Howe")
    start = datetime(2026, 10, 3, 12, tzinfo=clock)
    found = cron.parse("30 1 * * *", clock.key).between(start, start + timedelta(days=2))
    assert [moment.astimezone(clock).isoformat(" ", "minutes") for moment in found] == [
        "2026-10-04 01:30+10:30",
        "2026-10-04 02:30+11:00",
        "2026-10-05 01:30+11:00",
    ]


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        ("0 8 * * 1-5", "0 8 * * 1-5"),
        ("0  8 *   * *", "0 8 * * *"),
        ("@daily", "@daily"),
        ("0 8 * * 7", "0 8 * * 0"),
        ("0 8 * * 5-7", "0 8 * * 5,6,0"),
        ("0 8 * * 0-7", "0 8 * * 0-6"),
        ("0 8 * * 1-7", "0 8 * * 0-6"),
        ("0 8 * * 1-7/2", "0 8 * * 1,3,5,0"),
        ("0 8 * * 7,MON", "0 8 * * 0,MON"),
        ("05 08 01 jan,Mar sun-TUE", "05 08 01 jan,Mar sun-TUE"),
        ("*/60 */24 ? * ?", "*/60 */24 ? * ?"),
    ],
)
def test_the_cronjob_gets_what_the_api_knows(schedule: str, text: str) -> None:
    assert cron.parse(schedule).text == text


@pytest.mark.parametrize(
    ("schedule", "sentence"),
    [
        ("", "schedule is empty; write five fields"),
        ("0 8 * *", "this has 4: write five fields"),
        ("hourly", "write @hourly"),
        ("0 0 8 * * 1-5", "without seconds and without a year; this has 6: write '0 8 * * 1-5'"),
        ("0 8 mon * *", "day of month 'mon': this name belongs in the weekday field"),
        ("0 8 * fri *", "month 'fri': this name belongs in the weekday field; write 1-12 or jan-dec"),
        ("0 8 * * jan", "weekday 'jan': this name belongs in the month field"),
        ("0 8 * * monday", "names have three letters; write mon"),
        ("0 8 * * fri-sun", "its start is after its end; write fri-sat,sun"),
        ("0 22-6 * * *", "its start is after its end; write 22-23,0-6"),
        ("0 8 * dec-feb *", "its start is after its end; write dec,jan-feb"),
        ("0 8 * * mon-5", "write both ends as names or both as numbers"),
        ("*/0 * * * *", "minute has step 0; a step is 1 or more"),
        ("*/90 * * * *", "minute has step 90, more than its 60 values; write interval instead"),
        ("0 8 L * *", "day of month 'L' is Quartz syntax"),
        ("0 8 15W * *", "day of month '15W' is Quartz syntax"),
        ("0 8 * * 5#3", "weekday '5#3' is Quartz syntax"),
        ("TZ=Europe/Berlin 0 8 * * *", "put the zone in timeZone, not in schedule"),
        ("CRON_TZ=UTC 0 8 * * *", "put the zone in timeZone, not in schedule"),
        ("@every 90m", "write `interval: 90m` instead"),
        ("@reboot", "@reboot has no meaning in a cluster"),
        ("@Daily", "macros are in lower case; write @daily"),
        ("@fortnightly", "unknown macro '@fortnightly'; write one of @yearly"),
        ("0 8 30 2 *", "schedule never fires within 5 years (30 February)"),
        ("0 8 31 4,6 *", "schedule never fires within 5 years (31 April, June)"),
        ("60 8 * * *", "minute '60' is out of range; write 0-59"),
        ("0 8 0 * *", "day of month '0' is out of range; write 1-31"),
        ("0 8 * * 8", "weekday '8' is out of range; write 0-6 or sun-sat"),
        ("007 8 * * *", "too many zeros; write 7"),
        ("+5 8 * * *", "minute '+5' cannot be read"),
        ("1,,2 8 * * *", "minute has a comma too many"),
        (", 8 * * *", "minute has a comma too many"),
        ("*-5 8 * * *", "a range starts with a value"),
        ("0\t8 * * *", "schedule has a tab"),
        ("0 8 * * *\n", "schedule has a tab, a line break"),
        (" 0 8 * * *", "begins or ends with a blank"),
        ("H(0-7) 8 * * *", "H takes no range; write H, or H/15"),
        ("h 8 * * *", "write H in upper case"),
        ("0 8 * * *" + ",1" * 60, "at most 128 are allowed"),
    ],
)
def test_a_slip_is_answered_with_what_to_write(schedule: str, sentence: str) -> None:
    with pytest.raises(cron.ScheduleError) as refused:
        cron.parse(schedule)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("zone", "sentence"),
    [
        ("PST", "write the IANA zone of the place, such as America/Los_Angeles"),
        ("CEST", "such as Europe/Berlin"),
        ("W. Europe Standard Time", "is a Windows name; write the IANA zone Europe/Berlin"),
        ("europe/berlin", "did you mean Europe/Berlin?"),
        ("Berlin", "did you mean Europe/Berlin?"),
        ("America/New York", "did you mean America/New_York?"),
        ("Europe/Berln", "did you mean Europe/Berlin?"),
        ("utc", "did you mean UTC?"),
        ("UTC+2", "or Etc/GMT-2 (its sign is inverted on purpose)"),
        ("+05:30", "is an offset"),
        ("Local", "the machine's own setting"),
        ("posix/Europe/Berlin", "write Europe/Berlin"),
        ("", "is empty"),
        ("Nowhere", "write an IANA zone such as Europe/Berlin, or Etc/UTC"),
        ("../etc/passwd", "is not an IANA time zone"),
        ("America", "is not an IANA time zone"),
    ],
)
def test_a_zone_that_does_not_exist_is_answered_with_one_that_does(zone: str, sentence: str) -> None:
    with pytest.raises(cron.ScheduleError) as refused:
        cron.parse("0 8 * * *", zone)
    assert sentence in str(refused.value)


def test_zones_without_summer_time_stay_allowed_and_are_warned_about() -> None:
    assert "write America/New_York" in str(cron.zone_warning("EST"))
    assert "5 hours west" in str(cron.zone_warning("Etc/GMT+5"))
    assert cron.zone_warning("CET") is cron.zone_warning("Etc/UTC") is None
    for zone in ("EST", "CET", "Etc/GMT+5"):
        cron.check_zone(zone)


def test_h_spreads_over_the_whole_range_and_stays_where_it_is() -> None:
    drawn = [cron.parse("H H H * *", seed=f"team/agent-{number}").text.split() for number in range(4000)]
    assert {int(minute) for minute, *_ in drawn} == set(range(60))
    assert {int(hour) for _, hour, *_ in drawn} == set(range(24))
    assert {int(day) for _, _, day, *_ in drawn} == set(range(1, 29))
    slots = {(minute, hour) for minute, hour, *_ in drawn}
    assert len(slots) > 1300
    assert cron.parse("H H H H H", seed="team/agent").text == cron.parse("H H H H H", seed="team/agent").text


def test_h_with_a_step_starts_within_the_first_step() -> None:
    starts = {cron.parse("H/15 * * * *", seed=str(number)).text.split()[0] for number in range(300)}
    assert starts == {f"{start}-59/15" for start in range(15)}


def test_instants_go_in_with_any_zone_and_come_out_in_utc() -> None:
    parsed = cron.parse("0 8 * * *", "Europe/Berlin")
    moment = datetime(2026, 7, 1, 9, 59, 59, 999_999, tzinfo=timezone(timedelta(hours=4)))
    assert parsed.next(moment) == datetime(2026, 7, 1, 6, tzinfo=UTC)
    assert parsed.next(datetime(2026, 7, 1, 6, tzinfo=UTC)) == datetime(2026, 7, 2, 6, tzinfo=UTC)
    with pytest.raises(ValueError, match="without a zone"):
        parsed.next(datetime(2026, 7, 1))  # noqa: DTZ001


def test_every_keeps_its_phase() -> None:
    parsed, start = cron.parse_live("@every 1h30m", "Etc/UTC"), datetime(2026, 1, 1, 0, 7, 30, 400, tzinfo=UTC)
    assert next(parsed.between(start, start + timedelta(hours=3))) == datetime(2026, 1, 1, 1, 37, 30, tzinfo=UTC)
    assert parsed.count(start, start + timedelta(days=1)) == 16


def test_a_live_cronjob_may_hold_what_we_would_refuse() -> None:
    moment = datetime(2026, 7, 1, tzinfo=UTC)
    assert cron.parse_live("+5\t08,,9 * * *", "Etc/UTC").next(moment) == datetime(2026, 7, 1, 8, 5, tzinfo=UTC)
    legacy = cron.parse_live("TZ=Asia/Tokyo 0 9 * * *", "Etc/UTC")
    assert legacy.next(moment) == datetime(2026, 7, 2, tzinfo=UTC)
    assert cron.parse_live(", * * * *", "Etc/UTC").next(moment) is None
    with pytest.raises(cron.ScheduleError):
        cron.parse_live("0 25 * * *", "Etc/UTC")


def test_a_year_of_minutes_is_counted_exactly() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for zone in ("Etc/UTC", "America/New_York", "Australia/Lord_Howe"):
        assert cron.parse("* * * * *", zone).count(start, datetime(2027, 1, 1, tzinfo=UTC)) == 525_600


def test_changes_of_the_clock_are_told() -> None:
    [spring, autumn] = cron.parse("0 8 * * *", "Europe/Berlin").changes(
        datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    )
    assert spring == (datetime(2026, 3, 29, 1, tzinfo=UTC), timedelta(hours=1), timedelta(hours=2))
    assert autumn == (datetime(2026, 10, 25, 1, tzinfo=UTC), timedelta(hours=2), timedelta(hours=1))


def test_the_ends_of_the_calendar_raise_nothing() -> None:
    parsed = cron.parse("0 8 * * *", "America/New_York")
    first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    for moment in (first, last):
        assert parsed.next(moment) is None
        assert parsed.count(moment, last) == 0
