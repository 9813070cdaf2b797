"""A run's attempts, on real pods: tried again, given up, stopped. All schedules of the module are at work together."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from kubernetes.client import V1DeleteOptions, V1Eviction, V1ObjectMeta

from tests.e2e.agents import condition, ended, log, moment, run_events, seen, shell, told, trigger
from tests.fixtures import node_group
from tests.world import Body, World, agent_schedule, wait_for

pytestmark = [node_group("runs"), pytest.mark.turn(-6)]

TELL = 'env | grep ^AGENT_; echo "attempt $AGENT_RETRY_COUNT"; '
UNTIL_STOPPED = (
    'trap \'printf "{\\"run_id\\":\\"half-way\\",\\"output\\":\\"so far\\"}" > $AGENT_RESULT_PATH; exit 0\' TERM; '
    "echo at work; while true; do sleep 0.2; done"
)


def writes(result: Body, code: int) -> Body:
    return shell(f"printf '%s' '{json.dumps(result)}' > $AGENT_RESULT_PATH; exit {code}")


SCHEDULES: dict[str, Body] = {
    "flaky": {"agent": shell(TELL + 'test "$AGENT_RETRY_COUNT" = 1 || exit 3'), "retry": {"limit": 2}},
    "patient": {"agent": shell(TELL + "exit 4"), "retry": {"limit": 1, "delaySeconds": 25}},
    "final-code": {"agent": shell("exit 64"), "retry": {"limit": 3}},
    "hopeless": {
        "agent": writes({"error": {"message": "no such table", "retryable": False}}, 1),
        "retry": {"limit": 3},
    },
    "slow": {"agent": shell("sleep 300"), "retry": {"limit": 1}, "timeoutSeconds": 4},
    "stopped": {"agent": shell(UNTIL_STOPPED), "retry": {"limit": 3}},
    "stopped-between": {"agent": shell("echo tried; exit 1"), "retry": {"limit": 3, "delaySeconds": 600}},
    "busy": {"agent": shell("exit 1"), "retry": {"limit": 1, "delaySeconds": 600}},
    "evicted": {"agent": shell(f"{TELL} test -e /tmp/never; sleep 20"), "retry": {"limit": 0}},
    "deleted": {"agent": shell("sleep 300")},
    "sidecar": {
        "agent": shell("sleep 2")
        | {
            "podTemplate": {
                "spec": {
                    "containers": [
                        shell("sleep 1; echo bad >/dev/termination-log; exit 9")
                        | {"name": "proxy", "podTemplate": None}
                    ]
                }
            }
        }
    },
}


def tidy(value: Any) -> Any:
    """Without what is None."""
    if isinstance(value, dict):
        return {key: tidy(part) for key, part in value.items() if part is not None}
    return [tidy(part) for part in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def runs(shared: World) -> Iterator[Callable[[str], str]]:
    """Each schedule's run, by the schedule's name."""
    shared.apply(*(tidy(agent_schedule(name, **spec)) for name, spec in SCHEDULES.items()))
    seen(shared, *SCHEDULES)
    started = {name: trigger(shared, name)["run"] for name in SCHEDULES}
    return lambda name: started[name]


def in_phase(world: World, run: str, phase: str, seconds: float = 60) -> Body:
    """The run, once it is in this phase."""
    wait_for(lambda: (world.run(run).get("status") or {}).get("phase") == phase, f"run {run} {phase}", seconds)
    return world.run(run)


def phases(run: Body) -> list[tuple[int, str]]:
    return [(attempt["attempt"], attempt["phase"]) for attempt in run["status"]["attempts"]]


def cancel(world: World, run: str) -> None:
    world.kubectl("patch", "srun", run, "--type=merge", "-p", '{"spec":{"cancel":true}}')


def test_a_running_agent_is_cancelled_gently_and_keeps_what_it_wrote(shared: World, runs: Callable[[str], str]) -> None:
    pod = in_phase(shared, runs("stopped"), "Running")["status"]["pod"]
    wait_for(lambda: "at work" in shared.kubectl("logs", pod, check=False), "the agent at work")
    cancel(shared, runs("stopped"))

    run = ended(shared, runs("stopped"))
    status = run["status"]
    assert (status["phase"], status["reason"], status["message"]) == (
        "Cancelled",
        "Cancelled",
        "The run was cancelled.",
    )
    assert (status["agentRunID"], status["output"]["content"]) == ("half-way", "so far")
    assert len(status["attempts"]) == 1
    assert "at work" in log(shared, run)
    assert [condition(run, kind) for kind in ("Complete", "Failed", "Finished")] == ["False", "False", "True"]
    assert [event.type for event in run_events(shared, runs("stopped"))] == ["Normal"]


def test_a_cancel_between_two_attempts_ends_the_run_at_once(shared: World, runs: Callable[[str], str]) -> None:
    waits = in_phase(shared, runs("stopped-between"), "Retrying")
    assert waits["status"]["reason"] == "RetryPending"
    assert waits["status"]["message"].startswith("Attempt 1 failed: The agent exited with code 1: tried; the next")
    wait_for(lambda: shared.api.batch.read_namespaced_job(runs("stopped-between"), shared.namespace).spec.suspend, "it")
    cancel(shared, runs("stopped-between"))

    run = ended(shared, runs("stopped-between"), 20)
    assert (run["status"]["phase"], phases(run)) == ("Cancelled", [(1, "Failed")])
    assert "tried" in log(shared, run)


def test_forbid_holds_while_a_retry_waits(shared: World, runs: Callable[[str], str]) -> None:
    in_phase(shared, runs("busy"), "Retrying")
    given = trigger(shared, "busy", "another")
    assert (given["outcome"], given["reason"]) == ("Rejected", "AlreadyRunning")
    cancel(shared, runs("busy"))


def test_an_evicted_pod_uses_up_no_attempt(shared: World, runs: Callable[[str], str]) -> None:
    pod = in_phase(shared, runs("evicted"), "Running")["status"]["pod"]
    at_once = V1DeleteOptions(grace_period_seconds=1)
    eviction = V1Eviction(metadata=V1ObjectMeta(name=pod, namespace=shared.namespace), delete_options=at_once)
    shared.api.core.create_namespaced_pod_eviction(pod, shared.namespace, eviction)

    run = ended(shared, runs("evicted"))
    assert phases(run) == [(1, "Cancelled"), (1, "Succeeded")]
    assert run["status"]["phase"] == "Succeeded"
    assert run["status"]["attempts"][0]["pod"] == pod
    assert told(log(shared, run))["AGENT_RETRY_COUNT"] == "0"


def test_a_run_whose_job_somebody_deletes_is_cancelled(shared: World, runs: Callable[[str], str]) -> None:
    in_phase(shared, runs("deleted"), "Running")
    shared.kubectl("delete", "job", runs("deleted"))

    run = ended(shared, runs("deleted"), 20)
    assert (run["status"]["phase"], run["status"]["reason"]) == ("Cancelled", "JobDeleted")
    assert "deleted" in run["status"]["message"]


def test_a_failed_attempt_is_tried_again(shared: World, runs: Callable[[str], str]) -> None:
    run = ended(shared, runs("flaky"))
    status = run["status"]
    assert (status["phase"], status["attempt"], phases(run)) == ("Succeeded", 2, [(1, "Failed"), (2, "Succeeded")])
    first, second = (told(shared.kubectl("logs", attempt["pod"])) for attempt in status["attempts"])
    assert (first["AGENT_RETRY_COUNT"], second["AGENT_RETRY_COUNT"]) == ("0", "1")
    assert first["AGENT_IDEMPOTENCY_KEY"] == second["AGENT_IDEMPOTENCY_KEY"]
    assert first["AGENT_RETRY_LIMIT"] == "2"
    assert status["startTime"] == status["attempts"][0]["startTime"]
    assert "error" not in status
    assert run_events(shared, runs("flaky")) == []


def test_a_longer_delay_is_kept(shared: World, runs: Callable[[str], str]) -> None:
    run = ended(shared, runs("patient"))
    first, second = run["status"]["attempts"]
    gap = moment(second["startTime"]) - moment(first["completionTime"])
    print(f"25 s asked, {gap.total_seconds():.0f} s between the attempts")
    assert timedelta(seconds=25) <= gap < timedelta(seconds=40)
    assert (run["status"]["phase"], run["status"]["reason"]) == ("Failed", "AgentFailed")
    assert "Attempt 2 of 2: The agent exited with code 4" in run["status"]["message"]
    assert told(shared.kubectl("logs", second["pod"]))["AGENT_RETRY_COUNT"] == "1"
    assert [event.reason for event in run_events(shared, runs("patient"))] == ["AgentFailed"]


def test_an_exit_code_of_usage_or_configuration_is_final(shared: World, runs: Callable[[str], str]) -> None:
    run = ended(shared, runs("final-code"))
    assert (run["status"]["phase"], run["status"]["exitCode"], phases(run)) == ("Failed", 64, [(1, "Failed")])


def test_an_agent_can_say_that_another_attempt_is_of_no_use(shared: World, runs: Callable[[str], str]) -> None:
    run = ended(shared, runs("hopeless"))
    assert (run["status"]["phase"], run["status"]["reason"], phases(run)) == ("Failed", "NotRetryable", [(1, "Failed")])
    assert "no such table" in run["status"]["message"]


def test_each_attempt_has_the_whole_time_limit(shared: World, runs: Callable[[str], str]) -> None:
    run = ended(shared, runs("slow"))
    assert (run["status"]["phase"], phases(run)) == ("TimedOut", [(1, "TimedOut"), (2, "TimedOut")])
    assert "timeoutSeconds" in run["status"]["message"]


def test_the_failure_of_a_sidecar_is_not_called_the_agents(shared: World, runs: Callable[[str], str]) -> None:
    run = ended(shared, runs("sidecar"))
    assert run["status"]["phase"] == "Failed"
    assert "container proxy exited with code 9: bad" in run["status"]["message"]


def test_the_counts_are_those_of_the_runs(shared: World, runs: Callable[[str], str]) -> None:
    expected = {"flaky": (1, 1, 0), "patient": (1, 0, 1), "slow": (1, 0, 1), "stopped": (1, 0, 0)}
    for name, (manual, succeeded, failed) in expected.items():
        ended(shared, runs(name))
        counts = wait_for(lambda: shared.status(name).get("counts", {}).get("manual") and shared.status(name), "it")  # noqa: B023
        found = counts["counts"]
        assert (found["manual"], found["succeeded"], found["failed"]) == (manual, succeeded, failed), name
