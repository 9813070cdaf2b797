"""What the operator's account may make, judged by the chart's policy on a real API server: each thing that it does,
and what a thief of its token would do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from agentschedule import names
from tests.fixtures import Api
from tests.integration.operator_policy.account import Account, by_policy
from tests.integration.operator_policy.bodies import (
    Edit,
    cronjob,
    due_job,
    event,
    in_container,
    in_init_container,
    in_pod,
    job,
    many_pods,
    other_name,
    other_owner,
    pods_without_agent,
    pods_without_label,
    pods_without_limit,
    run,
    without_labels,
    without_owner,
)
from tests.world import Body
from tools.cluster.base import Cluster

pytestmark = [pytest.mark.usefixtures("operator_kubeconfig")]
PRIVILEGED = {"pod-security.kubernetes.io/enforce": "privileged"}


@pytest.fixture(scope="module")
def privileged(control_plane: Cluster, shared_namespace: str) -> Iterator[str]:
    """A namespace whose admins let pods reach the node."""
    name = f"{shared_namespace}-open"
    control_plane.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": PRIVILEGED}})
    yield name
    control_plane.kubectl("delete", "namespace", name, "--wait=false")


@pytest.mark.parametrize(
    "body",
    [cronjob(), job(), due_job(), run(), event(), event(names.SCHEDULE_KIND)],
    ids=["CronJob", "Job by hand", "Job that is due", "ScheduleRun", "event of a run", "event of a schedule"],
)
def test_what_the_operator_makes_is_let_through(account: Account, body: Body) -> None:
    assert account.make(body) == ""


HOST = [
    pytest.param(in_pod(hostNetwork=True), id="the node's network"),
    pytest.param(in_pod(hostPID=True), id="the node's processes"),
    pytest.param(in_pod(hostIPC=True), id="the node's memory"),
    pytest.param(in_pod(volumes=[{"name": "root", "hostPath": {"path": "/"}}]), id="the node's files"),
    pytest.param(in_container(ports=[{"containerPort": 1, "hostPort": 22}]), id="the node's ports"),
    pytest.param(in_container(securityContext={"privileged": True}), id="a privileged container"),
    pytest.param(in_container(securityContext={"capabilities": {"add": ["SYS_ADMIN"]}}), id="a capability"),
    pytest.param(in_container(securityContext={"capabilities": {"add": ["ALL"]}}), id="all capabilities"),
    pytest.param(in_init_container(securityContext={"privileged": True}), id="a privileged init container"),
]


@pytest.mark.parametrize("kind", [cronjob, job], ids=["CronJob", "Job"])
@pytest.mark.parametrize("reach", HOST)
def test_no_agent_reaches_the_node_but_where_the_namespace_says_so(
    account: Account, privileged: str, kind: Callable[[], Body], reach: Edit
) -> None:
    body = kind()
    reach(body)
    assert "pod-security.kubernetes.io/enforce: privileged" in by_policy(account.make(body))
    assert account.make(body, privileged) == ""


def test_what_pod_security_calls_baseline_is_the_authors_own_affair(account: Account) -> None:
    body = cronjob()
    in_pod(
        serviceAccountName="other",
        automountServiceAccountToken=True,
        volumes=[{"name": "key", "secret": {"secretName": "key"}}, {"name": "scratch", "emptyDir": {}}],
        tolerations=[{"operator": "Exists"}],
        securityContext={"runAsUser": 0, "fsGroup": 1},
        priorityClassName="",
    )(body)
    in_container(securityContext={"runAsUser": 0, "capabilities": {"add": ["CHOWN"]}})(body)
    in_init_container(restartPolicy="Always")(body)
    assert account.make(body) == ""


FOREIGN = [
    pytest.param(cronjob, without_labels, "carries its labels", id="a CronJob without labels"),
    pytest.param(cronjob, without_owner, "belong to the AgentSchedule", id="a CronJob of nobody"),
    pytest.param(cronjob, other_owner, "belong to the AgentSchedule", id="a CronJob of a Deployment"),
    pytest.param(cronjob, other_name, "belong to the AgentSchedule", id="a CronJob of another name"),
    pytest.param(cronjob, pods_without_label, "run one pod at a time", id="a CronJob with free pods"),
    pytest.param(job, without_labels, "carries its labels", id="a Job without labels"),
    pytest.param(job, without_owner, "belong to the CronJob", id="a Job of nobody"),
    pytest.param(job, other_owner, "belong to the CronJob", id="a Job of a Deployment"),
    pytest.param(job, other_name, "belong to the CronJob", id="a Job of another run"),
    pytest.param(job, many_pods, "run one pod at a time", id="a Job with many pods"),
    pytest.param(job, pods_without_label, "run one pod at a time", id="a Job with free pods"),
    pytest.param(job, pods_without_limit, "run one pod at a time", id="a Job without end"),
    pytest.param(job, pods_without_agent, "run one pod at a time", id="a Job without agent"),
    pytest.param(run, without_labels, "carries its labels", id="a run without labels"),
    pytest.param(run, without_owner, "belong to the AgentSchedule", id="a run of nobody"),
]


@pytest.mark.parametrize(("kind", "spoil", "sentence"), FOREIGN)
def test_what_is_not_in_the_operators_shape_is_refused(
    account: Account, kind: Callable[[], Body], spoil: Edit, sentence: str
) -> None:
    body = kind()
    spoil(body)
    assert sentence in by_policy(account.make(body))


@pytest.mark.parametrize("body", [event("Pod"), event(controller="kubelet")], ids=["about a pod", "as the kubelet"])
def test_no_event_is_forged(account: Account, body: Body) -> None:
    assert "posts events about" in by_policy(account.make(body))


@pytest.mark.parametrize("body", [cronjob(), job()], ids=["CronJob", "Job"])
@pytest.mark.parametrize("closed", ["kube-system", "kube-public", "kube-node-lease"])
def test_nothing_is_made_in_the_clusters_own_namespaces(account: Account, body: Body, closed: str) -> None:
    assert "policy.closedNamespaces" in by_policy(account.make(body, closed))


def test_others_are_not_judged(api: Api, shared_namespace: str) -> None:
    body = job("anybodys")
    body["metadata"] = {"name": "anybodys", "labels": {"app": "web"}}
    in_pod(hostNetwork=True)(body)
    api.batch.create_namespaced_job(shared_namespace, body, dry_run="All")
