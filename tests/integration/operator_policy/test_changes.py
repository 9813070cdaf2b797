"""What the operator's account may change and delete, judged by the chart's policy on a real API server."""

from __future__ import annotations

import pytest

from agentschedule import names
from tests.integration.operator_policy.account import Account, by_policy
from tests.integration.operator_policy.bodies import LABELS, cronjob, in_pod, owner, pod
from tests.world import Body

pytestmark = [pytest.mark.usefixtures("operator_kubeconfig", "stored")]


OWN_UPDATES = [
    pytest.param("Job/by-hand", {"spec": {"suspend": False}}, False, id="release or resume a Job"),
    pytest.param(
        "Job/by-hand",
        {"metadata": {"annotations": {names.ANNOTATION_HELD_UNTIL: "2027-01-01T00:00:00Z"}}},
        False,
        id="hold a Job",
    ),
    pytest.param(
        "Job/by-hand",
        {"metadata": {"ownerReferences": [owner("CronJob", "report", "batch/v1"), owner(names.RUN_KIND, "by-hand")]}},
        False,
        id="give a Job to its CronJob",
    ),
    pytest.param(
        "Job/by-hand",
        [
            {"op": "add", "path": "/status/startTime", "value": "2027-01-01T00:00:00Z"},
            {"op": "add", "path": "/status/conditions/-", "value": {"type": names.FAILURE_TARGET, "status": "True"}},
        ],
        True,
        id="end a Job",
    ),
    pytest.param("Pod/mine", {"spec": {"activeDeadlineSeconds": 1}}, False, id="stop a pod"),
    pytest.param(
        "Pod/mine", {"status": {"conditions": [{"type": names.NO_RETRY, "status": "True"}]}}, True, id="no retry"
    ),
    pytest.param("CronJob/stored", {"status": {"lastScheduleTime": "2026-01-01T00:00:00Z"}}, True, id="the mark"),
    pytest.param("ScheduleRun/recorded", {"spec": {"cancel": True}}, False, id="cancel a run"),
    pytest.param("ScheduleRun/recorded", {"status": {"phase": "Skipped"}}, True, id="a run's status"),
    pytest.param("ScheduleRun/recorded", {"metadata": {"annotations": {"a": "b"}}}, False, id="claim a run"),
]


@pytest.mark.parametrize(("what", "change", "status"), OWN_UPDATES)
def test_what_the_operator_changes_is_let_through(account: Account, what: str, change: Body, status: bool) -> None:
    assert account.patch(what, change, status) == ""


@pytest.mark.parametrize("what", ["Job/by-hand", "ScheduleRun/recorded"])
def test_what_the_operator_prunes_is_let_go(account: Account, what: str) -> None:
    assert account.delete(what) == ""


FOREIGN_UPDATES = [
    pytest.param("Job/foreign", {"spec": {"suspend": False}}, "belongs to an AgentSchedule", id="a foreign Job"),
    pytest.param("Pod/foreign", {"spec": {"activeDeadlineSeconds": 1}}, "belongs to", id="a foreign pod"),
    pytest.param("CronJob/foreign", {"spec": {"suspend": True}}, "belongs to", id="a foreign CronJob"),
    pytest.param("Job/by-hand", {"spec": {"parallelism": 0}}, "writes suspend", id="a Job's parallelism"),
    pytest.param(
        "Job/by-hand",
        {"spec": {"template": {"spec": {"nodeSelector": {"a": "b"}}}}},
        "writes suspend",
        id="where a Job runs",
    ),
    pytest.param("Job/by-hand", {"metadata": {"labels": {"a": "b"}}}, "writes suspend", id="a Job's label"),
    pytest.param("Job/by-hand", {"metadata": {"finalizers": ["a.b/c"]}}, "writes suspend", id="a Job's finalizer"),
    pytest.param("Job/by-hand", {"metadata": {"annotations": {"a": "b"}}}, "writes suspend", id="a Job's annotation"),
    pytest.param(
        "Job/by-hand",
        {"metadata": {"ownerReferences": [owner("Deployment", "x", "apps/v1")]}},
        "writes suspend",
        id="a Job's owner",
    ),
    pytest.param(
        "Pod/mine",
        [{"op": "replace", "path": "/spec/containers/0/image", "value": "thief.test/miner:1"}],
        "activeDeadlineSeconds only",
        id="a pod's image",
    ),
    pytest.param(
        "Pod/mine",
        [{"op": "add", "path": "/spec/tolerations/-", "value": {"operator": "Exists"}}],
        "activeDeadlineSeconds only",
        id="a pod's tolerations",
    ),
    pytest.param(
        "Pod/mine", {"metadata": {"labels": {"app": "web"}}}, "activeDeadlineSeconds only", id="a pod's label"
    ),
    pytest.param("Pod/mine", {"metadata": {"annotations": {"a": "b"}}}, "activeDeadline", id="a pod's annotation"),
    pytest.param("Pod/mine", {"metadata": {"finalizers": ["a.b/c"]}}, "activeDeadline", id="a pod's finalizer"),
]
STATUSES = [
    pytest.param(
        "Pod/foreign", {"conditions": [{"type": names.NO_RETRY, "status": "True"}]}, "belongs to", id="foreign"
    ),
    pytest.param("Pod/mine", {"phase": "Succeeded"}, "NoRetry only", id="a pod's phase"),
    pytest.param("Pod/mine", {"podIP": "10.0.0.1"}, "NoRetry only", id="a pod's address: traffic goes there"),
    pytest.param(
        "Pod/mine", {"conditions": [{"type": "Ready", "status": "True"}]}, "NoRetry only", id="a pod's readiness"
    ),
    pytest.param(
        "Job/by-hand", {"conditions": [{"type": "SuccessCriteriaMet", "status": "True"}]}, "FailureTarget", id="success"
    ),
    pytest.param("Job/by-hand", {"active": 3}, "FailureTarget", id="a Job's counts"),
    pytest.param(
        "CronJob/stored", {"lastSuccessfulTime": "2026-01-01T00:00:00Z"}, "lastScheduleTime", id="success time"
    ),
]


@pytest.mark.parametrize(("what", "change", "sentence"), FOREIGN_UPDATES)
def test_what_the_operator_does_not_change_stays(account: Account, what: str, change: Body, sentence: str) -> None:
    assert sentence in by_policy(account.patch(what, change))


@pytest.mark.parametrize(("what", "change", "sentence"), STATUSES)
def test_what_the_operator_does_not_say_in_a_status_stays(
    account: Account, what: str, change: Body, sentence: str
) -> None:
    assert sentence in by_policy(account.patch(what, {"status": change}, status=True))


def test_a_cronjob_is_not_turned_into_a_way_to_the_node(account: Account) -> None:
    change = cronjob("stored")
    in_pod(hostPID=True)(change)
    assert "privileged" in by_policy(account.patch("CronJob/stored", change))


def test_no_foreign_job_is_deleted(account: Account) -> None:
    assert "belongs to an AgentSchedule" in by_policy(account.delete("Job/foreign"))


def test_what_the_operator_has_no_right_to_it_has_no_right_to(account: Account) -> None:
    for what in ("Pod/mine", "Pod/foreign", "CronJob/stored", f"{names.SCHEDULE_KIND}/none"):
        assert " cannot delete " in account.delete(what)
    assert " cannot patch " in account.patch(f"{names.SCHEDULE_KIND}/none", {"spec": {"suspend": True}})
    assert " cannot create " in account.make(pod("new", LABELS))
