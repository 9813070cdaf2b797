"""What an author is told of a schedule that is valid but may surprise, and of one that is not valid any more."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime

from agentschedule import names
from tests.integration.steps import QUIET_SECONDS, at_work, settled
from tests.world import Body, World, agent_schedule, stays, wait_for

NEW_YORK = "America/New_York"
SKIPPED: Body = {"schedule": "30 2 * * *", "timeZone": NEW_YORK}
DOUBLED: Body = {"schedule": "30 1 * * *", "timeZone": NEW_YORK}
PLAIN: Body = {"schedule": "0 12 * * *", "timeZone": NEW_YORK}
SHORT = "startingDeadlineSeconds is 30"
EST = "timeZone EST has no summer time, at any time of the year; if you mean the place, write America/New_York"
NEVER = "0 8 31 feb-feb *"  # the CRD's rules do not see it
# (spec, what the sentence says)
MISTAKES: list[tuple[Body, str]] = [
    ({"timeZone": "PST"}, "write the IANA zone of the place, such as America/Los_Angeles"),
    ({"timeZone": "CEST"}, "write the IANA zone of the place, such as Europe/Berlin"),
    ({"timeZone": "Pacific Standard Time"}, "write the IANA zone America/Los_Angeles"),
    ({"timeZone": "europe/berlin"}, "did you mean Europe/Berlin?"),
    ({"timeZone": "UTC+2"}, "or Etc/GMT-2 (its sign is inverted on purpose)"),
    ({"schedule": NEVER}, "schedule never fires within 5 years (31 February)"),
]


def test_the_author_is_warned_of_what_the_clock_will_do_until_an_edit(world: World) -> None:
    """Each day is worked out here: summer time is from the second Sunday of March to the first of November."""
    spring = f"02:30 does not exist on {_coming(3, 2)} in {NEW_YORK}: this schedule skips that day."
    autumn = f"01:30 comes twice on {_coming(11, 1)} in {NEW_YORK}: it runs at both."
    at_work(world, "skipped", **SKIPPED)
    at_work(world, "doubled", **DOUBLED)
    at_work(world, "plain", **PLAIN)
    at_work(world, "often", "*/10 * * * *", timeZone=NEW_YORK)
    at_work(world, "est", "30 2 * * *", timeZone="EST")
    at_work(world, "short", "0 12 * * *", startingDeadlineSeconds=30)
    at_work(world, "both", startingDeadlineSeconds=30, **SKIPPED)

    assert _warning(world, "skipped").startswith(f"ClockChange: {spring}")
    assert "comes twice" not in _warning(world, "skipped")
    assert _warning(world, "doubled").startswith(f"ClockChange: {autumn}")
    assert _warning(world, "est") == f"ZoneWithoutSummerTime: {EST}."
    assert _warning(world, "short").startswith(f"ShortDeadline: {SHORT}")
    assert "60 or more is safer" in _warning(world, "short")
    assert _warning(world, "both").startswith(f"ClockChange: {spring}")
    assert SHORT in _warning(world, "both")
    assert (_warning(world, "plain"), _warning(world, "often")) == ("", "")
    for name in ("skipped", "doubled", "est", "short", "both"):
        states = {c["type"]: c["status"] for c in world.status(name)["conditions"]}
        assert (states["Accepted"], states["Ready"], states["Stalled"]) == ("True", "True", "False"), name

    edits: dict[str, Body] = {
        "skipped": {"schedule": "30 4 * * *"},
        "doubled": {"timeZone": "Etc/UTC"},
        "est": {"timeZone": "Etc/UTC"},
        "short": {"startingDeadlineSeconds": 60},
        "both": {"startingDeadlineSeconds": 60},
        "plain": SKIPPED,
    }
    for name, edit in edits.items():
        world.patch(name, **edit)
        settled(world, name)
    assert [_warning(world, name) for name in ("skipped", "doubled", "est", "short")] == [""] * 4
    assert _warning(world, "both") == _warning(world, "plain")
    assert _warning(world, "both").startswith(f"ClockChange: {spring}")
    assert SHORT not in _warning(world, "both")


def test_a_runs_outcome_and_a_suspension_leave_the_warning_alone(world: World) -> None:
    at_work(world, "report", suspend=True, **SKIPPED)
    warning = _warning(world, "report")
    assert "does not exist" in warning
    world.patch("report", suspend=False)
    settled(world, "report")
    assert _warning(world, "report") == warning


def test_a_schedule_that_becomes_invalid_keeps_its_cronjob_and_says_so(world: World) -> None:
    for number, (spec, words) in enumerate(MISTAKES):
        at_work(world, f"report-{number}", **PLAIN)
        _made_invalid(world, f"report-{number}", spec, words)

    for number in range(len(MISTAKES)):
        world.patch(f"report-{number}", schedule="0 9 * * *", timeZone="Europe/Berlin")
        mended = settled(world, f"report-{number}")
        assert (mended["phase"], mended["resolvedSchedule"]) == ("Active", "0 9 * * *")
        assert world.condition(f"report-{number}", "Accepted")["status"] == "True"
        assert world.cronjob(f"report-{number}").spec.time_zone == "Europe/Berlin"


def test_a_schedule_that_was_never_valid_makes_nothing_and_says_what_to_write(world: World) -> None:
    for number, (spec, words) in enumerate(MISTAKES):
        world.apply(agent_schedule(f"report-{number}", **spec))
        settled(world, f"report-{number}", "Accepted", "False")
        _assert_told(world, f"report-{number}", words)
        assert "nothing runs" in world.condition(f"report-{number}", "Ready")["message"]
        status = world.status(f"report-{number}")
        assert not {"nextRunTime", "resolvedSchedule", "cronJob"} & status.keys()
    assert not world.api.batch.list_namespaced_cron_job(world.namespace).items


def _made_invalid(world: World, name: str, spec: Body, words: str) -> None:
    before = world.cronjob(name)
    world.patch(name, **spec)
    status = settled(world, name, "Accepted", "False")

    _assert_told(world, name, words)
    assert "the former CronJob goes on as it was" in world.condition(name, "Ready")["message"]
    assert status["resolvedSchedule"] == PLAIN["schedule"]
    assert status["nextRunTime"]

    def same() -> bool:
        now = world.cronjob(name)
        return bool((now.metadata.uid, now.spec) == (before.metadata.uid, before.spec))

    stays(same, "the CronJob as it was", QUIET_SECONDS / 4)


def _assert_told(world: World, name: str, words: str) -> None:
    assert world.status(name)["phase"] == "Invalid"
    accepted = world.condition(name, "Accepted")
    assert (accepted["status"], accepted["reason"]) == ("False", names.Reason.INVALID_SCHEDULE)
    assert words in accepted["message"]
    assert world.condition(name, "Stalled")["status"] == "True"
    assert _warning(world, name) == ""
    wait_for(lambda: world.events(name, names.Reason.INVALID_SCHEDULE), "an event that says so")


def _warning(world: World, name: str) -> str:
    """Reason and sentences of the condition; empty if there is none."""
    found = world.condition(name, "Warning")
    assert found.get("status", "True") == "True"
    return f"{found['reason']}: {found['message']}" if found else ""


def _coming(month: int, number: int) -> date:
    """The next such Sunday of New York's change of the clock, today included, as for the operator."""
    today = datetime.now(UTC).date()
    years = (today.year, today.year + 1)
    days = (_sunday(year, month, number) for year in years)
    return next(day for day in days if day >= today)


def _sunday(year: int, month: int, number: int) -> date:
    """The so-manieth Sunday of a month."""
    first = (calendar.SUNDAY - date(year, month, 1).weekday()) % 7
    return date(year, month, 1 + first + 7 * (number - 1))
