"""How much is kept of an object is for the operator to say, not for whoever writes it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from agentschedule import names
from agentschedule.api.policies import MAX_TEXT
from agentschedule.cluster import parse, slim
from agentschedule.plan.observed import FaultyRun, Unreadable
from tests.unit.bodies import KEY, Body, nested, read_and_plan, run_body, schedule_body

LARGE = "x" * 1_350_000
ENDED: Body = {
    "phase": "Succeeded",
    "jobUID": "one",
    "completionTime": "2026-03-02T08:00:00Z",
    "sessionID": "s",
    "output": {"content": LARGE},
    "requirements": [{"a": LARGE}],
    "input": {"params": {"a": LARGE}},
}


def size(item: Any) -> int:
    return len(orjson.dumps(item.model_dump(mode="json")))


def manual(status: Body | None = None, **spec: Any) -> Body:
    return run_body(status, trigger="Manual", **spec)


def test_of_a_run_that_has_ended_stays_what_it_is_counted_by() -> None:
    run = parse.run(manual(ENDED, params={"a": LARGE}, message="m"))
    assert size(run) < 4_000
    assert run.status is not None
    assert (run.status.job_uid, run.status.session_id, run.status.output) == ("one", "s", None)
    assert run.final


@pytest.mark.parametrize(
    ("params", "words"),
    [
        pytest.param({"a": LARGE}, "params is too large: at most 32,000", id="too long"),
        pytest.param({"a": [{}] * 450_000}, "params is too large: at most 32,000", id="too many"),
        pytest.param({"a": "x" * (MAX_TEXT - 7)}, "params is too large: at most 32,000", id="by one character"),
        pytest.param(nested(31), "params is nested more than 30 levels deep", id="too deep"),
        pytest.param(nested(900), "params is nested more than 30 levels deep", id="deeper than is measured"),
    ],
)
def test_a_run_that_brings_too_much_is_skipped_with_a_sentence_and_not_kept_whole(params: Body, words: str) -> None:
    run = parse.run(manual(params=params))
    assert isinstance(run, FaultyRun)
    assert run.spec.params is None
    assert size(run) < 4_000
    _, statuses = read_and_plan(runs=manual(params=params))
    assert (statuses[-1]["phase"], statuses[-1]["reason"]) == ("Skipped", "InvalidOverride")
    assert statuses[-1]["message"].startswith(words)


@pytest.mark.parametrize("params", [{"a": "x" * (MAX_TEXT - 8)}, {"a": "ü" * (MAX_TEXT - 8)}, nested(30)])
def test_what_is_within_the_limits_is_kept(params: Body) -> None:
    assert parse.run(manual(params=params)).spec.params == params


def test_others_labels_and_annotations_are_not_kept() -> None:
    body = manual()
    ours = {names.ANNOTATION_TOKEN: "t"}
    body["metadata"] |= {"annotations": ours | {"note": LARGE}, "labels": {f"l{n}": "x" for n in range(50_000)}}
    run = parse.run(body)
    assert run.metadata.annotations == ours
    assert run.metadata.labels == {}


def test_an_object_with_owners_beyond_number_is_left_alone() -> None:
    body = manual()
    body["metadata"]["ownerReferences"] *= slim.MAX_OWNERS + 1
    store, _ = read_and_plan(runs=body)
    assert not store.runs.of(KEY)


def test_a_schedule_beyond_all_measure_is_invalid_with_a_sentence_and_not_kept() -> None:
    found = parse.schedule(schedule_body(message=LARGE))
    assert isinstance(found, Unreadable)
    assert found.problem.startswith("spec is 1,318 KiB of JSON; at most 256 fit: put large data")


def test_an_agent_with_thousands_of_parts_is_invalid_with_a_sentence() -> None:
    body = schedule_body()
    body["spec"]["agent"]["env"] = [{"name": f"VARIABLE_{number}"} for number in range(5_000)]
    found = parse.schedule(body)
    assert isinstance(found, Unreadable)
    assert found.problem.startswith("agent is 121 KiB of JSON; at most 64 fit: put large data")
