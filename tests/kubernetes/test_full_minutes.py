"""What only a clock can show: five fields and full minutes. All tests share the same two minutes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from tests.kubernetes.lab import SOON, Lab, now, this_minute
from tests.kubernetes.objects import EVERY_MINUTE, LEAP_DAY, cronjob, due_name, yearly

pytestmark = [pytest.mark.xdist_group("minutes"), pytest.mark.turn(-3)]

MINUTE = timedelta(minutes=1)
PREPARATION = timedelta(seconds=8)  # the CronJobs are made at least so long before the first minute


@dataclass(frozen=True)
class Minutes:
    """The namespace, its next two full minutes, and the marks written there."""

    lab: Lab
    first: datetime
    second: datetime
    ahead: datetime
    edit: datetime


@pytest.fixture(scope="module")
def minutes(shared_lab: Lab) -> Minutes:
    """Four CronJobs, all prepared before the first of the two minutes."""
    lab, first = shared_lab, this_minute() + MINUTE
    if first - now() < PREPARATION:  # let it pass, or what is made now would start at it
        time.sleep((first - now()).total_seconds() + 1)
        first += MINUTE
    ahead = first + timedelta(seconds=10)

    lab.add(cronjob("ahead", EVERY_MINUTE, suspend=True))
    lab.mark("ahead", ahead)
    lab.edit("ahead", suspend=False)

    lab.add(cronjob("once", yearly(first), suspend=True))
    lab.mark("once", first - timedelta(seconds=1))
    lab.edit("once", suspend=False)

    lab.add(cronjob("edited", LEAP_DAY, policy="Allow"))
    lab.mark("edited", now() - 60 * MINUTE)
    edit = now()
    lab.mark("edited", edit)
    lab.edit("edited", schedule=EVERY_MINUTE)

    lab.add(cronjob("busy", EVERY_MINUTE, policy="Forbid"))
    return Minutes(lab, first, first + MINUTE, ahead, edit)


def test_a_mark_one_second_before_the_time_starts_a_cronjob_once_at_that_time(minutes: Minutes) -> None:
    _wait_for(minutes, "once", minutes.first)
    assert minutes.lab.started("once") == [minutes.first]


def test_an_edited_schedule_with_a_mark_starts_at_its_next_time(minutes: Minutes) -> None:
    _wait_for(minutes, "edited", minutes.first)
    due = minutes.lab.started("edited")
    assert min(due) > minutes.edit
    assert minutes.first in due


def test_a_mark_ahead_of_now_means_not_before(minutes: Minutes) -> None:
    lab = minutes.lab
    until = (minutes.second - now()).total_seconds() - 1
    lab.never(lambda: lab.jobs_of("ahead"), "a Job before the mark", until)
    _wait_for(minutes, "ahead", minutes.second)
    assert lab.started("ahead") == [minutes.second]


def test_a_due_time_that_forbid_held_back_starts_late_when_the_active_job_ends(minutes: Minutes) -> None:
    lab = minutes.lab
    _wait_for(minutes, "busy", minutes.first)
    held = (minutes.second - now()).total_seconds() + SOON
    lab.wait(lambda: "JobAlreadyActive" in lab.events("busy"), "word that Forbid held", held)
    assert lab.started("busy") == [minutes.first]
    lab.finish(due_name("busy", minutes.first))
    _wait_for(minutes, "busy", minutes.second)
    late = lab.job(due_name("busy", minutes.second))
    assert late.metadata.creation_timestamp >= minutes.second


def _wait_for(minutes: Minutes, name: str, due: datetime) -> None:
    left = max(0.0, (due - now()).total_seconds())
    lab = minutes.lab
    lab.wait(lambda: due in lab.started(name), f"the Job of {name} at {due}", left + SOON)
