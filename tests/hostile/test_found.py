"""What the fuzzer has found, or hostile people: each by its name, with what the operator makes of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from agentschedule import names
from agentschedule.api.bounds import EARLIEST, LATEST
from agentschedule.cluster.store import Key, Store
from agentschedule.plan.cron import ScheduleError, every_seconds, parse_live
from agentschedule.plan.schedule.plan import plan_schedule
from tests.hostile.odd import MOMENTS, nested
from tests.hostile.schemas import TIME, conforms
from tests.unit.bodies import (
    COUNTS,
    KEY,
    NOW,
    Body,
    cronjob_body,
    job_body,
    pod_body,
    read_and_plan,
    run_body,
    schedule_body,
)
from tests.unit.builders import unexplained

API_MOMENTS = [text for text in MOMENTS if conforms(TIME, text)]
FOLLOWED = {"jobUID": "uid-of-report-1", "phase": "Running"}


def with_spec(body: Body, **spec: Any) -> Body:
    return body | {"spec": body["spec"] | spec}


@pytest.mark.parametrize("seconds", [100_000_000_000, 2**63 - 1, -1, -(2**63), 0])
def test_a_deadline_of_any_length_can_be_taken_from_a_moment(seconds: int) -> None:
    store, statuses = read_and_plan(cronjobs=with_spec(cronjob_body(), startingDeadlineSeconds=seconds))
    assert store.cronjobs.of(KEY)
    assert statuses


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (f"@every 1.{'0' * 4301}h", 3600),
        (f"@every 1.{'9' * 4301}s", 1),
        (f"@every {'0' * 5000}1h", 3600),
        (f"@every 0.{'0' * 5000}1h", 1),
        ("@every .5h", 1800),
        ("@every 2562047h", 2_562_047 * 3600),
    ],
)
def test_a_duration_of_thousands_of_digits_is_read_as_go_reads_it(text: str, seconds: int) -> None:
    assert every_seconds(text) == seconds


@pytest.mark.parametrize("text", [f"@every {'9' * 5000}h", "@every 2562048h", "@every .h", "@every 1", "@every 1h1"])
def test_what_is_no_duration_is_told_in_a_short_sentence(text: str) -> None:
    with pytest.raises(ScheduleError) as told:
        every_seconds(text)
    assert len(str(told.value)) < 200


@pytest.mark.parametrize(
    "text", [f"@every 1.{'0' * 4301}h", f"{'0,' * 5000}0 * * * *", f"{'9' * 4400} * * * *", " " * 2000]
)
def test_a_schedule_that_is_longer_than_anybody_means_is_not_read_and_not_kept(text: str) -> None:
    with pytest.raises(ScheduleError):
        parse_live(text, "Etc/UTC")
    store, statuses = read_and_plan(cronjobs=with_spec(cronjob_body(), schedule=text))
    known = store.cronjobs.last_of(KEY)
    assert known
    assert len(known.schedule) < 1100
    assert statuses


def test_what_is_cut_of_a_long_schedule_is_not_taken_for_the_whole() -> None:
    text = f"0 8 * * 1{',1' * 1000},5"
    store = Store()
    store.cronjobs.put(with_spec(cronjob_body(), schedule=text))
    known = store.cronjobs.last_of(KEY)
    assert known
    with pytest.raises(ScheduleError):
        parse_live(known.schedule, "Etc/UTC")


@pytest.mark.parametrize("after", [LATEST, datetime(9984, 12, 31, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)])
def test_an_interval_of_centuries_ends_with_the_calendar(after: datetime) -> None:
    coming = parse_live("@every 2562047h", "Etc/UTC").between(after, datetime(9999, 12, 31, tzinfo=UTC))
    assert all(due.year < 9986 for due in coming)


@pytest.mark.parametrize("text", API_MOMENTS)
def test_no_moment_of_a_status_stops_a_decision(text: str) -> None:
    ended = {"reason": "Error", "exitCode": 1, "startedAt": text, "finishedAt": text}
    state = {
        "phase": "Failed",
        "startTime": text,
        "containerStatuses": [{"name": "agent", "state": {"terminated": ended}}],
    }
    condition = {"type": "Failed", "status": "True", "lastTransitionTime": text}
    attempt = {"attempt": 1, "pod": "x", "phase": "Running", "startTime": text, "completionTime": text}
    store, _ = read_and_plan(
        schedule=schedule_body(COUNTS | {"accountedThrough": text, "lastRunTime": text}),
        cronjobs=cronjob_body(lastScheduleTime=text),
        jobs=job_body() | {"status": {"startTime": text, "completionTime": text, "conditions": [condition]}},
        pods=pod_body({names.COMPLETION_INDEX: "0"}) | {"status": state},
        runs=run_body(FOLLOWED | {"startTime": text, "triggeredAt": text, "attempts": [attempt]}, scheduledTime=text),
    )
    assert all(table.of(KEY) for table in store.tables)


@pytest.mark.parametrize("text", API_MOMENTS)
def test_an_ended_run_of_no_schedule_goes_whenever_it_ended(text: str) -> None:
    store, _ = read_and_plan(runs=run_body({"phase": "Succeeded", "completionTime": text}))
    (run,) = store.runs.of(KEY)
    assert run.status
    assert run.status.completion_time
    assert EARLIEST <= run.status.completion_time <= LATEST


@pytest.mark.parametrize("levels", [300, 900])
@pytest.mark.parametrize("pair", ["{}", "[]"])
def test_what_nests_deep_in_a_run_s_status_costs_that_field_alone(pair: str, levels: int) -> None:
    deep = nested(levels, pair)
    run = run_body(FOLLOWED | {"requirements": [deep], "input": {"params": {"a": deep}}})
    store, statuses = read_and_plan(cronjobs=cronjob_body(), jobs=job_body(), runs=run)
    (known,) = store.runs.of(KEY)
    assert known.status
    assert known.status.job_uid == FOLLOWED["jobUID"]
    assert statuses


@pytest.mark.parametrize("number", [1e30, -1e30, 2**63 - 1, -(2**63), 1e300])
def test_a_count_of_any_size_goes_back_to_the_api(number: float) -> None:
    counts = dict.fromkeys(("due", "started", "skipped", "missed", "unknown", "succeeded", "failed", "manual"), number)
    status = {"observedGeneration": 1, "counts": counts, "consecutiveFailures": number, "active": number}
    attempts = [{"attempt": number, "pod": "x", "phase": "Failed", "exitCode": number}]
    run = run_body(FOLLOWED | {"attempt": number, "attempts": attempts, "usage": {"inputTokens": number}})
    store, statuses = read_and_plan(schedule=schedule_body(status), cronjobs=cronjob_body(), jobs=job_body(), runs=run)
    assert store.schedule(KEY)
    assert store.runs.of(KEY)
    assert statuses


def test_a_reference_of_a_cronjob_may_say_nothing() -> None:
    store, statuses = read_and_plan(cronjobs=cronjob_body(active=[{}, {"kind": "Job"}]))
    assert store.cronjobs.of(KEY)
    assert statuses


@pytest.mark.parametrize(
    ("table", "path", "value"),
    [
        ("jobs", "metadata.name", 5),
        ("cronjobs", "metadata.labels.x", {}),
        ("jobs", "status.conditions", "Failed"),
        ("jobs", "spec.suspend", "yes"),
        ("pods", "status.phase", ["Running"]),
        ("pods", "status.containerStatuses", [5]),
        ("cronjobs", "spec.schedule", 5),
        ("cronjobs", "spec.startingDeadlineSeconds", "soon"),
        ("cronjobs", "status.lastScheduleTime", "soon"),
    ],
)
def test_what_cannot_be_an_object_of_the_api_is_left_alone(table: str, path: str, value: Any) -> None:
    body = {"jobs": job_body(), "pods": pod_body({}), "cronjobs": cronjob_body()}[table]
    *way, last = path.split(".")
    place = body
    for step in way:
        place = place.setdefault(step, {})
    place[last] = value
    store = Store()
    assert getattr(store, table).put(body) is None


def test_nothing_counts_from_before_its_cronjob_was_made() -> None:
    """An annotation of 1970 would have a schedule of every minute counted through half a century."""
    store = Store()
    store.schedules.put(schedule_body({"observedGeneration": 1}, schedule="* * * * *", timeZone="Europe/Berlin"))
    since = {names.ANNOTATION_EFFECTIVE_FROM: "1970-01-01T00:00:00Z"}
    store.cronjobs.put(with_spec(cronjob_body(since), schedule="* * * * *", timeZone="Europe/Berlin"))
    cronjob = store.cronjobs.last_of(KEY)
    assert cronjob
    assert cronjob.effective_from == cronjob.created
    known = store.schedule(Key(*KEY))
    assert known
    plan_schedule(known, unexplained(store.observed(KEY)), NOW)
