"""How long a failed attempt waits, and what the Job says about it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from agentschedule import names
from agentschedule.names import Env
from agentschedule.plan.objects import build
from agentschedule.plan.objects.backoff import native_delay, retry_delay, total_delay
from agentschedule.plan.objects.job import job_template
from tests.unit.builders import a_run, a_schedule

HOUR, DAY = 3600, 86_400


@pytest.mark.parametrize(
    ("delay", "waits"),
    [
        (10, [10, 20, 40, 80, 160, 320, 640, 1280, 2560, HOUR]),
        (60, [60, 120, 240, 480, 960, 1920, HOUR, HOUR]),
        (HOUR, [HOUR, HOUR, HOUR]),
        (2 * HOUR, [2 * HOUR, 2 * HOUR]),
    ],
)
def test_the_wait_doubles_from_delay_seconds_to_an_hour_or_what_is_longer(delay: int, waits: list[int]) -> None:
    assert [retry_delay(delay, n + 1).total_seconds() for n in range(len(waits))] == waits
    assert total_delay(delay, len(waits)).total_seconds() == sum(waits)


def test_kubernetes_own_wait_doubles_from_ten_seconds_to_ten_minutes() -> None:
    assert [native_delay(n).total_seconds() for n in range(1, 10)] == [10, 20, 40, 80, 160, 320, 600, 600, 600]


def test_what_the_schedule_asks_for_is_never_less_than_kubernetes_waits_anyway() -> None:
    assert all(retry_delay(10, failures) >= native_delay(failures) for failures in range(1, 50))


@pytest.mark.parametrize("failures", [0, 10**9])
def test_a_count_that_somebody_wrote_is_no_burden(failures: int) -> None:
    assert retry_delay(10, failures) in (timedelta(seconds=10), timedelta(hours=1))
    assert native_delay(failures) in (timedelta(seconds=10), timedelta(minutes=10))


def env(template: dict[str, Any]) -> dict[str, str]:
    return {
        item["name"]: item.get("value", "") for item in template["spec"]["template"]["spec"]["containers"][0]["env"]
    }


def test_without_retry_there_is_one_attempt() -> None:
    template = job_template(a_schedule())
    assert template["spec"]["backoffLimitPerIndex"] == 0
    assert env(template)[Env.RETRY_LIMIT] == "0"
    assert template["metadata"]["annotations"] == {names.ANNOTATION_RETRY_DELAY: "10"}


def test_retry_is_what_kubernetes_the_agent_and_the_operator_read_on_every_job() -> None:
    schedule = a_schedule(retry={"limit": 3, "delaySeconds": 120})
    manual = build.manual_job(schedule, a_run())
    for job in (job_template(schedule), manual):
        assert job["spec"]["backoffLimitPerIndex"] == 3
        assert env(job)[Env.RETRY_LIMIT] == "3"
        assert job["metadata"]["annotations"][names.ANNOTATION_RETRY_DELAY] == "120"


def test_the_first_rule_that_fits_a_failed_pod_is_no_retry_then_eviction_then_the_exit_code() -> None:
    rules = job_template(a_schedule())["spec"]["podFailurePolicy"]["rules"]
    no_retry, evicted, final = rules
    assert no_retry == {"action": "FailIndex", "onPodConditions": [{"type": names.NO_RETRY, "status": "True"}]}
    assert evicted == {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    exit_codes = {"containerName": "agent", "operator": "In", "values": [64, 77, 78]}
    assert final == {"action": "FailIndex", "onExitCodes": exit_codes}


@pytest.mark.parametrize(
    ("spec", "seconds"),
    [
        pytest.param({"timeoutSeconds": 60}, 60 + 30 + 600, id="one attempt"),
        pytest.param({"timeoutSeconds": 60, "retry": {"limit": 2}}, 3 * 90 + 10 + 20 + 600, id="three attempts"),
        pytest.param(
            {"timeoutSeconds": 60, "retry": {"limit": 1, "delaySeconds": HOUR}}, 2 * 90 + HOUR + 600, id="a long wait"
        ),
    ],
)
def test_the_job_itself_ends_only_after_all_that_its_attempts_may_take(spec: dict[str, Any], seconds: int) -> None:
    assert job_template(a_schedule(**spec))["spec"]["activeDeadlineSeconds"] == seconds


@pytest.mark.parametrize(
    ("grace", "counted"),
    [(0, 0), (300, 300), (-5, 0), (10**18, 604_800), ("soon", 30), (None, 30)],
)
def test_the_pod_s_own_grace_period_counts_for_each_attempt(grace: Any, counted: int) -> None:
    template = {"spec": {"terminationGracePeriodSeconds": grace}}
    schedule = a_schedule(
        agent={"image": "i", "podTemplate": template}, timeoutSeconds=DAY, retry={"limit": 10, "delaySeconds": 10}
    )
    deadline = job_template(schedule)["spec"]["activeDeadlineSeconds"]
    assert deadline == 11 * (DAY + counted) + total_delay(10, 10).total_seconds() + 600
