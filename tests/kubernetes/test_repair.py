"""The repair: the controller started a Job, a write of somebody else cost it its own status write."""

from __future__ import annotations

from datetime import datetime, timedelta

from kubernetes.client import V1Job

from tests.kubernetes.lab import SOON, Lab, now, two_due_times
from tests.kubernetes.objects import cronjob, due_name, job

MENDED = (1, 37)  # kubernetes#136918: from here on the controller finds its own Job again


def _broken(lab: Lab) -> tuple[V1Job, datetime]:
    """The state after the lost write: the Job of the first due time runs, the status does not know it."""
    first, second, interval = two_due_times(8)
    schedule = lab.add(cronjob("schedule", f"@every {interval}s", policy="Forbid", suspend=True))
    lab.mark("schedule", first - timedelta(seconds=interval))
    started = lab.add_job(job(due_name("schedule", first), schedule, first))
    lab.edit("schedule", suspend=False)
    return started, second


def test_without_the_repair_the_next_due_time_starts_beside_the_job_under_forbid(lab: Lab) -> None:
    started, second = _broken(lab)
    left = (second - now()).total_seconds() + SOON
    if _version(lab) >= MENDED:
        lab.wait(lambda: lab.active("schedule") == [started.metadata.name], "the controller's own repair")
        return
    lab.wait(lambda: second in lab.started("schedule"), "the overlap that the repair is for", left)
    assert lab.active("schedule") == [due_name("schedule", second)]


def test_after_one_status_patch_the_controller_holds_forbid_for_the_job(lab: Lab) -> None:
    started, second = _broken(lab)
    lab.repair("schedule", started)
    left = (second - now()).total_seconds() + SOON
    lab.wait(lambda: "JobAlreadyActive" in lab.events("schedule"), "word that Forbid held", left)
    assert [j.metadata.name for j in lab.jobs_of("schedule")] == [started.metadata.name]


def test_after_one_status_patch_the_job_leaves_active_when_it_ends(lab: Lab) -> None:
    started, _ = _broken(lab)
    lab.repair("schedule", started)
    lab.never(lambda: lab.active("schedule") != [started.metadata.name], "another entry than the Job", 2)
    lab.finish(started.metadata.name)
    lab.wait(lambda: started.metadata.name not in lab.active("schedule"), "the end of the entry")


def _version(lab: Lab) -> tuple[int, int]:
    found = lab.version()
    return int(found.major), int(found.minor.rstrip("+"))
