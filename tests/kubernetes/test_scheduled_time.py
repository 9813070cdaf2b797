"""The chart's admission policy tells a pod when its run was due, with no operator in the path."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.kubernetes.lab import Lab, this_minute
from tests.kubernetes.objects import LEAP_DAY, SCHEDULED_TIMESTAMP, yearly
from tests.kubernetes.policy import RUN_TRIGGER, SCHEDULED_TIME, labelled, scheduled_time_policy
from tools.cluster.base import Cluster

pytestmark = pytest.mark.xdist_group("policy")

ZONE = "Etc/GMT-2"  # two hours ahead of UTC, all year


@pytest.fixture
def policy(control_plane: Cluster, lab: Lab) -> Iterator[None]:
    """The policy, at work."""
    with scheduled_time_policy(control_plane, lab):
        yield


@pytest.mark.usefixtures("policy")
def test_the_policy_copies_the_due_time_of_a_cronjobs_job_to_its_pod_in_the_schedules_zone(lab: Lab) -> None:
    due = this_minute()
    lab.add(labelled("schedule", yearly(due, ZoneInfo(ZONE)), timeZone=ZONE, suspend=True))
    lab.mark("schedule", due - timedelta(hours=1))
    lab.edit("schedule", suspend=False)
    started = lab.wait(lambda: lab.jobs_of("schedule"), "the CronJob's Job")[0]
    copied = started.spec.template.metadata.annotations
    assert copied[SCHEDULED_TIME] == started.metadata.annotations[SCHEDULED_TIMESTAMP]
    assert copied[SCHEDULED_TIME].endswith("+02:00")
    [pod] = lab.wait(lambda: lab.pods(started.metadata.name), "its pod")
    assert pod.metadata.annotations[SCHEDULED_TIME] == copied[SCHEDULED_TIME]
    assert pod.metadata.annotations[RUN_TRIGGER] == "Schedule"


@pytest.mark.usefixtures("policy")
def test_the_policy_calls_a_job_made_with_create_job_from_manual(lab: Lab, control_plane: Cluster) -> None:
    lab.add(labelled("schedule", LEAP_DAY))
    control_plane.kubectl("-n", lab.namespace, "create", "job", "by-hand", "--from=cronjob/schedule")
    told = lab.job("by-hand").spec.template.metadata.annotations
    assert told == {RUN_TRIGGER: "Manual"}
