"""What the operator makes, as it makes it; and how each is spoiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agentschedule import names
from tests.world import Body

LABELS = {names.LABEL_MANAGED_BY: names.MANAGER, names.LABEL_SCHEDULE: "report", names.LABEL_AGENT: "report"}
UID = "00000000-0000-0000-0000-000000000000"
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


def pod(name: str, labels: dict[str, str]) -> Body:
    container = {"name": names.AGENT_CONTAINER, "image": "agent.test/none:1"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels},
        "spec": {"containers": [container], "schedulerName": "none"},
    }


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
