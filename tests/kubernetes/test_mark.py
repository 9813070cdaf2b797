"""The mark: `lastScheduleTime`, written by somebody else, says from when on due times count."""

from __future__ import annotations

import time
from datetime import timedelta

from tests.kubernetes.lab import QUIET, Lab, now, this_minute
from tests.kubernetes.objects import LEAP_DAY, cronjob, yearly

HOUR = timedelta(hours=1)


def test_an_edited_schedule_starts_a_time_before_the_edit_at_the_next_touch(lab: Lab) -> None:
    past = this_minute()
    lab.add(cronjob("edited", LEAP_DAY))
    lab.mark("edited", now() - HOUR)
    lab.edit("edited", schedule=yearly(past))
    lab.touch("edited")
    lab.wait(lambda: lab.started("edited") == [past], "the stale Job that the mark is for")


def test_an_edited_schedule_passes_over_a_time_that_comes_before_the_controller_has_seen_the_edit(lab: Lab) -> None:
    """An edit in the last tens of milliseconds before a due time is seen after it: to the controller it is this one."""
    due = this_minute()
    lab.add(cronjob("edited", LEAP_DAY))
    lab.mark("edited", due - timedelta(seconds=1))
    time.sleep(QUIET)  # it has looked at the mark: what follows is the look at the edit
    lab.edit("edited", schedule=yearly(due))
    lab.never(lambda: lab.jobs_of("edited"), "a Job for a due time that lies before the look at the edit")
    lab.touch("edited")
    lab.wait(lambda: lab.started("edited") == [due], "the Job that was owed all the time")


def test_a_mark_in_last_schedule_time_keeps_an_edited_schedule_from_starting_the_past(lab: Lab) -> None:
    past = this_minute()
    lab.add(cronjob("edited", LEAP_DAY))
    lab.mark("edited", now() - HOUR)
    mark = now()
    lab.mark("edited", mark)
    lab.edit("edited", schedule=yearly(past))
    lab.touch("edited")
    lab.never(lambda: lab.jobs_of("edited"), "a Job for a time before the edit")
    assert lab.last("edited") == mark


def test_a_resumed_cronjob_starts_the_latest_time_of_its_suspension(lab: Lab) -> None:
    past = this_minute()
    lab.add(cronjob("resumed", yearly(past), suspend=True))
    lab.mark("resumed", now() - HOUR)
    lab.edit("resumed", suspend=False)
    lab.wait(lambda: lab.started("resumed") == [past], "the stale Job that the mark is for")


def test_a_mark_in_last_schedule_time_keeps_a_resumed_cronjob_from_starting_the_past(lab: Lab) -> None:
    past = this_minute()
    lab.add(cronjob("resumed", yearly(past), suspend=True))
    lab.mark("resumed", now())
    lab.edit("resumed", suspend=False)
    lab.never(lambda: lab.jobs_of("resumed"), "a Job for a time before the resume")


def test_an_interval_counts_from_the_mark(lab: Lab) -> None:
    first = now() + timedelta(seconds=4)
    lab.due("interval", first, interval=120)
    lab.wait(lambda: lab.jobs_of("interval"), "the Job of one interval after the mark")
    assert lab.started("interval") == [first]
    assert lab.jobs_of("interval")[0].metadata.creation_timestamp >= first


def test_an_interval_longer_than_its_deadline_never_starts(lab: Lab) -> None:
    lab.due("interval", now() + timedelta(seconds=1), interval=120, startingDeadlineSeconds=60)
    lab.never(lambda: lab.jobs_of("interval"), "a Job", 5)


def test_the_mark_survives_the_controllers_own_looks(lab: Lab) -> None:
    mark = now() + HOUR
    lab.add(cronjob("marked", LEAP_DAY))
    lab.mark("marked", mark)
    lab.touch("marked")
    lab.never(lambda: lab.last("marked") != mark, "another time in lastScheduleTime", 2)
