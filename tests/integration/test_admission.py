"""What the API server does with our manifests, before any operator sees them: the sentence that kubectl prints."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import yaml
from kubernetes.client import ApiException

from agentschedule import names
from agentschedule.api.schedule import AgentSchedule
from agentschedule.plan.objects import build
from agentschedule.plan.spec.timing import timing
from tests.fixtures import Api
from tests.http import rules
from tools.cluster.base import Cluster, KubectlError
from tools.cluster.chart import CRD_NAMES
from tools.cluster.daemons import wait_until
from tools.generate import ROOT

pytestmark = pytest.mark.usefixtures("crds")

Manifest = dict[str, Any]
PUBLISHED = 30.0  # seconds; a few are usual
# A change of this kind takes the key away.
GONE = object()
SCHEDULE: Manifest = {
    "apiVersion": "agentschedule.dev/v1alpha1",
    "kind": "AgentSchedule",
    "metadata": {"name": "report"},
    "spec": {"schedule": "0 8 * * 1-5", "agent": {"image": "registry.example/agent:1"}},
}
RUN: Manifest = {
    "apiVersion": "agentschedule.dev/v1alpha1",
    "kind": "ScheduleRun",
    "metadata": {"name": "report-now"},
    "spec": {"scheduleName": "report"},
}

PROMPT: Manifest = {"configMapKeyRef": {"name": "prompts", "key": "sales"}}
SESSION = "session takes mode Fixed with an id, and New or Continue without one"
OVERRIDES: Manifest = {"message": "m", "params": {"a": 1}, "model": "big", "timeoutSeconds": 60}
RECORD = "a record of a scheduled run takes no message, params, model or timeoutSeconds"

# An agent is one of the two.
TWO_KINDS = [
    ({"image": "agent.test/none:1", "http": {"url": rules.URL}}, "write one of image (a container) and http"),
    ({"http": {"url": rules.URL}, "command": ["sh"]}, "command and args belong to image"),
]
REFUSED_SCHEDULES = [
    ("a minute that no hour has", {"spec.schedule": "61 * * * *"}, "the first field, minute, takes 0-59"),
    ("words", {"spec.schedule": "every day at 8 sharp"}, "the first field, minute, takes 0-59"),
    ("four fields", {"spec.schedule": "0 8 * *"}, "this has fewer"),
    ("six fields", {"spec.schedule": "0 0 8 * * *"}, "drop the seconds in front"),
    ("the zone in the schedule", {"spec.schedule": "TZ=Europe/Berlin 0 8 * * *"}, "put the zone in timeZone"),
    ("a range that runs backwards", {"spec.schedule": "30-10 * * * *"}, "the start of a range is after its end"),
    ("a macro in capitals", {"spec.schedule": "@Daily"}, "write one of the macros @yearly"),
    ("30 February", {"spec.schedule": "0 8 30 2 *"}, "schedule never fires"),
    ("an empty schedule", {"spec.schedule": ""}, "spec.schedule"),
    ("no schedule", {"spec.schedule": GONE}, "write exactly one of schedule, interval and runAt"),
    ("no agent", {"spec.agent": GONE}, "spec.agent: Required value"),
    ("no image", {"spec.agent.image": GONE}, "write one of image (a container) and http"),
    ("a name of 60 characters", {"metadata.name": "r" * 60}, "the name may have at most 48 characters"),
    ("a dot in the name", {"metadata.name": "my.report"}, "write my-report, not my.report"),
    ("a short deadline", {"spec.startingDeadlineSeconds": 5}, "should be greater than or equal to 10"),
    ("no time at all", {"spec.timeoutSeconds": 0}, "should be greater than or equal to 1"),
    ("more than a day", {"spec.timeoutSeconds": 86401}, "should be less than or equal to 86400"),
    ("a policy that does not exist", {"spec.concurrencyPolicy": "forbid"}, 'supported values: "Forbid", "Allow"'),
    ("a negative history", {"spec.history": {"failed": -1}}, "spec.history.failed"),
    ("a text as params", {"spec.params": "region=emea"}, "spec.params: Invalid value"),
    ("a comma in a tool", {"spec.agent.allowedTools": ["sql,charts"]}, "spec.agent.allowedTools[0]"),
    ("a pull policy in lower case", {"spec.agent.imagePullPolicy": "always"}, '"Always", "IfNotPresent", "Never"'),
    ("an agent name with a space", {"spec.agent.name": "my agent"}, "spec.agent.name"),
    ("a misspelt field", {"spec.timezone": "Europe/Berlin"}, 'unknown field "spec.timezone"'),
    ("a prompt of 32,001 characters", {"spec.message": "m" * 32_001}, "spec.message: Too long"),
    (
        "two messages",
        {"spec.message": "m", "spec.messageFrom": PROMPT},
        "write message or messageFrom, not both",
    ),
    ("a message from nowhere", {"spec.messageFrom": {}}, "spec.messageFrom.configMapKeyRef: Required value"),
    ("a session without a mode", {"spec.session": {"id": "x"}}, "spec.session.mode: Required value"),
    ("a fixed session without its id", {"spec.session": {"mode": "Fixed"}}, SESSION),
    ("a new session with an id", {"spec.session": {"mode": "New", "id": "x"}}, SESSION),
    ("a continued session with an id", {"spec.session": {"mode": "Continue", "id": "x"}}, SESSION),
    ("a session without a name", {"spec.session": {"mode": "Fixed", "id": ""}}, "spec.session.id"),
    ("an override of the image", {"spec.manualRuns": {"allowOverrides": ["image"]}}, '"message", "params", "model"'),
    ("eleven retries", {"spec.retry": {"limit": 11}}, "should be less than or equal to 10"),
    ("a retry at once", {"spec.retry": {"limit": 1, "delaySeconds": 9}}, "should be greater than or equal to 10"),
]
REFUSED_RUNS = [
    ("no schedule", {"spec.scheduleName": GONE}, "spec.scheduleName: Required value"),
    ("a due minute as name", {"metadata.name": "report-29384712"}, "may not end in - and 8 or 9 digits"),
    ("a name of 61 characters", {"metadata.name": "r" * 61}, "at most 60 characters"),
    ("a dot in the name", {"metadata.name": "report.now"}, "write my-run, not my.run"),
    ("a trigger that does not exist", {"spec.trigger": "Cron"}, 'supported values: "Schedule", "Manual"'),
    *[
        (f"a record with {field}", {"spec.trigger": "Schedule", f"spec.{field}": value}, RECORD)
        for field, value in OVERRIDES.items()
    ],
    ("no time at all", {"spec.timeoutSeconds": 0}, "should be greater than or equal to 1"),
    ("a prompt of 32,001 characters", {"spec.message": "m" * 32_001}, "spec.message: Too long"),
]
TAKEN_SCHEDULES = [
    ("the smallest", {}),
    ("the longest name", {"metadata.name": "r" * 48}),
    ("a macro", {"spec.schedule": "@daily"}),
    ("names and steps", {"spec.schedule": "*/15 8-18 * jan,jul mon-fri"}),
    ("a spread", {"spec.schedule": "H H * * *"}),
    ("params of any shape", {"spec.params": {"a": [1, {"b": None}], "c": True, "d": 1.5}}),
    ("quantities", {"spec.agent.resources": {"requests": {"cpu": 1, "memory": "1Gi"}}}),
    ("a pod template", {"spec.agent.podTemplate": {"spec": {"tolerations": [{"operator": "Exists"}]}}}),
    ("a longest prompt", {"spec.message": "m" * 32_000}),
    ("a prompt of a ConfigMap", {"spec.messageFrom": PROMPT}),
    ("a new session", {"spec.session": {"mode": "New"}}),
    ("a fixed session", {"spec.session": {"mode": "Fixed", "id": "team"}}),
    ("a continued session", {"spec.session": {"mode": "Continue"}}),
    ("all overrides", {"spec.manualRuns": {"allowOverrides": list(OVERRIDES)}}),
    ("most retries", {"spec.retry": {"limit": 10, "delaySeconds": 3600}}),
]
TAKEN_RUNS = [
    ("by hand", {}),
    ("a generated name", {"metadata": {"generateName": "report-"}}),
    ("a record of a due minute", {"metadata.name": "report-29384712", "spec.trigger": "Schedule"}),
    ("seven digits", {"metadata.name": "report-1234567"}),
    ("all overrides", {f"spec.{field}": value for field, value in OVERRIDES.items()}),
    ("cancelled from the start", {"spec.cancel": True}),
]


def table(rows: list[Any]) -> Any:
    """Rows as parameters, each called by its first column."""
    return [pytest.param(*row[1:], id=row[0]) for row in rows]


def test_the_crds_are_served_and_nobody_is_warned(control_plane: Cluster) -> None:
    output = control_plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(ROOT / "crds"), check=False)
    assert "arning" not in output
    for name in CRD_NAMES:
        conditions = control_plane.get("crd", name)["status"]["conditions"]
        assert {c["type"]: c["status"] for c in conditions} == {"Established": "True", "NamesAccepted": "True"}


def test_explain_says_what_to_write(control_plane: Cluster) -> None:
    def explained() -> str:
        return " ".join(control_plane.kubectl("explain", "agentschedule.spec.schedule", check=False).split())

    # The API server publishes the schema of a new CRD a moment after it serves the kind.
    assert wait_until(lambda: "DESCRIPTION" in explained(), PUBLISHED)
    output = explained()
    for words in ('"0 8 * * 1-5" for 08:00 on weekdays', "five cron fields", "@hourly", "timeZone"):
        assert words in output


@pytest.mark.parametrize(("changes", "sentence"), table(REFUSED_SCHEDULES))
def test_a_schedule_is_refused_with_a_sentence(
    control_plane: Cluster, shared_namespace: str, changes: Manifest, sentence: str
) -> None:
    assert sentence in refusal(control_plane, shared_namespace, changed(SCHEDULE, changes))


@pytest.mark.parametrize(("http", "sentence"), [*rules.INVALID, *TWO_KINDS])
def test_an_agent_behind_http_is_refused_with_a_sentence(
    control_plane: Cluster, shared_namespace: str, http: Manifest, sentence: str
) -> None:
    assert sentence in refusal(control_plane, shared_namespace, changed(SCHEDULE, {"spec.agent": _agent(http)}))


@pytest.mark.parametrize("http", rules.VALID)
def test_an_agent_behind_http_is_taken_as_written(
    control_plane: Cluster, shared_namespace: str, http: Manifest
) -> None:
    wanted = changed(SCHEDULE, {"spec.agent": _agent(http)})
    kept(wanted["spec"], dry_run(control_plane, shared_namespace, wanted)["spec"])


def _agent(http: Manifest) -> Manifest:
    return http if "http" in http else {"http": http}


@pytest.mark.parametrize(("changes", "sentence"), table(REFUSED_RUNS))
def test_a_run_is_refused_with_a_sentence(
    control_plane: Cluster, shared_namespace: str, changes: Manifest, sentence: str
) -> None:
    assert sentence in refusal(control_plane, shared_namespace, changed(RUN, changes))


@pytest.mark.parametrize("changes", table(TAKEN_SCHEDULES))
def test_a_schedule_is_taken_as_written(control_plane: Cluster, shared_namespace: str, changes: Manifest) -> None:
    wanted = changed(SCHEDULE, changes)
    kept(wanted["spec"], dry_run(control_plane, shared_namespace, wanted)["spec"])


@pytest.mark.parametrize("changes", table(TAKEN_RUNS))
def test_a_run_is_taken_as_written(control_plane: Cluster, shared_namespace: str, changes: Manifest) -> None:
    wanted = changed(RUN, changes)
    kept(wanted["spec"], dry_run(control_plane, shared_namespace, wanted)["spec"])


def test_a_volume_that_is_in_the_way_of_the_message_is_refused_in_clear_words(api: Api) -> None:
    """The operator asks so too, by a dry run, and puts the answer into the schedule's status."""
    ours = names.MESSAGE_VOLUME
    for volume, mount, words in (
        (ours, "/own", f'Duplicate value: "{ours}"'),
        ("own", names.MESSAGE_DIRECTORY, f'"{names.MESSAGE_DIRECTORY}": must be unique'),
    ):
        own = {
            "volumes": [{"name": volume, "emptyDir": {}}],
            "volumeMounts": [{"name": volume, "mountPath": mount}],
        }
        body = changed(SCHEDULE, {"spec.messageFrom": PROMPT, "spec.agent": SCHEDULE["spec"]["agent"] | own})
        schedule = AgentSchedule.model_validate(body | {"metadata": body["metadata"] | {"namespace": "default"}})
        cronjob = build.cronjob(schedule, timing(schedule.spec, "default/report"), suspend=False)
        del cronjob["metadata"]["ownerReferences"]  # of a schedule that is not there
        with pytest.raises(ApiException) as refused:
            api.batch.create_namespaced_cron_job("default", cronjob, dry_run="All")
        assert words in json.loads(refused.value.body or "")["message"]


def test_runs_can_be_selected_by_schedule_and_phase(control_plane: Cluster, namespace: str) -> None:
    for name in ("report", "other"):
        manifest = changed(RUN, {"metadata.name": f"{name}-now", "spec.scheduleName": name})
        control_plane.kubectl("create", "-n", namespace, "-f", "-", stdin=yaml.safe_dump(manifest))
    status = ["--subresource=status", "--type=merge", "-p", '{"status":{"phase":"Succeeded"}}']
    control_plane.kubectl("patch", "srun", "report-now", "-n", namespace, *status)
    for selector in ("spec.scheduleName=report", "status.phase=Succeeded", "spec.trigger=Manual,status.phase!="):
        found = control_plane.get("srun", "-n", namespace, f"--field-selector={selector}")["items"]
        assert [run["metadata"]["name"] for run in found] == ["report-now"]


def test_the_samples_are_taken(control_plane: Cluster) -> None:
    samples = str(ROOT / "manifests/samples")
    control_plane.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "agents"}})
    output = control_plane.kubectl("apply", "--dry-run=server", "-f", samples, check=False)
    output += control_plane.kubectl("create", "--dry-run=server", "-f", f"{samples}/run-now", check=False)
    for name in ("daily-report", "hello", "schedulerun.agentschedule.dev/hello-"):
        assert name in output
    assert "rror" not in output


def changed(manifest: Manifest, changes: Manifest) -> Manifest:
    """A copy with the values at dotted paths replaced."""
    result = copy.deepcopy(manifest)
    for path, value in changes.items():
        *parents, last = path.split(".")
        node = result
        for name in parents:
            node = node[name]
        if value is GONE:
            del node[last]
        else:
            node[last] = value
    return result


def create(cluster: Cluster, namespace: str, manifest: Manifest) -> None:
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=yaml.safe_dump(manifest))


def dry_run(cluster: Cluster, namespace: str, manifest: Manifest) -> Manifest:
    command = ["create", "-n", namespace, "--dry-run=server", "-o", "json", "-f", "-"]
    made: Manifest = json.loads(cluster.kubectl(*command, stdin=yaml.safe_dump(manifest)))
    return made


def refusal(cluster: Cluster, namespace: str, manifest: Manifest) -> str:
    """What `kubectl apply` says."""
    with pytest.raises(KubectlError) as refused:
        cluster.kubectl("apply", "-n", namespace, "--dry-run=server", "-f", "-", stdin=yaml.safe_dump(manifest))
    return refused.value.message


def kept(written: Any, stored: Any) -> None:
    """Everything that was written is stored; defaults may join."""
    if isinstance(written, dict):
        for key, value in written.items():
            assert key in stored
            kept(value, stored[key])
    else:
        assert written == stored
