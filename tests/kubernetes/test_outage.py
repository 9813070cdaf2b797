"""The controller-manager is away when CronJobs come due. All tests share one outage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from tests.kubernetes.lab import Lab, sleep_until, this_minute
from tests.kubernetes.objects import cronjob, due_name, job, yearly
from tools.cluster.base import Cluster

pytestmark = pytest.mark.xdist_group("outage")

DEADLINE = 10  # seconds; the least that the API's documentation allows


@dataclass(frozen=True)
class Outage:
    """The namespace, and the due time that passed while the controller-manager was away."""

    lab: Lab
    due: datetime


@pytest.fixture(scope="module")
def outage(shared_lab: Lab, control_plane: Cluster) -> Outage:
    """Three CronJobs whose due time passes without a controller; it is back when the tests begin."""
    lab, due = shared_lab, this_minute()
    control_plane.stop_controller_manager()  # skips the tests where the cluster does not let us
    try:
        for name in ("settled", "posted", "dropped", "late"):
            lab.add(cronjob(name, yearly(due), policy="Forbid"))
            lab.mark(name, due - timedelta(hours=1))
        lab.edit("dropped", startingDeadlineSeconds=DEADLINE)
        for name in ("settled", "posted"):
            lab.add_job(job(due_name(name, due), lab.cronjob(name), due))
        lab.repair("settled", lab.job(due_name("settled", due)))
        sleep_until(due + timedelta(seconds=DEADLINE + 1))
    finally:
        control_plane.start_controller_manager()
    return Outage(lab, due)


def test_a_due_time_within_its_deadline_starts_when_the_controller_is_back(outage: Outage) -> None:
    lab = outage.lab
    lab.wait(lambda: lab.started("late") == [outage.due], "the late start")
    assert lab.jobs_of("late")[0].metadata.creation_timestamp >= outage.due + timedelta(seconds=DEADLINE)


def test_a_job_posted_and_listed_for_a_due_time_counts_as_that_run(outage: Outage) -> None:
    lab, name = outage.lab, due_name("settled", outage.due)
    lab.wait(lambda: lab.pods(name), "the pod of our Job")
    lab.touch("settled")
    lab.never(lambda: len(lab.jobs_of("settled")) > 1, "a second Job for the due time")
    assert lab.active("settled") == [name]
    assert "SuccessfulCreate" not in lab.events("settled")
    lab.finish(name)
    lab.wait(lambda: lab.active("settled") == [], "the end of the entry")
    assert lab.last("settled") == outage.due


def test_a_job_posted_for_a_due_time_is_not_started_again_before_it_is_listed(outage: Outage) -> None:
    lab, name = outage.lab, due_name("posted", outage.due)
    lab.touch("posted")
    lab.never(lambda: len(lab.jobs_of("posted")) > 1, "a second Job for the due time")
    lab.repair("posted", lab.job(name))
    lab.never(lambda: lab.active("posted") != [name], "another entry than our Job", 2)


def test_a_due_time_past_its_deadline_is_dropped_without_a_word(outage: Outage) -> None:
    lab = outage.lab
    lab.wait(lambda: lab.jobs_of("late"), "a sign that the controller is back")
    lab.touch("dropped")
    lab.never(lambda: lab.jobs_of("dropped"), "a Job past its deadline")
    assert lab.last("dropped") == outage.due - timedelta(hours=1)
    assert lab.events("dropped") == set()
