"""What manifests/install.yaml brings besides the operator: a policy that tells pods their due time, and roles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tools.cluster.base import Cluster, NotPossibleError
from tools.cluster.daemons import wait_until
from tools.generate import ROOT

pytestmark = [pytest.mark.usefixtures("crds"), pytest.mark.xdist_group("install")]

Manifest = dict[str, Any]
DUE = {"batch.kubernetes.io/cronjob-scheduled-timestamp": "2026-01-05T08:00:00-05:00"}
BY_DEFAULT = {"agentschedule.dev/run-trigger": "Schedule"}
TIME = "agentschedule.dev/scheduled-time"
TRIGGER = "agentschedule.dev/run-trigger"
WAIT = 30.0  # seconds until the API server has read a new policy or role; about one is usual


@pytest.fixture(scope="module")
def mine(worker_id: str) -> str:
    """A prefix for what belongs to the whole cluster: several workers may share one."""
    return f"test-install-{worker_id}"


@pytest.fixture(scope="module")
def policy(control_plane: Cluster, mine: str) -> Iterator[None]:
    """The MutatingAdmissionPolicy of manifests/install.yaml under another name, at work."""
    served = control_plane.kubectl("get", "--raw", "/apis/admissionregistration.k8s.io/v1")
    if "MutatingAdmissionPolicy" not in served:
        raise NotPossibleError("this Kubernetes has no MutatingAdmissionPolicy (1.36)")
    wanted = [d for d in install() if d["kind"].startswith("MutatingAdmissionPolicy")]
    for document in wanted:
        document["metadata"]["name"] = mine
        if "policyName" in document["spec"]:
            document["spec"]["policyName"] = mine
    control_plane.apply(*wanted)
    assert wait_until(lambda: TIME in pod_annotations(control_plane, "default", job(DUE, None)), WAIT)
    yield
    control_plane.kubectl("delete", "-f", "-", stdin=yaml.safe_dump_all(wanted))


@pytest.mark.usefixtures("policy")
@pytest.mark.parametrize(
    ("of_job", "of_pods", "expected"),
    [
        pytest.param(
            DUE, BY_DEFAULT, {TRIGGER: "Schedule", TIME: "2026-01-05T08:00:00-05:00"}, id="made by the controller"
        ),
        pytest.param(DUE, None, {TRIGGER: "Schedule", TIME: "2026-01-05T08:00:00-05:00"}, id="no annotations yet"),
        pytest.param(
            DUE, {"team": "x"}, {TRIGGER: "Schedule", TIME: "2026-01-05T08:00:00-05:00", "team": "x"}, id="others stay"
        ),
        pytest.param({}, BY_DEFAULT, {TRIGGER: "Manual"}, id="kubectl create job --from"),
        pytest.param({}, {TRIGGER: "Manual"}, {TRIGGER: "Manual"}, id="a manual run of the operator"),
        pytest.param(None, BY_DEFAULT, {TRIGGER: "Manual"}, id="no annotations on the Job"),
        pytest.param(
            {}, {**BY_DEFAULT, TIME: "given"}, {TRIGGER: "Schedule", TIME: "given"}, id="a late start of the operator"
        ),
        pytest.param(DUE, {TIME: "given"}, {TRIGGER: "Schedule", TIME: "given"}, id="a time that is given wins"),
    ],
)
def test_pods_learn_when_their_run_was_due_and_what_started_it(
    control_plane: Cluster, shared_namespace: str, of_job: Any, of_pods: Any, expected: dict[str, str]
) -> None:
    assert pod_annotations(control_plane, shared_namespace, job(of_job, of_pods)) == expected


@pytest.mark.usefixtures("policy")
def test_jobs_that_are_not_ours_stay_as_they_are(control_plane: Cluster, shared_namespace: str) -> None:
    foreign = job(DUE, {})
    foreign["metadata"]["labels"] = {"app": "other"}
    assert pod_annotations(control_plane, shared_namespace, foreign) == {}


@pytest.mark.usefixtures("policy")
def test_a_job_made_with_create_from_is_manual(control_plane: Cluster, namespace: str) -> None:
    template = {"metadata": {"labels": {"agentschedule.dev/schedule": "report"}}, "spec": job(None, BY_DEFAULT)["spec"]}
    control_plane.apply(
        {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": {"name": "report", "namespace": namespace},
            "spec": {"schedule": "0 8 * * *", "suspend": True, "jobTemplate": template},
        }
    )
    command = ["create", "job", "now", "--from=cronjob/report", "-n", namespace, "--dry-run=server", "-o", "json"]
    made = json.loads(control_plane.kubectl(*command))
    assert made["spec"]["template"]["metadata"]["annotations"] == {TRIGGER: "Manual"}


@pytest.fixture(scope="module")
def people(control_plane: Cluster, mine: str) -> Iterator[None]:
    """The roles for people under other names, and one user with each of Kubernetes' own."""
    wanted = [d for d in install() if d["kind"] == "ClusterRole" and d["metadata"]["name"] != "agentschedule"]
    for document in wanted:
        document["metadata"]["name"] = f"{mine}-{document['metadata']['name']}"
    wanted += [binding(role, f"{mine}-{role}") for role in ("view", "edit", "admin")]
    control_plane.apply(*wanted)
    yield
    control_plane.kubectl("delete", "-f", "-", stdin=yaml.safe_dump_all(wanted))


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("role", "allowed", "denied"),
    [
        ("view", "get scheduleruns", "create scheduleruns"),
        ("view", "list agentschedules", "patch agentschedules"),
        ("edit", "create scheduleruns", "patch scheduleruns/status"),
        ("edit", "patch agentschedules", "patch agentschedules/status"),
        ("admin", "delete agentschedules", "update scheduleruns/status"),
    ],
)
def test_people_get_both_kinds_with_their_roles(
    control_plane: Cluster, mine: str, role: str, allowed: str, denied: str
) -> None:
    def may(what: str) -> bool:
        verb, resource = what.split()
        name, *sub = resource.split("/")
        command = ["auth", "can-i", verb, f"{name}.agentschedule.dev", f"--as={mine}-{role}"]
        output = control_plane.kubectl(*command, *(f"--subresource={s}" for s in sub), check=False)
        return output.strip().endswith("yes")

    assert wait_until(lambda: may(allowed), WAIT)
    assert not may(denied)


def install() -> list[Manifest]:
    return [d for d in yaml.safe_load_all((ROOT / "manifests/install.yaml").read_text()) if d]


def job(of_job: dict[str, str] | None, of_pods: dict[str, str] | None) -> Manifest:
    """A Job of a schedule with annotations on itself and on its pods."""
    container = {"name": "agent", "image": "registry.example/agent:1"}
    metadata: Manifest = {"name": "report-1", "labels": {"agentschedule.dev/schedule": "report"}}
    template: Manifest = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    if of_job is not None:
        metadata["annotations"] = of_job
    if of_pods is not None:
        template["metadata"] = {"annotations": of_pods}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": template}}


def pod_annotations(cluster: Cluster, namespace: str, manifest: Manifest) -> Any:
    """The pods' annotations after admission."""
    command = ["create", "-n", namespace, "--dry-run=server", "-o", "json", "-f", "-"]
    made = json.loads(cluster.kubectl(*command, stdin=yaml.safe_dump(manifest)))
    return made["spec"]["template"]["metadata"].get("annotations", {})


def binding(role: str, user: str) -> Manifest:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": user},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}],
    }
