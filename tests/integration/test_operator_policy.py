"""What the operator's account may write, judged by the chart's policy on a real API server: each thing that it does,
and what a thief of its token would do.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from agentschedule import names
from tests.fixtures import Api
from tests.world import Body
from tools.cluster import audit, chart
from tools.cluster.base import Cluster

pytestmark = [pytest.mark.usefixtures("operator_kubeconfig")]

LABELS = {names.LABEL_MANAGED_BY: names.MANAGER, names.LABEL_SCHEDULE: "report", names.LABEL_AGENT: "report"}
UID = "00000000-0000-0000-0000-000000000000"
PRIVILEGED = {"pod-security.kubernetes.io/enforce": "privileged"}
Edit = Callable[[Body], None]


def owner(kind: str, name: str, version: str = names.API_VERSION) -> Body:
    return {"apiVersion": version, "kind": kind, "name": name, "uid": UID}


def metadata(name: str, *owners: Body, schedule: str = "report") -> Body:
    labels = LABELS | {names.LABEL_SCHEDULE: schedule}
    return {"name": name, "labels": labels, "ownerReferences": list(owners)}


def job_spec(schedule: str = "report") -> Body:
    pod = {
        "restartPolicy": "Never",
        "activeDeadlineSeconds": 60,
        "containers": [{"name": names.AGENT_CONTAINER, "image": "agent.test/none:1"}],
    }
    template = {"metadata": {"labels": LABELS | {names.LABEL_SCHEDULE: schedule}}, "spec": pod}
    return {"completionMode": "Indexed", "completions": 1, "parallelism": 1, "template": template}


def cronjob(name: str = "report") -> Body:
    template = {"metadata": {"labels": dict(LABELS)}, "spec": job_spec(name)}
    spec = {"schedule": "0 0 29 2 *", "jobTemplate": template}
    meta = metadata(name, owner(names.SCHEDULE_KIND, name), schedule=name)
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": meta, "spec": spec}


def job(name: str = "new") -> Body:
    meta = metadata(name, owner(names.RUN_KIND, name))
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": job_spec() | {"suspend": True}}


def due_job() -> Body:
    body = job("report-29921413")
    body["metadata"]["ownerReferences"] = [owner("CronJob", "report", "batch/v1")]
    return body


def run(name: str = "report-m1") -> Body:
    meta = metadata(name, owner(names.SCHEDULE_KIND, "report"))
    spec = {"scheduleName": "report", "trigger": "Manual"}
    return {"apiVersion": names.API_VERSION, "kind": names.RUN_KIND, "metadata": meta, "spec": spec}


def event(kind: str = names.RUN_KIND, controller: str = f"{names.GROUP}/operator") -> Body:
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": "report.1"},
        "eventTime": "2027-01-01T00:00:00.000000Z",
        "reportingController": controller,
        "reportingInstance": "x",
        "action": "Accepted",
        "reason": "Accepted",
        "type": "Normal",
        "regarding": {"kind": kind, "name": "report"},
    }


PATHS = {
    "CronJob": "apis/batch/v1/{}/cronjobs",
    "Job": "apis/batch/v1/{}/jobs",
    "Pod": "api/v1/{}/pods",
    "Event": "apis/events.k8s.io/v1/{}/events",
    names.RUN_KIND: f"apis/{names.API_VERSION}/{{}}/{names.RUN_PLURAL}",
    names.SCHEDULE_KIND: f"apis/{names.API_VERSION}/{{}}/{names.SCHEDULE_PLURAL}",
}


@dataclass(frozen=True)
class Account:
    """The operator's account; nothing that it does is stored. Each returns why the API server refuses, else nothing."""

    api: Api
    namespace: str

    def make(self, body: Body, namespace: str | None = None) -> str:
        if "regarding" in body:
            body = body | {"regarding": body["regarding"] | {"namespace": namespace or self.namespace}}
        return self._ask("POST", self._path(body["kind"], namespace), body)

    def patch(self, what: str, change: Body | list[Body], status: bool = False) -> str:
        """A merge patch, or a JSON patch where it is a list."""
        kind, name = what.split("/")
        kinds = ("json" if isinstance(change, list) else "merge") + "-patch+json"
        path = f"{self._path(kind)}/{name}{'/status' if status else ''}"
        return self._ask("PATCH", path, change, f"application/{kinds}")

    def delete(self, what: str) -> str:
        kind, name = what.split("/")
        return self._ask("DELETE", f"{self._path(kind)}/{name}", {"dryRun": ["All"]})

    def _path(self, kind: str, namespace: str | None = None) -> str:
        return PATHS[kind].format(f"namespaces/{namespace or self.namespace}")

    def _ask(self, method: str, path: str, body: Any, content: str = "application/json") -> str:
        client = self.api.client
        user = audit.service_account(chart.OPERATOR_NAMESPACE, chart.RELEASE)
        headers = {"Impersonate-User": user, "Content-Type": content}
        headers |= {"Authorization": next(iter(client.configuration.api_key.values()), "")}
        url = f"{client.configuration.host}/{path}?dryRun=All"
        reply = client.rest_client.pool_manager.request(method, url, body=json.dumps(body), headers=headers)
        said = json.loads(reply.data)
        return "" if reply.status < 300 else str(said["message"])


@pytest.fixture(scope="module")
def account(api: Api, shared_namespace: str) -> Account:
    return Account(api, shared_namespace)


@pytest.fixture(scope="module")
def privileged(control_plane: Cluster, shared_namespace: str) -> Iterator[str]:
    """A namespace whose admins let pods reach the node."""
    name = f"{shared_namespace}-open"
    control_plane.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": PRIVILEGED}})
    yield name
    control_plane.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="module")
def stored(control_plane: Cluster, shared_namespace: str) -> None:
    """A schedule's CronJob, a Job and a pod of it, a run; and the same of somebody else's."""
    foreign_job, foreign_cronjob = job("foreign"), cronjob("foreign")
    for body in (foreign_job, foreign_cronjob):
        body["metadata"] = {"name": "foreign", "labels": {"app": "web"}}
    mine = [cronjob("stored"), job("by-hand"), pod("mine", LABELS), run("recorded")]
    for body in mine:
        body["metadata"].pop("ownerReferences", None)  # the garbage collector knows that there is no such owner
    bodies = [*mine, foreign_job, foreign_cronjob, pod("foreign", {})]
    control_plane.kubectl("-n", shared_namespace, "create", "-f", "-", stdin=yaml.safe_dump_all(bodies))
    suspended = ("-n", shared_namespace, "wait", "job/by-hand", "--for=condition=Suspended", "--timeout=30s")
    control_plane.kubectl(*suspended)


def pod(name: str, labels: dict[str, str]) -> Body:
    container = {"name": names.AGENT_CONTAINER, "image": "agent.test/none:1"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels},
        "spec": {"containers": [container], "schedulerName": "none"},
    }


@pytest.mark.parametrize(
    "body",
    [cronjob(), job(), due_job(), run(), event(), event(names.SCHEDULE_KIND)],
    ids=["CronJob", "Job by hand", "Job that is due", "ScheduleRun", "event of a run", "event of a schedule"],
)
def test_what_the_operator_makes_is_let_through(account: Account, body: Body) -> None:
    assert account.make(body) == ""


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


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(("what", "change", "status"), OWN_UPDATES)
def test_what_the_operator_changes_is_let_through(account: Account, what: str, change: Body, status: bool) -> None:
    assert account.patch(what, change, status) == ""


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("what", ["Job/by-hand", "ScheduleRun/recorded"])
def test_what_the_operator_prunes_is_let_go(account: Account, what: str) -> None:
    assert account.delete(what) == ""


def template_of(body: Body) -> Any:
    spec = body["spec"]
    return (spec["jobTemplate"]["spec"] if body["kind"] == "CronJob" else spec)["template"]


def in_pod(**fields: Any) -> Edit:
    return lambda body: template_of(body)["spec"].update(fields)


def in_container(**fields: Any) -> Edit:
    return lambda body: template_of(body)["spec"]["containers"][0].update(fields)


def in_init_container(**fields: Any) -> Edit:
    first = {"name": "first", "image": "agent.test/none:1", **fields}
    return in_pod(initContainers=[first])


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


def without_labels(body: Body) -> None:
    body["metadata"]["labels"] = {"app": "web"}  # a Job without any takes those of its pods


def without_owner(body: Body) -> None:
    body["metadata"]["ownerReferences"] = []


def other_owner(body: Body) -> None:
    body["metadata"]["ownerReferences"] = [owner("Deployment", body["metadata"]["name"], "apps/v1")]


def other_name(body: Body) -> None:
    body["metadata"]["name"] = "other"


def many_pods(body: Body) -> None:
    body["spec"] |= {"completions": 100, "parallelism": 100}


def pods_without_label(body: Body) -> None:
    template_of(body)["metadata"]["labels"] = {}


def pods_without_limit(body: Body) -> None:
    del template_of(body)["spec"]["activeDeadlineSeconds"]


def pods_without_agent(body: Body) -> None:
    template_of(body)["spec"]["containers"][0]["name"] = "miner"


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


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(("what", "change", "sentence"), FOREIGN_UPDATES)
def test_what_the_operator_does_not_change_stays(account: Account, what: str, change: Body, sentence: str) -> None:
    assert sentence in by_policy(account.patch(what, change))


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(("what", "change", "sentence"), STATUSES)
def test_what_the_operator_does_not_say_in_a_status_stays(
    account: Account, what: str, change: Body, sentence: str
) -> None:
    assert sentence in by_policy(account.patch(what, {"status": change}, status=True))


@pytest.mark.usefixtures("stored")
def test_a_cronjob_is_not_turned_into_a_way_to_the_node(account: Account) -> None:
    change = cronjob("stored")
    in_pod(hostPID=True)(change)
    assert "privileged" in by_policy(account.patch("CronJob/stored", change))


@pytest.mark.usefixtures("stored")
def test_no_foreign_job_is_deleted(account: Account) -> None:
    assert "belongs to an AgentSchedule" in by_policy(account.delete("Job/foreign"))


@pytest.mark.usefixtures("stored")
def test_what_the_operator_has_no_right_to_it_has_no_right_to(account: Account) -> None:
    for what in ("Pod/mine", "Pod/foreign", "CronJob/stored", f"{names.SCHEDULE_KIND}/none"):
        assert " cannot delete " in account.delete(what)
    assert " cannot patch " in account.patch(f"{names.SCHEDULE_KIND}/none", {"spec": {"suspend": True}})
    assert " cannot create " in account.make(pod("new", LABELS))


def test_others_are_not_judged(api: Api, shared_namespace: str) -> None:
    body = job("anybodys")
    body["metadata"] = {"name": "anybodys", "labels": {"app": "web"}}
    in_pod(hostNetwork=True)(body)
    api.batch.create_namespaced_job(shared_namespace, body, dry_run="All")


def by_policy(said: str) -> str:
    """The policy's own words, out of what the API server says."""
    assert "ValidatingAdmissionPolicy 'agentschedule-operator'" in said, said or "it was let through"
    return said
