"""What a run is given beyond its env of plain words: a message from a ConfigMap, and a session."""

from __future__ import annotations

import pytest

from agentschedule.api.schedule import AgentSchedule
from agentschedule.names import Env
from agentschedule.plan.objects.job import job_template
from tests.unit.bodies import Body, read_back
from tests.unit.builders import a_schedule

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
