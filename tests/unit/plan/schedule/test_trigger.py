"""One answer for each token, as a table over what the schedule is and what is active."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from agentschedule import child_names, names
from agentschedule.api.schedule import AgentSchedule
from agentschedule.names import Reason, TriggerOutcome
from agentschedule.plan.actions import CreateRun
from agentschedule.plan.answers import RunNameTaken, RunRefused
from agentschedule.plan.manual_runs import rejection
from agentschedule.plan.objects import build
from agentschedule.plan.observed import Observed, Unreadable
from agentschedule.plan.schedule.trigger import REMEMBERED, TriggerDecision, decide_trigger
from agentschedule.plan.spec.validate import validate
from tests.unit.builders import NAME, SCHEDULE_UID, a_cronjob, a_job, a_run, a_schedule, at, listed, observed

NOW = at("07:45:00")
WORK = a_job("report-mine")
DONE = a_job("report-mine", succeeded=True)
SUSPENDED: dict[str, Any] = {"suspend": True, "suspendReason": "month's end"}
TOKEN = "1764000000"
RUN = child_names.triggered_run_name(NAME, SCHEDULE_UID, TOKEN)


def rows(*cases: tuple[Any, ...]) -> list[Any]:
    """Parameters, each named by its first column."""
    return [pytest.param(*case[1:], id=case[0]) for case in cases]


def triggered(status: dict[str, Any] | None = None, **spec: Any) -> AgentSchedule:
    return a_schedule(status, annotations={names.ANNOTATION_TRIGGER: TOKEN}, **spec)


def step(schedule: AgentSchedule | Unreadable, world: Observed) -> TriggerDecision | None:
    return decide_trigger(schedule, validate(schedule), world, NOW)


@pytest.mark.parametrize(
    ("schedule", "world"),
    rows(
        ("active", triggered(), observed(a_cronjob())),
        ("a finished Job", triggered(), observed(a_cronjob(active=listed(DONE)), DONE)),
        ("a run that ended", triggered(), observed(a_cronjob(), runs=(a_run(phase="Succeeded"),))),
        ("a run nobody has claimed", triggered(), observed(a_cronjob(), runs=(a_run(owner=None),))),
        ("Allow, and a Job at work", triggered(concurrencyPolicy="Allow"), observed(a_cronjob("Allow"), WORK)),
        ("Replace, and a Job at work", triggered(concurrencyPolicy="Replace"), observed(a_cronjob(), WORK)),
        (
            "suspended, and allowed",
            triggered(manualRuns={"whenInactive": "Allow"}, **SUSPENDED),
            observed(a_cronjob(suspend=True)),
        ),
        (
            "other tokens were handled",
            triggered({"observedGeneration": 1, "handledTriggers": ["abc"]}),
            observed(a_cronjob()),
        ),
    ),
)
def test_a_new_token_asks_for_a_run_named_after_it(schedule: AgentSchedule, world: Observed) -> None:
    found = step(schedule, world)
    assert found is not None
    assert found.answer is None
    assert isinstance(found.action, CreateRun)
    body = found.action.body
    assert body["metadata"]["name"] == RUN
    assert body["spec"] == {"scheduleName": NAME, "trigger": "Manual"}
    assert [(ref["uid"], ref["controller"]) for ref in body["metadata"]["ownerReferences"]] == [(SCHEDULE_UID, True)]


@pytest.mark.parametrize(
    ("schedule", "world", "reason", "words"),
    rows(
        ("first seen with it", triggered(status={}), observed(a_cronjob()), Reason.PRESENT_AT_CREATION, "restore"),
        (
            "first seen with it, and suspended",
            triggered(status={}, **SUSPENDED),
            observed(a_cronjob()),
            Reason.PRESENT_AT_CREATION,
            "restore",
        ),
        ("suspended", triggered(**SUSPENDED), observed(a_cronjob()), Reason.SCHEDULE_SUSPENDED, "month's end"),
        (
            "not valid",
            triggered(timeZone="Mars/Phobos"),
            observed(a_cronjob()),
            Reason.SCHEDULE_INVALID,
            "Mars/Phobos",
        ),
        ("no CronJob", triggered(), observed(None), Reason.SCHEDULE_NOT_READY, "no CronJob of its own"),
        (
            "a CronJob of somebody else",
            triggered(),
            observed(a_cronjob(controller_uid="other")),
            Reason.SCHEDULE_NOT_READY,
            "no CronJob of its own",
        ),
        ("a Job at work", triggered(), observed(a_cronjob(), WORK), Reason.ALREADY_RUNNING, "Run report-mine"),
        (
            "an active entry without a Job",
            triggered(),
            observed(a_cronjob(active=listed(WORK))),
            Reason.ALREADY_RUNNING,
            "A run",
        ),
        (
            "a run that waits for its Job",
            triggered(),
            observed(a_cronjob(), runs=(a_run("report-soon"),)),
            Reason.ALREADY_RUNNING,
            "Run report-soon",
        ),
        (
            "the run's name is somebody else's",
            triggered(),
            observed(a_cronjob(), runs=(a_run(RUN, owner="other"),)),
            Reason.NAME_TAKEN,
            "is not this schedule's",
        ),
    ),
)
def test_a_token_that_may_not_start_a_run_is_refused_for_good(
    schedule: AgentSchedule, world: Observed, reason: Reason, words: str
) -> None:
    found = step(schedule, world)
    assert found is not None
    assert found.action is None
    assert found.answer is not None
    assert (found.answer.outcome, found.answer.reason, found.answer.run) == (TriggerOutcome.REJECTED, reason, None)
    assert words in found.answer.message
    assert found.handled == (child_names.short_hash(TOKEN),)
    assert found.event is not None
    assert (found.event.warning, found.event.reason) == (True, Reason.TRIGGER_REJECTED)


@pytest.mark.parametrize(
    "schedule",
    rows(
        ("as it was", triggered()),
        ("first seen only now: the status was not written", triggered(status={})),
        ("suspended meanwhile", triggered(**SUSPENDED)),
    ),
)
def test_a_run_that_exists_is_the_answer_whatever_was_not_written(schedule: AgentSchedule) -> None:
    found = step(schedule, observed(a_cronjob(), runs=(a_run(RUN),)))
    assert found is not None
    assert found.action is None
    assert found.answer is not None
    assert (found.answer.outcome, found.answer.run) == (TriggerOutcome.ACCEPTED, RUN)
    assert found.event is not None
    assert (found.event.warning, found.event.reason) == (False, Reason.TRIGGER_ACCEPTED)


@pytest.mark.parametrize(
    "schedule",
    rows(
        ("no annotation", a_schedule()),
        (
            "a token that was handled",
            triggered({"observedGeneration": 1, "handledTriggers": [child_names.short_hash(TOKEN)]}),
        ),
        (
            "handled before others",
            triggered({"observedGeneration": 1, "handledTriggers": [child_names.short_hash(TOKEN), "x", "y"]}),
        ),
    ),
)
def test_there_is_nothing_to_answer(schedule: AgentSchedule) -> None:
    assert step(schedule, observed(a_cronjob())) is None


def test_the_last_tokens_are_remembered_and_the_oldest_forgotten() -> None:
    known = [f"token-{number}" for number in range(REMEMBERED)]
    found = step(triggered({"handledTriggers": known}), observed(a_cronjob()))
    assert found is not None
    assert found.handled == (*known[1:], child_names.short_hash(TOKEN))


def test_an_object_that_cannot_be_read_is_answered_too() -> None:
    schedule = triggered()
    found = step(Unreadable(schedule.metadata, schedule.status, "spec.schedule: missing"), observed(a_cronjob()))
    assert found is not None
    assert found.answer is not None
    assert found.answer.reason == Reason.SCHEDULE_INVALID
    assert "spec.schedule: missing" in found.answer.message


def test_a_run_name_is_fit_for_every_name_made_of_it() -> None:
    for number in range(200):
        name = child_names.triggered_run_name("r" * names.MAX_SCHEDULE_NAME, "uid", str(number))
        assert len(name) <= names.MAX_RUN_NAME
        assert not re.search(names.DUE_MINUTE_SUFFIX, name)


def test_a_run_is_not_in_its_own_way() -> None:
    schedule = a_schedule()
    assert rejection(schedule, validate(schedule), observed(a_cronjob()), {}) is None


def test_a_token_that_was_overwritten_before_its_answer_was_written_is_remembered() -> None:
    """Its run is there, and the annotation says something else by now."""
    meta = build.requested_run(a_schedule(), "first")["metadata"]
    run = a_run(meta["name"])
    metadata = run.metadata.model_copy(update={"annotations": meta["annotations"]})
    schedule = triggered(concurrencyPolicy="Forbid")

    answered = step(schedule, observed(cronjob=a_cronjob(), runs=(run.model_copy(update={"metadata": metadata}),)))

    assert answered
    assert child_names.short_hash("first") in answered.handled


def test_a_run_that_the_api_refuses_is_an_answer_in_its_words() -> None:
    world = replace(observed(cronjob=a_cronjob()), answers=(RunRefused(RUN, "exceeded quota"),))

    answered = step(triggered(), world)

    assert answered
    assert answered.answer
    assert answered.answer.outcome is TriggerOutcome.REJECTED
    assert "exceeded quota" in answered.answer.message


def test_a_token_whose_name_a_run_of_another_schedule_has_is_rejected() -> None:
    schedule = a_schedule(annotations={names.ANNOTATION_TRIGGER: "one"})
    taken = RunNameTaken(child_names.triggered_run_name(NAME, SCHEDULE_UID, "one"), "it exists")
    step = decide_trigger(schedule, validate(schedule), Observed(a_cronjob(), answers=(taken,)), NOW)
    assert step is not None
    assert step.answer is not None
    assert (step.answer.outcome, step.answer.reason) == (TriggerOutcome.REJECTED, Reason.NAME_TAKEN)
