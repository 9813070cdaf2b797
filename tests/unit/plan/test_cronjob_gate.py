"""When the CronJob may be written, as a table over the moments around a due time (08:00, hourly)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agentschedule.plan.actions import RepairCronJob, StartDue
from agentschedule.plan.answers import JobRefused
from agentschedule.plan.concurrency import active_entries, is_blocked
from agentschedule.plan.controller import UNKNOWN, Controller
from agentschedule.plan.cron import parse_live
from agentschedule.plan.cronjob_gate import JOINING_GRACE, assist, gate, in_flight, repair, unstarted_due_time
from agentschedule.plan.observed import Observed
from tests.unit.builders import a_cronjob, a_due_job, a_job, at, listed, observed

HOURLY = parse_live("0 * * * *", "Etc/UTC")
DUE = at("08:00:00")
AFTER_DUE = a_cronjob(last_schedule_time=DUE)
WORK = a_job()
DONE = a_job(succeeded=True, finished_at=at("07:40:00"))
OLD = a_due_job(at("07:00:00"))
NO_ROOM = JobRefused(a_due_job(DUE).name, "exceeded quota")


def rows(*table: tuple[Any, ...]) -> list[Any]:
    """Parameters, each named by its first column."""
    return [pytest.param(*row[1:], id=row[0]) for row in table]


@pytest.mark.parametrize(
    ("moment", "until"),
    rows(
        ("two seconds before", "07:59:58", None),
        ("in the last second", "07:59:59.001", "08:00:01"),
        ("exactly a second before", "07:59:59", "08:00:01"),
        ("well before", "07:30:00", None),
    ),
)
def test_no_write_in_the_last_second_before_a_due_time(moment: str, until: str | None) -> None:
    now = gate(observed(a_cronjob()), HOURLY, at(moment))
    assert now.wait_until == (at(until) if until else None)
    assert now.open is (until is None)


def test_a_suspended_cronjob_may_be_written_at_any_moment() -> None:
    assert gate(observed(a_cronjob(suspend=True)), HOURLY, at("07:59:59.500")).open


@pytest.mark.parametrize("moment", ["08:00:00", "08:00:00.300", "08:00:00.999"])
def test_the_controller_gets_a_second_to_start_what_is_due(moment: str) -> None:
    now = gate(observed(a_cronjob()), HOURLY, at(moment))
    assert (now.wait_until, now.first) == (at("08:00:01"), None)


@pytest.mark.parametrize("moment", ["08:00:01", "08:00:30", "08:04:59"])
def test_what_is_owed_after_that_second_we_start_ourselves(moment: str) -> None:
    cronjob = a_cronjob()
    assert gate(observed(cronjob), HOURLY, at(moment)).first == StartDue(cronjob, DUE)


@pytest.mark.parametrize(
    ("world", "moment", "due"),
    rows(
        ("nothing started yet", observed(a_cronjob()), "08:00:10", DUE),
        ("before it", observed(a_cronjob()), "07:59:59", None),
        ("the very moment", observed(a_cronjob()), "08:00:00", DUE),
        ("the deadline is over", observed(a_cronjob()), "08:05:00", None),
        ("just within the deadline", observed(a_cronjob()), "08:04:59", DUE),
        ("the mark is at the due time", observed(AFTER_DUE), "08:00:10", None),
        ("the mark lies ahead", observed(a_cronjob(last_schedule_time=at("09:30:00"))), "08:00:10", None),
        ("its Job exists", observed(a_cronjob(), a_due_job(DUE)), "08:00:10", None),
        (
            "a Job of its name exists, finished",
            observed(a_cronjob(), a_due_job(DUE, succeeded=True)),
            "08:00:10",
            None,
        ),
        ("Forbid, and a Job is at work", observed(a_cronjob(), WORK), "08:00:10", None),
        ("Forbid, and an active entry without a Job", observed(a_cronjob(active=listed(WORK))), "08:00:10", None),
        ("Forbid, and a Job that has finished", observed(a_cronjob(active=listed(DONE)), DONE), "08:00:10", DUE),
        ("Allow, and a Job is at work", observed(a_cronjob("Allow"), WORK), "08:00:10", DUE),
        ("suspended", observed(a_cronjob(suspend=True)), "08:00:10", None),
        (
            "made after it",
            observed(a_cronjob(last_schedule_time=None, created=at("08:00:05"))),
            "08:00:10",
            None,
        ),
        (
            "never started, made before it",
            observed(a_cronjob(last_schedule_time=None, created=at("07:59:50"))),
            "08:00:10",
            DUE,
        ),
        ("no deadline at all", observed(a_cronjob(deadline_seconds=None)), "08:59:00", DUE),
        ("of two, the later", observed(a_cronjob(deadline_seconds=86_400)), "09:00:10", at("09:00:00")),
        ("no CronJob", observed(None), "08:00:10", None),
    ),
)
def test_what_the_controller_still_owes(world: Observed, moment: str, due: datetime | None) -> None:
    assert unstarted_due_time(world, HOURLY, at(moment)) == due


@pytest.mark.parametrize(
    ("world", "holds"),
    rows(
        ("Forbid, nothing there", observed(a_cronjob()), False),
        ("Forbid, a Job at work", observed(a_cronjob(), WORK), True),
        ("Forbid, an entry whose Job nobody has seen", observed(a_cronjob(active=listed(WORK))), True),
        ("Forbid, an entry whose Job is done", observed(a_cronjob(active=listed(DONE)), DONE), False),
        ("Forbid, a Job of somebody else", observed(a_cronjob(), a_job(controller_uid="other")), False),
        ("Allow, a Job at work", observed(a_cronjob("Allow"), WORK), False),
    ),
)
def test_forbid_holds_while_anything_is_active(world: Observed, holds: bool) -> None:
    assert is_blocked(world) is holds


def test_an_entry_counts_until_its_job_is_known_to_have_finished() -> None:
    world = observed(a_cronjob(active=listed(WORK, DONE)), replace(WORK, uid="other"), replace(DONE, uid="done"))
    assert set(active_entries(world)) == {WORK.uid, DONE.uid}
    assert active_entries(observed(a_cronjob(active=listed(DONE)), DONE)) == ()


@pytest.mark.parametrize(
    ("world", "add", "mark"),
    rows(
        ("a Job at work that is not listed", observed(a_cronjob(), WORK), (WORK,), at("07:00:00")),
        ("a due Job after the mark", observed(a_cronjob(), a_due_job(DUE)), (a_due_job(DUE),), DUE),
        (
            "a due Job that is listed, after the mark",
            observed(a_cronjob(active=listed(a_due_job(DUE))), a_due_job(DUE)),
            (),
            DUE,
        ),
        (
            "a due Job that has finished, after the mark",
            observed(a_cronjob(), a_due_job(DUE, succeeded=False)),
            (),
            DUE,
        ),
        (
            "no mark yet",
            observed(a_cronjob(last_schedule_time=None), OLD),
            (OLD,),
            at("07:00:00"),
        ),
        (
            "a mark is never lowered",
            observed(a_cronjob(last_schedule_time=at("09:00:00")), OLD),
            (OLD,),
            at("09:00:00"),
        ),
    ),
)
def test_a_repair_lists_what_runs_and_raises_the_mark(world: Observed, add: tuple[Any, ...], mark: datetime) -> None:
    assert world.cronjob is not None
    assert repair(world) == RepairCronJob(world.cronjob, add, mark)


@pytest.mark.parametrize(
    "world",
    rows(
        ("all is written", observed(a_cronjob(active=listed(WORK)), WORK)),
        ("an ended Job of before the mark", observed(a_cronjob(), a_due_job(at("06:00:00"), succeeded=True))),
        ("a Job of somebody else", observed(a_cronjob(), a_job(controller_uid="other"))),
        ("a Job that is being deleted", observed(a_cronjob(), a_job(deleting=True))),
        ("no CronJob", observed(None, WORK)),
    ),
)
def test_there_is_nothing_to_repair(world: Observed) -> None:
    assert repair(world) is None


@pytest.mark.parametrize(
    ("moment", "until"), [("08:00:00.100", "08:00:02"), ("08:00:01.999", "08:00:02"), ("08:00:02", None)]
)
def test_the_controller_gets_its_time_to_write_down_a_job_it_made(moment: str, until: str | None) -> None:
    world = observed(a_cronjob(), a_due_job(DUE))
    assert in_flight(world, at(moment)) == (at(until) if until else None)
    assert gate(world, HOURLY, at(moment)).wait_until == (at(until) if until else None)


def test_a_repair_comes_before_what_is_owed() -> None:
    first = gate(observed(a_cronjob("Allow"), WORK), HOURLY, at("08:00:10")).first
    assert isinstance(first, RepairCronJob)


def test_the_latest_due_time_is_found_over_a_long_gap_too() -> None:
    yearly = parse_live("0 8 1 1 *", "Etc/UTC")
    new_year = datetime(2026, 1, 1, 8, tzinfo=UTC)
    assert yearly.last(at("00:00:00") - timedelta(days=3650), at("00:00:00")) == new_year
    assert HOURLY.last(at("07:00:00"), at("07:59:59")) is None
    assert HOURLY.last(at("08:00:00"), at("08:00:00")) is None


def test_a_manual_run_gives_the_controller_more_time_with_what_is_due() -> None:
    world = observed(cronjob=a_cronjob())
    joining = gate(world, HOURLY, at("08:00:05"), None, JOINING_GRACE)
    assert joining.wait_until == at("08:00:10")
    late = gate(world, HOURLY, at("08:00:10"), None, JOINING_GRACE)
    assert isinstance(late.first, StartDue)


ALIVE, MADE = Controller(renews=True), Controller(made=DUE)


@pytest.mark.parametrize(
    ("controller", "moment", "until", "starts"),
    rows(
        ("alive, just before", ALIVE, "07:59:59.900", None, False),
        ("alive, in its second", ALIVE, "08:00:00.999", "08:00:01", False),
        ("alive, after it", ALIVE, "08:00:01", None, True),
        ("alive, much later", ALIVE, "08:04:59", None, True),
        ("alive, past the deadline", ALIVE, "08:05:00", None, False),
        ("it makes Jobs", MADE, "08:00:01", None, True),
        ("it made one before", Controller(made=at("07:59:59")), "08:00:01", None, False),
        ("unknown, in its second", UNKNOWN, "08:00:00.300", "08:00:01", False),
        ("unknown, after it", UNKNOWN, "08:00:01", None, False),
    ),
)
def test_what_a_controller_that_is_alive_has_not_started_within_a_second_we_start(
    controller: Controller, moment: str, until: str | None, starts: bool
) -> None:
    cronjob = a_cronjob()
    now = assist(replace(observed(cronjob), controller=controller), HOURLY, at(moment))
    assert now.wait_until == (at(until) if until else None)
    assert now.first == (StartDue(cronjob, DUE) if starts else None)


@pytest.mark.parametrize(
    ("world", "starts"),
    rows(
        ("nothing is active", observed(a_cronjob()), True),
        ("Forbid, and a Job at work", observed(a_cronjob(active=listed(WORK)), WORK), False),
        ("Forbid, and a Job that nobody has listed yet", observed(a_cronjob(), WORK), False),
        ("Forbid, and an entry whose Job nobody has seen", observed(a_cronjob(active=listed(WORK))), False),
        ("Forbid, and a Job that has ended", observed(a_cronjob(active=listed(DONE)), DONE), True),
        ("Allow, and a Job at work", observed(a_cronjob("Allow", active=listed(WORK)), WORK), True),
        ("Replace, and nothing to replace", observed(a_cronjob("Replace")), True),
        ("Replace, and a Job at work", observed(a_cronjob("Replace", active=listed(WORK)), WORK), False),
        ("suspended", observed(a_cronjob(suspend=True)), False),
        ("the mark is at the due time", observed(AFTER_DUE), False),
        ("the mark lies ahead", observed(a_cronjob(last_schedule_time=at("09:30:00"))), False),
        ("its Job exists", observed(a_cronjob(), a_due_job(DUE)), False),
        ("its Job has ended", observed(a_cronjob(), a_due_job(DUE, succeeded=True)), False),
        ("the API has refused it", replace(observed(a_cronjob()), answers=(NO_ROOM,)), False),
    ),
)
def test_we_start_nothing_that_the_controller_would_not_start(world: Observed, starts: bool) -> None:
    now = assist(replace(world, controller=ALIVE), HOURLY, at("08:00:10"))
    assert (now.wait_until, now.first is not None) == (None, starts)


@pytest.mark.parametrize(("end", "starts"), [("08:00:00", True), ("07:59:59", False)])
def test_we_start_nothing_that_is_due_after_the_window(end: str, starts: bool) -> None:
    world = replace(observed(a_cronjob()), controller=ALIVE)
    assert (assist(world, HOURLY, at("08:00:10"), at(end)).first is not None) is starts


@pytest.mark.parametrize(
    ("policy", "moment", "until"),
    [
        ("Forbid", "08:00:30.500", "08:00:32"),
        ("Forbid", "08:00:32", None),
        ("Allow", "08:00:30.500", None),
        ("Replace", "08:00:30.500", None),
    ],
)
def test_what_a_run_held_back_the_controller_has_its_time_to_start_after_that_run_has_ended(
    policy: str, moment: str, until: str | None
) -> None:
    ended = a_due_job(at("07:00:00"), succeeded=True, finished_at=at("08:00:30"))
    world = replace(observed(a_cronjob(policy, active=listed(ended)), ended), controller=ALIVE)
    now = assist(world, HOURLY, at(moment))
    assert now.wait_until == (at(until) if until else None)
    assert (now.first is None) is (until is not None)
