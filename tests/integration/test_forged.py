"""Objects that pass for the operator's own: they start nothing, end nothing, hide nothing, and nothing counts twice.

Who may create ScheduleRuns, Jobs or pods in a namespace can write any label, owner and annotation on them.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from agentschedule import child_names, names
from tests.integration.steps import (
    QUIET_SECONDS,
    at_work,
    counted,
    counts,
    create_manual_run,
    ended,
    finish,
    job_names,
    phase,
    run_names,
    started,
)
from tests.world import Body, World, next_minute, rfc3339, schedule_run, stays, wait_for


def forged(
    world: World, name: str, schedule: str = "report", owner: str | None = None, job: str = "", **spec: Any
) -> Body:
    """A ScheduleRun as the operator would write one: owned by a schedule, and the record of a Job."""
    body = schedule_run(name, schedule)
    body["spec"] |= spec
    if owner:
        reference = {"apiVersion": names.API_VERSION, "kind": names.SCHEDULE_KIND, "name": owner, "controller": True}
        body["metadata"]["ownerReferences"] = [reference | {"uid": world.schedule(owner)["metadata"]["uid"]}]
    if job:
        body["metadata"]["annotations"] = {names.ANNOTATION_JOB_UID: job}
    world.create(body)
    return body


def is_refused(world: World, name: str) -> None:
    """It starts nothing, and says so."""
    status = ended(world, name, "Skipped")
    assert status["reason"] == "RecordOnly"
    assert not {"job", "jobUID", "startTime"} & status.keys()


def test_a_foreign_job_with_our_labels_is_no_run(world: World) -> None:
    at_work(world, "report")
    world.kubectl("create", "job", "foreign", "--image=agent.test/none:1")
    world.kubectl("label", "job", "foreign", f"{names.LABEL_SCHEDULE}=report", f"{names.LABEL_AGENT}=report")
    stays(lambda: not run_names(world), "no record", QUIET_SECONDS)
    assert "activeRuns" not in world.status("report")
    assert not world.cronjob("report").status.active

    create_manual_run(world, "now", "report")  # Forbid does not see it
    started(world, "now")
    world.play_kubelet("foreign")
    finish(world, "now")
    counted(world, "report", manual=1, succeeded=1)
    assert run_names(world) == ["now"]


def test_a_foreign_pod_with_our_labels_is_no_attempt(world: World) -> None:
    at_work(world, "report")
    create_manual_run(world, "now", "report")
    job = started(world, "now")
    labels = {names.LABEL_SCHEDULE: "report", names.LABEL_JOB_NAME: "now", names.LABEL_JOB_UID: job.metadata.uid}
    pod = {
        "metadata": {"name": "foreign", "labels": labels},
        "spec": {"containers": [{"name": names.AGENT_CONTAINER, "image": "agent.test/none:1"}]},
    }
    world.api.core.create_namespaced_pod(world.namespace, pod)
    status = {"phase": "Succeeded"}
    world.api.core.patch_namespaced_pod_status("foreign", world.namespace, {"status": status})

    stays(lambda: phase(world, "now") in ("", "Pending"), "the run waits for its own pod", QUIET_SECONDS)
    own = finish(world, "now", exit_code=1)
    assert [attempt["phase"] for attempt in own["attempts"]] == ["Failed"]
    counted(world, "report", manual=1, succeeded=0, failed=1)


def test_a_record_that_names_another_runs_job_neither_counts_nor_cancels_it(world: World) -> None:
    at_work(world, "report")
    create_manual_run(world, "now", "report")
    job = started(world, "now")
    world.start_pod("now")
    forged(world, "copy", owner="report", job=job.metadata.uid)
    forged(world, "cancelled-copy", owner="report", job=job.metadata.uid, cancel=True)
    is_refused(world, "copy")
    is_refused(world, "cancelled-copy")
    assert world.pods()[0].spec.active_deadline_seconds > 1

    world.play_kubelet("now")

    ended(world, "now", "Succeeded")
    counted(world, "report", manual=1, succeeded=1, failed=0)
    assert world.status("report")["lastRun"]["name"] == "now"


def test_a_record_that_names_another_schedules_job_counts_nowhere(world: World) -> None:
    at_work(world, "report")
    at_work(world, "sales")
    create_manual_run(world, "now", "sales")
    job = started(world, "now")
    forged(world, "copy", owner="report", job=job.metadata.uid)
    stays(lambda: job_names(world) == ["now"], "no Job of the forged run", QUIET_SECONDS)
    finish(world, "now")
    counted(world, "sales", manual=1, succeeded=1)
    counted(world, "report", manual=0, succeeded=0, failed=0)
    assert phase(world, "copy") not in ("Running", "Succeeded")


def test_a_foreign_suspended_job_is_not_let_go_by_a_record_that_names_it(world: World) -> None:
    at_work(world, "report")
    world.kubectl("create", "job", "foreign", "--image=agent.test/none:1")
    held = '{"spec":{"suspend":true}}'
    world.kubectl("patch", "job", "foreign", "--type=merge", "-p", held)
    world.kubectl("label", "job", "foreign", f"{names.LABEL_SCHEDULE}=report")
    uid = world.jobs()[0].metadata.uid
    for name, cancel in (("let-go", False), ("deleted", True)):
        forged(world, name, owner="report", job=uid, cancel=cancel)
        is_refused(world, name)
    stays(lambda: world.jobs()[0].spec.suspend, "suspended, and there", QUIET_SECONDS)
    counted(world, "report", manual=0, succeeded=0, failed=0)


def test_a_record_made_before_the_operators_own_does_not_hide_the_run(world: World) -> None:
    at_work(world, "report")
    at_work(world, "other")
    world.kubectl("create", "job", "mine", "--from=cronjob/report")
    uid = world.jobs()[0].metadata.uid
    forged(world, "another-schedules", owner="other", job=uid)
    forged(world, "nobodys", job=uid, trigger="Schedule")
    wait_for(lambda: "mine" in run_names(world), "the operator's own record")
    finish(world, "mine")
    counted(world, "report", manual=1, succeeded=1)
    assert [phase(world, name) for name in ("another-schedules", "nobodys")] == ["Skipped", "Skipped"]


@pytest.mark.turn(-1)
def test_records_named_like_due_minutes_to_come_do_not_keep_the_operator_from_its_own(world: World) -> None:
    due = next_minute(next_minute())  # time enough to forge
    cron = f"{due.minute} {due.hour} {due.day} {due.month} *"
    for name in ("report", "sales"):
        at_work(world, name, schedule=cron)
    minute = int(due.timestamp()) // 60
    claimed = {"trigger": "Schedule", "scheduledTime": rfc3339(due)}
    forged(world, f"report-{minute}", owner="report", **claimed)
    forged(world, f"sales-{minute}", schedule="nothing", **claimed)

    for name in ("report", "sales"):
        wait_for(lambda name=name: job_names(world, name), f"the Job of {name}", 130)  # type: ignore[misc]
        job = world.jobs(name)[0]
        assert job.metadata.name == f"{name}-{minute}"
        own = child_names.unique_run_name(name, job.metadata.uid)
        wait_for(lambda own=own: own in run_names(world), f"the record {own}")  # type: ignore[misc]
        assert world.run(own)["spec"]["scheduledTime"] == rfc3339(due)
        world.play_kubelet(job.metadata.name)
        ended(world, own, "Succeeded")
    for name in ("report", "sales"):
        counted(world, name, due=1, started=1, succeeded=1, failed=0, manual=0)
        assert world.status(name)["lastRunTime"] == rfc3339(due)
    is_refused(world, f"report-{minute}")


def test_who_may_make_runs_may_not_write_what_became_of_them(world: World) -> None:
    at_work(world, "report")
    rules = ["--verb=create,get,update,patch", "--resource=scheduleruns.agentschedule.dev"]
    world.kubectl("create", "role", "runs", *rules)
    world.kubectl("create", "rolebinding", "runs", "--role=runs", "--user=jane")
    forged_status = {
        "phase": "Succeeded",
        "jobUID": "a-job",
        "attempts": [{"attempt": 1, "pod": "p", "phase": "Succeeded"}],
    }
    body = schedule_run("now", "report") | {"status": forged_status}
    world.cluster.kubectl("-n", world.namespace, "create", "--as=jane", "-f", "-", stdin=json.dumps(body))
    started(world, "now")
    assert "attempts" not in (world.run("now").get("status") or {}) or world.run("now")["status"]["jobUID"] != "a-job"

    patch = ["patch", "srun", "now", "--type=merge", "-p", json.dumps({"status": forged_status}), "--as=jane"]
    world.kubectl(*patch)  # goes to the spec's door, where a status is not heard
    answer = world.kubectl(*patch, "--subresource=status", check=False)
    assert world.run("now")["status"]["jobUID"] == world.jobs()[0].metadata.uid, answer
    assert phase(world, "now") in ("Pending", "Running")
    finish(world, "now", exit_code=1)
    counted(world, "report", manual=1, succeeded=0, failed=1)
    assert counts(world, "report")["failed"] == 1
