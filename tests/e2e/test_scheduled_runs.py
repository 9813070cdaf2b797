"""From a full minute to an agent that has run, and its record. All tests share the same two minutes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from agentschedule import child_names, names
from tests.e2e.agents import (
    PATIENCE,
    condition,
    has_policy,
    is_final,
    log,
    moment,
    next_minute,
    now,
    scheduled_run,
    sleep_until,
    told,
)
from tests.e2e.conftest import UnderWay
from tests.e2e.minutes import CANARY, MESSAGE, PARAMS, SENTENCE, USAGE, Minutes
from tests.fixtures import node_group
from tests.world import Body, wait_for

pytestmark = [node_group("node"), pytest.mark.turn(1)]


@pytest.fixture(scope="module")
def minutes(under_way: UnderWay) -> Iterator[Minutes]:
    """Two full minutes, of which at least the first is near."""
    shared = under_way.minutes.result()
    yield shared
    shared.world.kubectl("delete", "agentschedules", "--all", "--wait=false")


@pytest.fixture(scope="module")
def report(minutes: Minutes) -> Body:
    """The first scheduled run of `report`."""
    return _run_at(minutes, "report", minutes.first)


def test_a_scheduled_run_ends_succeeded_with_the_agents_output_usage_and_cost(report: Body) -> None:
    status = report["status"]
    assert status["phase"] == "Succeeded"
    assert status["output"] == {"content": "All is well.", "contentType": "text/plain"}
    assert status["usage"] == USAGE | {"costUSD": "0.045"}
    assert status["model"] == "echo-1"
    assert status["agentRunID"] == f"{report['metadata']['name']}-0"
    assert status["exitCode"] == 0
    assert [condition(report, kind) for kind in ("Complete", "Failed", "Finished")] == ["True", "False", "True"]


def test_the_record_says_when_it_ran_and_what_it_was_given(minutes: Minutes, report: Body) -> None:
    spec, status = report["spec"], report["status"]
    job = minutes.world.api.batch.read_namespaced_job(status["job"], minutes.world.namespace)
    pod = minutes.world.api.core.read_namespaced_pod(status["pod"], minutes.world.namespace)
    ran = pod.status.container_statuses[0].state.terminated

    assert spec["trigger"] == "Schedule"
    assert moment(spec["scheduledTime"]) == minutes.first
    assert moment(status["triggeredAt"]) == job.metadata.creation_timestamp
    assert moment(status["startTime"]) == ran.started_at
    assert moment(status["completionTime"]) == ran.finished_at
    assert status["durationSeconds"] == (ran.finished_at - ran.started_at).total_seconds() >= 2
    assert minutes.first <= moment(status["triggeredAt"]) <= moment(status["startTime"])
    assert status["jobUID"] == job.metadata.uid
    assert status["attempt"] == 1
    assert [(item["attempt"], item["pod"], item["phase"]) for item in status["attempts"]] == [
        (1, pod.metadata.name, "Succeeded")
    ]
    assert status["input"] == {"message": MESSAGE, "params": PARAMS, "model": "echo-1"}


def test_a_pod_runs_within_seconds_of_its_due_time(minutes: Minutes, report: Body) -> None:
    late = moment(report["status"]["startTime"]) - minutes.first
    print(f"due -> agent running: {late.total_seconds():.0f} s")
    assert late < timedelta(seconds=45)  # most of it is the node's; the machine may be busy


def test_the_agent_is_given_the_contract(report: Body, minutes: Minutes) -> None:
    given = told(log(minutes.world, report))
    assert given.pop("AGENT_PARAMS")
    given.pop("AGENT_SCHEDULED_TIME", None)
    assert given == {
        "AGENT_RUN_NAME": report["metadata"]["name"],
        "AGENT_RUN_NAMESPACE": minutes.world.namespace,
        "AGENT_SCHEDULE_NAME": "report",
        "AGENT_NAME": "report-agent",
        "AGENT_TRIGGER": "Schedule",
        "AGENT_RETRY_COUNT": "0",
        "AGENT_RETRY_LIMIT": "0",
        "AGENT_TIMEOUT_SECONDS": "100",
        "AGENT_IDEMPOTENCY_KEY": report["status"]["jobUID"],
        "AGENT_MODEL": "echo-1",
        "AGENT_ALLOWED_TOOLS": "sql,charts",
        "AGENT_RESULT_PATH": names.RESULT_PATH,
    }


def test_the_agent_reads_its_due_time_with_no_operator_in_the_path(report: Body, minutes: Minutes) -> None:
    if not has_policy(minutes.world):
        pytest.skip("the cluster has no MutatingAdmissionPolicy (Kubernetes 1.36)")
    given = told(log(minutes.world, report))
    assert moment(given["AGENT_SCHEDULED_TIME"]) == minutes.first


def test_dollar_signs_arrive_as_they_were_written(report: Body, minutes: Minutes) -> None:
    printed = log(minutes.world, report)
    assert f"prompt: {MESSAGE}" in printed.splitlines()
    assert '"price":"$5 or $$6 or $(SECRET_KEY)"' in told(printed)["AGENT_PARAMS"]


def test_a_secret_of_the_agent_appears_nowhere(report: Body, minutes: Minutes) -> None:
    world = minutes.world
    pod = world.api.core.read_namespaced_pod(report["status"]["pod"], world.namespace)
    assert pod.spec.containers[0].env_from[0].secret_ref.name == "keys"  # it was there to be read
    objects = world.kubectl("get", "agentschedules,scheduleruns,cronjobs,jobs,pods,events", "-o", "json")
    assert CANARY not in log(world, report) + objects


def test_an_agent_has_no_rights_unless_its_author_gives_some(minutes: Minutes) -> None:
    run = _run_at(minutes, "inside", minutes.first)
    pod = minutes.world.api.core.read_namespaced_pod(run["status"]["pod"], minutes.world.namespace)
    agent = pod.spec.containers[0].security_context
    assert pod.spec.automount_service_account_token is False
    assert pod.spec.security_context.run_as_non_root is True
    assert pod.spec.security_context.seccomp_profile.type == "RuntimeDefault"
    assert agent.allow_privilege_escalation is False
    assert agent.capabilities.drop == ["ALL"]
    # and so it was, seen from inside
    uid, *facts = minutes.world.kubectl("logs", pod.metadata.name).splitlines()
    assert int(uid) > 0
    found = dict(fact.split(":\t") for fact in facts if ":\t" in fact)
    assert found == {"CapEff": "0000000000000000", "NoNewPrivs": "1", "Seccomp": "2"}
    assert "No such file" in facts[-1]


def test_a_failing_agent_ends_failed_with_its_exit_code_and_error(minutes: Minutes) -> None:
    run = _run_at(minutes, "broken", minutes.first)
    status = run["status"]
    assert status["phase"] == "Failed"
    assert status["exitCode"] == 3
    assert status["error"] == {"code": "Closed", "message": SENTENCE}
    assert status["reason"] == "AgentFailed"
    assert SENTENCE in status["message"]
    assert [condition(run, kind) for kind in ("Complete", "Failed", "Finished")] == ["False", "True", "True"]
    about = wait_for(lambda: minutes.world.events(run["metadata"]["name"], "AgentFailed"), "an event about the run")
    assert [(event.type, event.involved_object.kind) for event in about] == [("Warning", names.RUN_KIND)]
    assert SENTENCE in about[0].message


def test_a_failure_stops_nothing_and_says_nothing_against_the_schedule(minutes: Minutes) -> None:
    world = minutes.world
    _run_at(minutes, "broken", minutes.first)
    second = _run_at(minutes, "broken", minutes.second)
    assert second["status"]["phase"] == "Failed"
    wait_for(lambda: world.status("broken")["counts"]["failed"] >= 2, "two failures counted")
    assert world.condition("broken", "Ready")["status"] == "True"
    assert world.condition("broken", "Stalled")["status"] == "False"
    assert world.condition("broken", "LastRunSucceeded")["status"] == "False"
    status = world.status("broken")
    assert status["consecutiveFailures"] >= 2
    assert status["counts"]["succeeded"] == 0
    assert "lastSuccessfulTime" not in status


def test_the_schedules_counts_and_times_agree_with_the_clusters(minutes: Minutes) -> None:
    world = minutes.world
    _run_at(minutes, "report", minutes.second)
    wait_for(lambda: world.status("report")["nextRunTime"] > _text(now()), "a next run in the future")
    assert moment(world.status("report")["nextRunTime"]) == next_minute()
    world.patch("report", suspend=True)
    wait_for(lambda: world.cronjob("report").spec.suspend, "a suspended CronJob")
    wait_for(lambda: all(is_final(run) for run in world.runs("report")), "the end of all runs", PATIENCE)

    jobs = world.jobs("report")
    due = [moment(job.metadata.annotations[names.CRONJOB_TIMESTAMP]) for job in jobs]
    wait_for(lambda: world.status("report")["counts"]["succeeded"] == len(jobs), "all runs counted")
    status, cronjob = world.status("report"), world.cronjob("report")

    counts = {"due": len(jobs), "started": len(jobs), "succeeded": len(jobs)}
    assert status["counts"] == counts | dict.fromkeys(("skipped", "missed", "unknown", "failed", "manual"), 0)
    assert all(job.status.succeeded == 1 for job in jobs)
    assert len(world.runs("report")) == len(jobs) >= 2
    assert moment(status["lastRunTime"]) == max(due) == cronjob.status.last_schedule_time
    assert moment(status["accountedThrough"]) == max(due)
    last = world.run(child_names.scheduled_job_name("report", max(due)))
    assert status["lastRun"]["name"] == last["metadata"]["name"]
    assert status["lastSuccessfulTime"] == last["status"]["completionTime"]
    assert not cronjob.status.active
    assert status["active"] == 0
    assert not {"activeRuns", "nextRunTime", "lastFailureTime", "lastMissed"} & status.keys()


def _run_at(minutes: Minutes, schedule: str, due: datetime) -> Body:
    sleep_until(due)
    return scheduled_run(minutes.world, schedule, due)


def _text(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
