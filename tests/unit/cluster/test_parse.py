"""Objects as the API sends them: what is odd in one is left out, or costs that object alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agentschedule import names
from agentschedule.cluster import parse
from agentschedule.names import RunPhase
from agentschedule.plan.observed import FaultyRun, Unreadable
from tests.unit.bodies import (
    COUNTS,
    KEY,
    ODD_TIMES,
    Body,
    cronjob_body,
    job_body,
    pod_body,
    read_and_plan,
    read_back,
    run_body,
    schedule_body,
)
from tests.unit.builders import a_schedule

LAST_RUN = {"name": "report-0", "phase": "Retrying", "trigger": "Schedule"}
LAST_TRIGGER = {"token": "x", "time": "2026-03-01T00:00:00Z", "outcome": "Deferred", "reason": "Later"}
FINISHED = {"type": "Finished", "status": "True", "lastTransitionTime": "2026-03-01T00:00:00Z", "reason": "Expired"}
PROMPT = {"configMapKeyRef": {"name": "prompts", "key": "sales.md"}}


@pytest.mark.parametrize("text", [*ODD_TIMES, "soon"])
def test_a_job_with_an_odd_due_time_counts_as_a_manual_one(text: str) -> None:
    job = job_body({names.CRONJOB_TIMESTAMP: text})
    store, _ = read_and_plan(cronjobs=cronjob_body(), jobs=job, runs=run_body())
    assert [known.due for known in store.jobs.of(KEY)] == [None]


@pytest.mark.parametrize("text", [*ODD_TIMES, "soon"])
@pytest.mark.parametrize("annotation", [names.ANNOTATION_NOT_BEFORE, names.ANNOTATION_EFFECTIVE_FROM])
def test_an_odd_moment_in_an_annotation_of_a_cronjob_is_as_good_as_none(annotation: str, text: str) -> None:
    store, _ = read_and_plan(cronjobs=cronjob_body({annotation: text}))
    cronjob = store.cronjobs.last_of(KEY)
    assert cronjob is not None
    assert cronjob.not_before is None
    assert cronjob.in_force_since is None


@pytest.mark.parametrize("digits", [10, 30, 5_000])
def test_a_count_of_many_digits_in_an_annotation_is_as_good_as_none(digits: int) -> None:
    cronjob = cronjob_body({names.ANNOTATION_SPEC_GENERATION: "9" * digits})
    many = dict.fromkeys((names.INDEX_FAILURE_COUNT, names.INDEX_IGNORED_COUNT), "9" * digits)
    pod = pod_body({names.COMPLETION_INDEX: "0"} | many)
    run = run_body({"jobUID": "uid-of-report-1", "phase": "Pending"})
    store, statuses = read_and_plan(cronjobs=cronjob, jobs=job_body(), pods=pod, runs=run)
    assert [known.spec_generation for known in store.cronjobs.of(KEY)] == [None]
    assert [(known.attempt, known.ignored) for known in store.pods.of(KEY)] == [(1, 0)]
    assert statuses[-1]["attempt"] == 1


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("17", 17), ("-1", None), ("", None), (None, None), ("x", None)]
)
def test_a_count_in_an_annotation_is_a_small_number(text: str | None, number: int | None) -> None:
    assert parse.small_int(text, None) == number


@pytest.mark.parametrize("levels", [31, 300, 900, 5_000])
@pytest.mark.parametrize("pair", [('{"a":', "}"), ("[", "]")])
def test_a_job_with_deep_params_of_its_own_is_followed_without_them(pair: tuple[str, str], levels: int) -> None:
    inner = pair[0] * (levels - 1) + "1" + pair[1] * (levels - 1)
    run = run_body({"jobUID": "uid-of-report-1", "phase": "Pending"})
    _, statuses = read_and_plan(cronjobs=cronjob_body(), jobs=job_body(params=f'{{"x":{inner}}}'), runs=run)
    assert "params" not in statuses[-1].get("input", {})


def test_the_input_of_a_run_has_no_nulls_that_a_merge_patch_would_take_for_removals() -> None:
    params = {"a": None, "b": {"c": None, "d": 1, "e": {"f": None}}, "g": [None, 1], "h": False}
    job = parse.job(job_body(params=json.dumps(params)))
    assert job.input.params == {"b": {"d": 1, "e": {}}, "g": [None, 1], "h": False}
    assert parse.job(job_body(params='{"a": null}')).input.params is None
    assert parse.job(job_body(params="[1]")).input.params is None


@pytest.mark.parametrize("odd", [{"phase": "Retrying"}, {"lastRun": LAST_RUN}, {"lastTrigger": LAST_TRIGGER}])
def test_a_word_of_a_later_version_in_a_status_costs_no_counts(odd: Body) -> None:
    store, statuses = read_and_plan(schedule=schedule_body(COUNTS | odd), cronjobs=cronjob_body())
    known = store.schedule(KEY)
    assert known is not None
    assert known.status is not None
    assert known.status.handled_triggers == ("x",)
    assert statuses[-1]["counts"]["due"] >= 7


def test_a_status_is_kept_beside_a_spec_that_cannot_be_read() -> None:
    store, statuses = read_and_plan(schedule=schedule_body(COUNTS | {"phase": "Retrying"}, startAt="soon"))
    known = store.schedule(KEY)
    assert isinstance(known, Unreadable)
    assert "startAt" in known.problem
    assert statuses[-1]["counts"]["due"] == 7


def test_a_run_of_an_unknown_phase_is_followed_by_its_job() -> None:
    attempts = [{"attempt": 1, "pod": "x", "phase": "Resting"}]
    run = run_body({"jobUID": "uid-of-report-1", "phase": "Resting", "attempts": attempts})
    pod = pod_body({})
    _, statuses = read_and_plan(cronjobs=cronjob_body(), jobs=job_body(), pods=pod, runs=run)
    assert statuses[-1]["phase"] == RunPhase.PENDING


@pytest.mark.parametrize(
    "odd",
    [
        {"timeoutSeconds": 10**9},
        {"timeoutSeconds": "1h"},
        {"message": ["x"]},
        {"params": "x"},
        {"params": [1]},
        {"model": {"name": "m"}},
        {"message": "x" * 1_000_000},
    ],
    ids=lambda odd: str(odd)[:30],
)
def test_a_run_whose_spec_cannot_be_read_ends_with_a_sentence(odd: Body) -> None:
    run = run_body({}, trigger="Manual", **odd)
    (field,) = odd
    store, statuses = read_and_plan(cronjobs=cronjob_body(), runs=run)
    (known,) = store.runs.of(KEY)
    assert isinstance(known, FaultyRun)
    assert (statuses[-1]["phase"], statuses[-1]["reason"]) == ("Skipped", "InvalidSpec")
    assert statuses[-1]["message"].startswith(f"spec.{field}: ")
    assert statuses[-1]["message"].endswith("make a new run.")


def test_a_run_whose_job_is_at_work_is_followed_whatever_its_spec() -> None:
    run = run_body({"jobUID": "uid-of-report-1", "phase": "Running"}, timeoutSeconds=10**9)
    _, statuses = read_and_plan(cronjobs=cronjob_body(), jobs=job_body(), pods=pod_body({}), runs=run)
    assert statuses[-1]["phase"] == RunPhase.PENDING


@pytest.mark.parametrize(
    "status",
    [
        pytest.param({"phase": "Queued"}, id="it may not have begun"),
        pytest.param({"phase": "Expired", "jobUID": "gone", "conditions": [FINISHED]}, id="it has ended"),
        pytest.param({"phase": "Succeeded", "completionTime": "soon"}, id="its end cannot be read"),
    ],
)
def test_a_run_of_an_unknown_phase_without_a_job_to_follow_is_left_alone(status: Body) -> None:
    store, _ = read_and_plan(cronjobs=cronjob_body(), runs=run_body(status, trigger="Manual"))
    assert not store.runs.of(KEY)


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
