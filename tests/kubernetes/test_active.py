"""Joining `active`: the CronJob's list of running Jobs takes one that the controller did not start."""

from __future__ import annotations

from datetime import datetime, timedelta

from kubernetes.client import V1Job

from tests.kubernetes.lab import Lab, now
from tests.kubernetes.objects import INSTANTIATE, LEAP_DAY, controlled_by, cronjob, due_name, job
from tools.cluster.base import Cluster

AHEAD = timedelta(seconds=5)  # the due time: late enough to join before it


def _joined(lab: Lab, interval: int = 60) -> tuple[V1Job, datetime]:
    """A suspended Job that nobody controls, listed as active before the CronJob's due time."""
    manual = lab.add_job(job("manual", suspend=True))
    due = now() + AHEAD
    lab.due("schedule", due, interval, policy="Forbid")
    lab.join("schedule", manual)
    return manual, due


def _held(lab: Lab) -> None:
    lab.wait(lambda: "JobAlreadyActive" in lab.events("schedule"), "word that Forbid held")


def test_a_suspended_job_listed_in_active_holds_forbid_before_the_cronjob_controls_it(lab: Lab) -> None:
    _joined(lab)
    _held(lab)
    assert lab.jobs_of("schedule") == []
    assert lab.active("schedule") == ["manual"]


def test_an_entry_in_active_that_nobody_controls_stays_until_its_job_is_gone(lab: Lab) -> None:
    _joined(lab)
    _held(lab)
    lab.touch("schedule")
    lab.never(lambda: lab.active("schedule") != ["manual"], "another entry than ours", 2)
    lab.batch.delete_namespaced_job("manual", lab.namespace, propagation_policy="Background")
    lab.touch("schedule")
    lab.wait(lambda: "manual" not in lab.active("schedule"), "the end of the entry")
    assert "MissingJob" in lab.events("schedule")


def test_a_job_that_joined_leaves_active_when_it_ends_and_the_held_time_starts_late(lab: Lab) -> None:
    manual, due = _joined(lab)
    lab.release(manual, controlled_by(lab.cronjob("schedule")))
    _held(lab)
    assert [j.metadata.name for j in lab.jobs_of("schedule")] == ["manual"]
    lab.finish("manual")
    lab.wait(lambda: "manual" not in lab.active("schedule"), "the end of the entry")
    late = due_name("schedule", due)
    lab.wait(lambda: lab.active("schedule") == [late], "the late start of the time that was held")
    assert lab.last("schedule") == due


def test_a_job_listed_in_active_before_it_is_controlled_is_never_called_unexpected(lab: Lab) -> None:
    manual = lab.add_job(job("manual", suspend=True))
    schedule = lab.add(cronjob("schedule", LEAP_DAY))
    lab.join("schedule", manual)
    lab.release(manual, controlled_by(schedule))
    lab.touch("schedule")
    lab.never(lambda: "UnexpectedJob" in lab.events("schedule"), "an UnexpectedJob event")
    assert lab.active("schedule") == ["manual"]


def test_of_several_times_that_forbid_held_back_only_the_latest_starts_late(lab: Lab) -> None:
    interval = 3
    manual, due = _joined(lab, interval)
    lab.release(manual, controlled_by(lab.cronjob("schedule")))
    third = due + timedelta(seconds=2 * interval)
    lab.never(lambda: len(lab.jobs_of("schedule")) > 1, "a start beside the active Job", _until(third))
    before = now()
    lab.finish("manual")
    lab.wait(lambda: lab.started("schedule"), "a late start")
    lab.never(lambda: len(lab.started("schedule")) > 1, "a second late start", interval + 1)
    assert lab.started("schedule")[0] >= max(third, before - timedelta(seconds=interval))


def test_a_job_made_with_create_job_from_is_controlled_and_called_unexpected(lab: Lab, control_plane: Cluster) -> None:
    schedule = lab.add(cronjob("schedule", LEAP_DAY))
    control_plane.kubectl("-n", lab.namespace, "create", "job", "by-hand", "--from=cronjob/schedule")
    lab.wait(lambda: "UnexpectedJob" in lab.events("schedule"), "the UnexpectedJob event")
    [made] = lab.jobs_of("schedule")
    assert made.metadata.owner_references[0].uid == schedule.metadata.uid
    assert made.metadata.annotations[INSTANTIATE] == "manual"
    assert lab.active("schedule") == []


def _until(moment: datetime) -> float:
    return (moment - now()).total_seconds() + 0.5
