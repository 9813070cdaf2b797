"""What a manual run may say otherwise than its schedule, by a ScheduleRun and by annotations."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agentschedule import child_names, names
from agentschedule.api.run import ScheduleRun
from agentschedule.api.schedule import AgentSchedule
from agentschedule.names import Env, Override, Reason, TriggerOutcome
from agentschedule.plan.actions import CreateRun
from agentschedule.plan.manual_runs import Rejection, rejection
from agentschedule.plan.objects import build
from agentschedule.plan.schedule.trigger import TriggerDecision, decide_trigger
from agentschedule.plan.spec.overrides import overrides_of, with_overrides
from agentschedule.plan.spec.validate import validate
from tests.unit.builders import a_cronjob, a_job, a_run, a_schedule, at, observed

Body = dict[str, Any]
ALL = [field.value for field in Override]
SPEC: Body = {"message": "Only $5.", "params": {"region": "apac"}, "model": "big", "timeoutSeconds": 60}
ANNOTATIONS = {"message": names.ANNOTATION_TRIGGER_MESSAGE, "params": names.ANNOTATION_TRIGGER_PARAMS}


def allowing(*fields: str, **spec: Any) -> AgentSchedule:
    return a_schedule(manualRuns={"allowOverrides": list(fields)}, **spec)


def asked(schedule: AgentSchedule, run: ScheduleRun) -> Rejection | None:
    return rejection(schedule, validate(schedule), observed(a_cronjob()), overrides_of(run.spec))


def token(fields: list[str], **texts: str) -> TriggerDecision:
    """What becomes of a token with annotations beside it."""
    annotations = {names.ANNOTATION_TRIGGER: "1"} | {ANNOTATIONS[field]: text for field, text in texts.items()}
    schedule = a_schedule(annotations=annotations, manualRuns={"allowOverrides": fields})
    found = decide_trigger(schedule, validate(schedule), observed(a_cronjob()), at("07:45:00"))
    assert found
    return found


def rejected(step: TriggerDecision) -> tuple[str, str]:
    assert step.action is None
    assert step.answer
    assert step.answer.outcome is TriggerOutcome.REJECTED
    return step.answer.reason, step.answer.message


def job_of(schedule: AgentSchedule, run: ScheduleRun) -> tuple[Body, dict[str, str]]:
    pod: Body = build.manual_job(schedule, run)["spec"]["template"]["spec"]
    return pod, {item["name"]: item.get("value", "") for item in pod["containers"][0]["env"]}


def test_a_run_gets_what_it_says_and_the_schedule_stays_as_it_is() -> None:
    schedule = allowing(*ALL, message="Summarise.", params={"region": "emea"}, timeoutSeconds=900)
    before = schedule.wire()
    pod, env = job_of(schedule, a_run(spec=SPEC))
    assert (env[Env.MESSAGE], env[Env.PARAMS], env[Env.MODEL]) == ("Only $$5.", '{"region":"apac"}', "big")
    assert (env[Env.TIMEOUT_SECONDS], pod["activeDeadlineSeconds"]) == ("60", 60)
    assert schedule.wire() == before


def test_a_run_that_says_nothing_is_the_schedule_s_own() -> None:
    schedule = allowing(message="Summarise.", params={"region": "emea"})
    assert with_overrides(schedule, a_run()) == schedule
    assert asked(schedule, a_run()) is None


def test_a_message_takes_the_place_of_the_one_from_a_config_map_and_an_empty_one_too() -> None:
    schedule = allowing("message", messageFrom={"configMapKeyRef": {"name": "prompts", "key": "sales"}})
    for message in ("Only today.", ""):
        pod, env = job_of(schedule, a_run(spec={"message": message}))
        assert (env[Env.MESSAGE], env[Env.MESSAGE_FILE]) == (message, "")
        assert "volumes" not in pod


@pytest.mark.parametrize("field", ALL)
def test_nothing_is_taken_that_the_schedule_does_not_list(field: str) -> None:
    run = a_run(spec={field: SPEC[field]})
    others = [other for other in ALL if other != field]
    for schedule in (a_schedule(), allowing(), allowing(*others)):
        found = asked(schedule, run)
        assert found
        assert found.reason is Reason.OVERRIDE_NOT_ALLOWED
        assert found.message.endswith(f'add "{field}" to manualRuns.allowOverrides, or leave it out.')
    assert asked(allowing(field), run) is None


def test_what_is_not_allowed_is_said_at_once() -> None:
    found = asked(allowing("params"), a_run(spec=SPEC))
    assert found
    assert 'add "message" and "model" and "timeoutSeconds" to' in found.message
    assert "or leave them out" in found.message


def test_a_wrong_request_is_told_before_what_only_stands_in_its_way_now() -> None:
    schedule = a_schedule(suspend=True)
    found = rejection(schedule, validate(schedule), observed(a_cronjob(), a_job()), {Override.MESSAGE: "x"})
    assert found
    assert found.reason is Reason.OVERRIDE_NOT_ALLOWED


@pytest.mark.parametrize(
    ("params", "words"),
    [
        pytest.param({"text": "x" * 32_000}, "at most 32,000 fit", id="too long"),
        pytest.param(json.loads('{"a":' * 31 + "1" + "}" * 31), "more than 30 levels deep", id="too deep"),
    ],
)
def test_the_limits_of_the_schedule_s_params_hold_for_a_run_s(params: Body, words: str) -> None:
    found = asked(allowing("params"), a_run(spec={"params": params}))
    assert found
    assert found.reason is Reason.INVALID_OVERRIDE
    assert words in found.message
    assert rejected(token(["params"], params=json.dumps(params)))[0] == Reason.INVALID_OVERRIDE


def test_annotations_go_with_the_token_into_the_run() -> None:
    step = token(["message", "params"], message="Only today.", params='{"region": "apac", "n": [1, null]}')
    assert isinstance(step.action, CreateRun)
    spec = step.action.body["spec"]
    assert (spec["message"], spec["params"]) == ("Only today.", {"region": "apac", "n": [1, None]})


def test_an_empty_annotation_says_nothing() -> None:
    step = token([], message="", params="")
    assert isinstance(step.action, CreateRun)
    assert step.action.body["spec"].keys() == {"scheduleName", "trigger"}


@pytest.mark.parametrize("field", ["message", "params"])
def test_an_annotation_is_taken_only_where_the_schedule_lists_its_field(field: str) -> None:
    reason, message = rejected(token([], **{field: "not even JSON"}))
    assert reason == Reason.OVERRIDE_NOT_ALLOWED
    assert f'add "{field}" to manualRuns.allowOverrides' in message


@pytest.mark.parametrize("text", ["region=emea", "[1]", '"x"', "null", "1", "{", '{"a": NaN}', '{"a": "\\ud800"}', " "])
def test_params_that_are_no_json_object_get_an_example(text: str) -> None:
    reason, message = rejected(token(["params"], params=text))
    assert reason == Reason.INVALID_OVERRIDE
    assert """agentschedule.dev/trigger-params='{"region": "emea"}'""" in message


def test_a_message_in_an_annotation_is_as_long_as_a_schedule_s_at_most() -> None:
    reason, message = rejected(token(["message"], message="x" * 32_001))
    assert (reason, message) == (Reason.INVALID_OVERRIDE, "message is 32,001 characters; at most 32,000 fit.")
    assert token(["message"], message="x" * 32_000).action


def test_what_is_left_over_from_an_earlier_token_goes_with_the_next() -> None:
    annotations = {names.ANNOTATION_TRIGGER: "2", names.ANNOTATION_TRIGGER_MESSAGE: "Only today."}
    status = {"observedGeneration": 1, "handledTriggers": [child_names.short_hash("1")]}
    schedule = a_schedule(status, annotations, manualRuns={"allowOverrides": ["message"]})
    step = decide_trigger(schedule, validate(schedule), observed(a_cronjob()), at("07:45:00"))
    assert step
    assert isinstance(step.action, CreateRun)
    assert step.action.body["spec"]["message"] == "Only today."
