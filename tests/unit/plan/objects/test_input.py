"""What a run is given beyond its env of plain words: a message from a ConfigMap, and a session; and how both are read
back from its Job."""

from __future__ import annotations

from typing import Any

import pytest

from agentschedule import names
from agentschedule.api.schedule import AgentSchedule
from agentschedule.cluster import parse
from agentschedule.names import Env
from agentschedule.plan.objects import build
from agentschedule.plan.objects.job import job_template
from agentschedule.plan.spec.validate import validate
from tests.unit.builders import a_run, a_schedule

Body = dict[str, Any]
PROMPT = {"configMapKeyRef": {"name": "prompts", "key": "sales.md"}}
VOLUME = {
    "name": "agent-message",
    "configMap": {"name": "prompts", "items": [{"key": "sales.md", "path": "message"}]},
}
MOUNT = {"name": "agent-message", "mountPath": "/etc/agentschedule", "readOnly": True}


def pod(schedule: AgentSchedule) -> Body:
    spec: Body = job_template(schedule)["spec"]["template"]["spec"]
    return spec


def env(schedule: AgentSchedule) -> dict[str, str]:
    return {item["name"]: item.get("value", "") for item in pod(schedule)["containers"][0]["env"]}


def read_back(schedule: AgentSchedule, change: Any = None) -> Body:
    """The input of a manual run, as the operator reads it from the Job on the cluster."""
    body = build.manual_job(schedule, a_run())
    body["metadata"] |= {"uid": "u", "resourceVersion": "1", "creationTimestamp": "2026-03-02T08:00:00Z"}
    if change:
        change(body["spec"]["template"]["spec"])
    return parse.job(body).input.wire()


def test_a_message_from_a_config_map_is_a_read_only_file_in_the_agent_s_container() -> None:
    schedule = a_schedule(messageFrom=PROMPT)
    assert pod(schedule)["volumes"] == [VOLUME]
    assert pod(schedule)["containers"][0]["volumeMounts"] == [MOUNT]
    assert env(schedule)[Env.MESSAGE_FILE] == f"{MOUNT['mountPath']}/message"
    assert env(schedule)[Env.MESSAGE] == ""


def test_without_it_there_is_no_volume_and_the_variable_is_empty() -> None:
    schedule = a_schedule(message="hello")
    assert "volumes" not in pod(schedule)
    assert "volumeMounts" not in pod(schedule)["containers"][0]
    assert (env(schedule)[Env.MESSAGE_FILE], env(schedule)[Env.MESSAGE]) == ("", "hello")


@pytest.mark.parametrize("where", ["typed", "podTemplate"])
def test_the_author_s_volumes_stay(where: str) -> None:
    volumes, mounts = [{"name": "data", "emptyDir": {}}], [{"name": "data", "mountPath": "/data"}]
    template = {"spec": {"volumes": volumes, "containers": [{"name": "agent", "volumeMounts": mounts}]}}
    own: Body = {"volumes": volumes, "volumeMounts": mounts} if where == "typed" else {"podTemplate": template}
    found = pod(a_schedule(messageFrom=PROMPT, agent={"image": "i"} | own))
    assert found["volumes"] == [*volumes, VOLUME]
    assert found["containers"][0]["volumeMounts"] == [*mounts, MOUNT]


def test_volumes_that_are_no_list_are_left_for_the_api_to_refuse() -> None:
    template = {"spec": {"volumes": 5, "containers": [{"name": "agent", "volumeMounts": "x"}]}}
    found = pod(a_schedule(messageFrom=PROMPT, agent={"image": "i", "podTemplate": template}))
    assert (found["volumes"], found["containers"][0]["volumeMounts"]) == (5, "x")


@pytest.mark.parametrize(
    ("session", "last", "given"),
    [
        (None, "s-7", ""),
        ({"mode": "New"}, "s-7", ""),
        ({"mode": "Fixed", "id": "team-$1"}, "s-7", "team-$1"),
        ({"mode": "Continue"}, "s-$7", "s-$7"),
        ({"mode": "Continue"}, None, ""),
    ],
)
def test_the_session_of_a_run_is_a_new_one_the_schedule_s_or_the_last_reported(
    session: Body | None, last: str | None, given: str
) -> None:
    status = {"observedGeneration": 1} | ({"lastSessionID": last} if last else {})
    schedule = a_schedule(status, session=session)
    assert env(schedule)[Env.SESSION_ID] == given.replace("$", "$$"), "no secret is expanded into it"
    assert read_back(schedule).get("sessionID", "") == given


def test_a_schedule_that_was_never_seen_continues_nothing() -> None:
    assert env(a_schedule({}, session={"mode": "Continue"}))[Env.SESSION_ID] == ""


def test_a_run_s_input_names_the_config_map_and_never_says_what_is_in_it() -> None:
    assert read_back(a_schedule(messageFrom=PROMPT)) == {"messageFrom": PROMPT}
    assert read_back(a_schedule(message="hello")) == {"message": "hello"}


@pytest.mark.parametrize(
    "volumes",
    [
        None,
        [{"name": "agent-message", "emptyDir": {}}],
        [{"name": "agent-message", "configMap": {"name": "prompts"}}],
        [{"name": "agent-message", "configMap": {"items": [{"key": "k", "path": "message"}]}}],
        [{"name": "agent-message", "configMap": {"name": "n" * 300, "items": [{"key": "k", "path": "message"}]}}],
    ],
)
def test_a_job_whose_message_volume_somebody_changed_is_read_without_it(volumes: Any) -> None:
    found = read_back(a_schedule(messageFrom=PROMPT), lambda pod: pod.update(volumes=volumes))
    assert "messageFrom" not in found


def test_a_volume_of_the_author_that_is_called_like_ours_is_no_message() -> None:
    volumes = [{"name": names.MESSAGE_VOLUME, "configMap": {"name": "own", "items": [{"key": "k", "path": "p"}]}}]
    assert read_back(a_schedule(message="hello", agent={"image": "i", "volumes": volumes})) == {"message": "hello"}


@pytest.mark.parametrize("name", [variable.value for variable in Env])
@pytest.mark.parametrize("where", ["typed", "podTemplate"])
def test_no_variable_of_the_contract_can_be_set_by_the_author(name: str, where: str) -> None:
    variables = [{"name": name, "value": "mine"}]
    template = {"spec": {"containers": [{"name": "agent", "env": variables}]}}
    own: Body = {"env": variables} if where == "typed" else {"podTemplate": template}
    validation = validate(a_schedule(agent={"image": "i"} | own))
    assert not validation.accepted
    assert name in validation.message
