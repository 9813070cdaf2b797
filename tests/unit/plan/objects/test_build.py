"""From an AgentSchedule to the bodies of its objects."""

from __future__ import annotations

from typing import Any

import pytest

from agentschedule import child_names, names
from agentschedule.api.schedule import AgentSchedule
from agentschedule.names import Env
from agentschedule.plan.objects import build
from agentschedule.plan.spec.env import unescape
from agentschedule.plan.spec.timing import timing
from tests.golden import assert_golden, manifest
from tests.unit.builders import CRONJOB_UID, NAME, NAMESPACE, SCHEDULE_UID, a_due_job, a_job, a_run, a_schedule, at

Body = dict[str, Any]


def cronjob(schedule: AgentSchedule) -> Body:
    spec, meta = schedule.spec, schedule.metadata
    return build.cronjob(schedule, timing(spec, seed=f"{meta.namespace}/{meta.name}"), suspend=spec.suspend)


def agent(body: Body) -> Body:
    container: Body = body["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    return container


def env(body: Body) -> dict[str, Any]:
    return {item["name"]: item.get("value", item.get("valueFrom")) for item in agent(body)["env"]}


def fingerprint(**spec: Any) -> str:
    notes: dict[str, str] = cronjob(a_schedule(**spec))["metadata"]["annotations"]
    return notes[names.ANNOTATION_SPEC_HASH]


DUE = a_due_job(at("07:00:00"))


def test_the_cronjob_is_exactly_as_expected() -> None:
    body = manifest("agentschedule")
    body["metadata"] |= {"namespace": NAMESPACE, "uid": SCHEDULE_UID}
    assert_golden("cronjob", cronjob(AgentSchedule.model_validate(body)))


@pytest.mark.parametrize(
    "spec",
    [
        {"schedule": "1 * * * *"},
        {"timeZone": "Europe/Berlin"},
        {"suspend": True},
        {"concurrencyPolicy": "Allow"},
        {"startingDeadlineSeconds": 60},
        {"message": "two"},
        {"params": {"a": 1}},
        {"timeoutSeconds": 60},
        {"retry": {"limit": 1}},
        {"retry": {"delaySeconds": 11}},
        {"messageFrom": {"configMapKeyRef": {"name": "prompts", "key": "sales"}}},
        {"session": {"mode": "Fixed", "id": "one"}},
        {"agent": {"image": "agent.test/none:2"}},
        {"agent": {"image": "agent.test/none:1", "podTemplate": {"spec": {"hostNetwork": True}}}},
    ],
    ids=lambda spec: next(iter(spec)),
)
def test_every_edit_that_matters_changes_the_fingerprint(spec: Body) -> None:
    assert fingerprint(**spec) != fingerprint()


def test_what_says_the_same_has_the_same_fingerprint() -> None:
    assert fingerprint(params={"a": 1, "b": 2}) == fingerprint(params={"b": 2, "a": 1})
    assert fingerprint(description="in other words", suspendReason="none", history={"failed": 3}) == fingerprint()
    assert fingerprint(concurrencyPolicy="Forbid", suspend=False) == fingerprint()
    assert fingerprint(retry={}, session={"mode": "New"}, manualRuns={"allowOverrides": ["message"]}) == fingerprint()


@pytest.mark.parametrize(
    ("message", "written"),
    [
        ("It costs $5.", "It costs $$5."),
        ("$(API_KEY)", "$$(API_KEY)"),
        ("$$(API_KEY)", "$$$$(API_KEY)"),
        ("Zürich ☂\n2nd line", "Zürich ☂\n2nd line"),
        ("", ""),
    ],
)
def test_a_message_reaches_the_agent_unchanged(message: str, written: str) -> None:
    body = cronjob(a_schedule(message=message))
    assert env(body)[Env.MESSAGE] == written
    assert unescape(written) == message


def test_dollars_in_params_model_and_tools_are_doubled_and_the_authors_own_are_not() -> None:
    given = {
        "image": "agent.test/none:1",
        "model": "$(MODEL)",
        "allowedTools": ["$(A)"],
        "env": [{"name": "OWN", "value": "$(AGENT_MODEL)"}],
        "args": ["$(AGENT_MESSAGE)"],
    }
    body = cronjob(a_schedule(agent=given, params={"k": "$(B)"}))
    found = env(body)
    assert (found[Env.MODEL], found[Env.ALLOWED_TOOLS], found[Env.PARAMS]) == ("$$(MODEL)", "$$(A)", '{"k":"$$(B)"}')
    assert (found["OWN"], agent(body)["args"]) == ("$(AGENT_MODEL)", ["$(AGENT_MESSAGE)"])


def test_the_contract_comes_before_the_authors_variables_and_is_whole() -> None:
    body = cronjob(a_schedule(agent={"image": "i", "env": [{"name": "OWN", "value": "1"}]}))
    found = [item["name"] for item in agent(body)["env"]]
    assert found[-1] == "OWN"
    assert set(found[:-1]) == {variable.value for variable in Env}


def test_the_pod_is_safe_unless_the_author_says_otherwise() -> None:
    pod = cronjob(a_schedule())["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert (pod["automountServiceAccountToken"], pod["restartPolicy"]) == (False, "Never")
    assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert pod["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    template = {
        "spec": {
            "automountServiceAccountToken": True,
            "securityContext": {"runAsNonRoot": False},
            "containers": [{"name": "agent", "securityContext": {"capabilities": {"add": ["NET_ADMIN"]}}}],
        }
    }
    body = cronjob(a_schedule(agent={"image": "i", "podTemplate": template}))
    pod = body["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert (pod["automountServiceAccountToken"], pod["securityContext"]["runAsNonRoot"]) == (True, False)
    assert pod["containers"][0]["securityContext"]["capabilities"] == {"add": ["NET_ADMIN"]}
    assert pod["containers"][0]["securityContext"]["allowPrivilegeEscalation"] is False


def test_what_decides_about_a_run_is_never_left_to_the_author_or_the_server() -> None:
    template = {
        "metadata": {"labels": {names.LABEL_SCHEDULE: "other"}},
        "spec": {
            "restartPolicy": "OnFailure",
            "activeDeadlineSeconds": 1,
            "containers": [{"name": "agent", "image": "other", "terminationMessagePath": "/tmp/x"}],
        },
    }
    body = cronjob(a_schedule(agent={"image": "mine", "podTemplate": template}, timeoutSeconds=60))
    pod = body["spec"]["jobTemplate"]["spec"]["template"]
    assert pod["metadata"]["labels"][names.LABEL_SCHEDULE] == NAME
    assert (pod["spec"]["restartPolicy"], pod["spec"]["activeDeadlineSeconds"]) == ("Never", 60)
    assert (agent(body)["image"], agent(body)["terminationMessagePath"]) == ("mine", names.RESULT_PATH)
    assert len(pod["spec"]["containers"]) == 1


def test_the_authors_manifest_is_not_changed_by_building() -> None:
    schedule = AgentSchedule.model_validate(
        manifest("agentschedule") | {"metadata": {"name": NAME, "namespace": NAMESPACE}}
    )
    before = schedule.wire()
    assert cronjob(schedule) == cronjob(schedule)
    assert schedule.wire() == before


def test_a_manual_job_is_suspended_owned_by_its_run_only_and_says_that_it_is_manual() -> None:
    body = build.manual_job(a_schedule(), a_run("report-now"))
    meta = body["metadata"]
    assert (meta["name"], meta["labels"][names.LABEL_SCHEDULE], body["spec"]["suspend"]) == ("report-now", NAME, True)
    assert [(ref["kind"], ref.get("controller")) for ref in meta["ownerReferences"]] == [("ScheduleRun", None)]
    template = body["spec"]["template"]
    assert template["metadata"]["annotations"][names.ANNOTATION_RUN_TRIGGER] == "Manual"


def test_a_due_job_is_made_as_the_controller_makes_it() -> None:
    live = cronjob(a_schedule())
    live["metadata"]["uid"] = CRONJOB_UID
    before = str(live)
    body = build.due_job(live, at("08:00:00"))
    assert body["metadata"]["name"] == f"report-{int(at('08:00:00').timestamp()) // 60}"
    assert body["metadata"]["annotations"] == {
        names.ANNOTATION_RETRY_DELAY: "10",
        names.CRONJOB_TIMESTAMP: "2026-03-02T08:00:00Z",
    }
    assert [(r["kind"], r["uid"], r["controller"]) for r in body["metadata"]["ownerReferences"]] == [
        ("CronJob", CRONJOB_UID, True)
    ]
    assert body["spec"] == live["spec"]["jobTemplate"]["spec"]
    assert str(live) == before


@pytest.mark.parametrize(
    ("job", "taken", "name"),
    [
        pytest.param(a_due_job(at("08:00:00")), (), "report-29540640", id="of a due time"),
        pytest.param(a_job("mine"), (), "mine", id="manual"),
        pytest.param(a_job("mine-12345678"), (), None, id="manual, called like a due minute"),
        pytest.param(a_job("m" * 61), (), None, id="manual, too long"),
        pytest.param(a_job("mine"), ("mine",), None, id="manual, the name in use"),
        pytest.param(a_due_job(at("08:00:00")), ("report-29540640",), None, id="of a due time, the name in use"),
    ],
)
def test_the_record_of_a_job_is_called_like_it_where_that_can_be(job: Any, taken: tuple[str, ...], name: str) -> None:
    body = build.record(a_schedule(), job, frozenset(taken))
    assert body["metadata"]["name"] == (name or child_names.unique_run_name(NAME, job.uid))
    assert body["metadata"]["annotations"] == {names.ANNOTATION_JOB_UID: job.uid}
    assert body["spec"]["trigger"] == ("Schedule" if job.due else "Manual")
    assert ("scheduledTime" in body["spec"]) is bool(job.due)


def test_a_record_finds_a_name_however_many_are_taken() -> None:
    taken: set[str] = set()
    for _ in range(5):
        name = build.record(a_schedule(), DUE, frozenset(taken))["metadata"]["name"]
        assert name not in taken
        taken.add(name)
