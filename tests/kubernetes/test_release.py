"""A suspended Job is released and handed to its CronJob in one patch."""

from __future__ import annotations

from datetime import timedelta

from tests.kubernetes.lab import Lab
from tests.kubernetes.objects import LEAP_DAY, controlled_by, cronjob, job


def test_a_suspended_job_makes_no_pod(lab: Lab) -> None:
    lab.add_job(job("manual", suspend=True))
    lab.wait(lambda: lab.condition("manual", "Suspended") is not None, "the condition Suspended")
    lab.never(lambda: lab.pods("manual"), "a pod", 2)


def test_one_patch_releases_a_suspended_job_and_gives_it_a_controller_and_an_owner(lab: Lab) -> None:
    manual = lab.add_job(job("manual", suspend=True))
    schedule = lab.add(cronjob("schedule", LEAP_DAY))
    record = lab.core.create_namespaced_config_map(lab.namespace, {"metadata": {"name": "record"}})
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "record", "uid": record.metadata.uid}
    references = [controlled_by(schedule), owner]
    body = {"metadata": {"ownerReferences": references}, "spec": {"suspend": False}}
    released = lab.batch.patch_namespaced_job(manual.metadata.name, lab.namespace, body)
    controllers = {o.name: bool(o.controller) for o in released.metadata.owner_references}
    assert controllers == {"schedule": True, "record": False}
    [pod] = lab.wait(lambda: lab.pods("manual"), "the pod of the released Job", 5)
    started = lab.wait(lambda: lab.job("manual").status.start_time, "the Job's start")
    assert pod.metadata.creation_timestamp - started <= timedelta(seconds=2)
