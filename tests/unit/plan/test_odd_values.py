"""One odd object must not stop the work on all others: it gets a sentence, or is left alone."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web

from agentschedule import names
from agentschedule.api.base import rfc3339
from agentschedule.api.schedule import AgentSchedule
from agentschedule.cluster import parse, resources
from agentschedule.cluster.client import Client
from agentschedule.cluster.store import Key, Store
from agentschedule.errors import ClusterError
from agentschedule.names import Env, RunPhase, SchedulePhase
from agentschedule.plan.actions import CreateCronJob, UpdateCronJob
from agentschedule.plan.answers import WaitingReason
from agentschedule.plan.objects import build
from agentschedule.plan.observed import Unreadable
from agentschedule.plan.run.plan import plan_run
from agentschedule.plan.schedule.plan import plan_schedule
from agentschedule.plan.schedule.records import missing_records
from agentschedule.plan.spec.timing import timing
from agentschedule.plan.spec.validate import validate
from tests.unit.builders import a_schedule, unexplained

Body = dict[str, Any]
KEY = Key("analytics", "report")
NOW = datetime(2026, 3, 2, 8, 0, 30, tzinfo=UTC)
FAR = "9999-12-31T23:59:59-01:00"
ODD_TIMES = [
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+01:00",
    "0000-01-01T00:00:00Z",
    "1969-12-31T23:59:00Z",
    "9000-01-01T00:00:00Z",
    "9999-12-31T23:59:00Z",
    "9999-12-31T23:59:59.5Z",
    FAR,
    "2026-01-01T00:00:00+99:99",
]
EDGE_TIMES = ["1970-01-01T00:00:00Z", "8999-12-31T23:59:00Z"]


def nested(levels: int, key: str = "a") -> Body:
    """Objects in each other, so many deep."""
    value: Body = {}
    for _ in range(levels - 1):
        value = {key: value}
    return value


def meta(name: str, **more: Any) -> Body:
    return {
        "name": name,
        "namespace": KEY.namespace,
        "uid": f"uid-of-{name}",
        "resourceVersion": "5",
        "generation": 1,
        "creationTimestamp": "2026-03-01T00:00:00Z",
        **more,
    }


def schedule_body(status: Body | None = None, **spec: Any) -> Body:
    agent = {"image": "agent.test/none:1"}
    when = {} if {"interval", "runAt"} & spec.keys() else {"schedule": "0 * * * *"}
    return {
        "metadata": meta(KEY.schedule),
        "spec": {"agent": agent, **when, **spec},
        "status": {"observedGeneration": 1} if status is None else status,
    }


def cronjob_body(annotations: dict[str, str] | None = None, **status: Any) -> Body:
    schedule = a_schedule()
    body = build.cronjob(schedule, timing(schedule.spec, "analytics/report"), suspend=False)
    return as_stored(body, annotations or {}) | {"status": {"lastScheduleTime": "2026-03-02T08:00:00Z", **status}}


def as_stored(body: Body, annotations: dict[str, str]) -> Body:
    """A CronJob as the API gives it back."""
    given = body["metadata"]
    owners = [{"uid": f"uid-of-{KEY.schedule}", "controller": True}]
    merged = given["annotations"] | annotations
    kept = meta(KEY.schedule, uid="cronjob-uid", labels=given["labels"], annotations=merged, ownerReferences=owners)
    return body | {"metadata": kept}


def written(action: CreateCronJob | UpdateCronJob, version: int) -> Body:
    """The CronJob after such a write, with its mark."""
    body = as_stored(action.body, {names.ANNOTATION_SPEC_GENERATION: "1"})
    body["metadata"]["resourceVersion"] = str(version)
    ahead = action.not_before if isinstance(action, UpdateCronJob) else None
    return body | {"status": {"lastScheduleTime": rfc3339(max(ahead or NOW, NOW))}}


def job_body(annotations: dict[str, str] | None = None, params: str | None = None) -> Body:
    env = [{"name": Env.PARAMS.value, "value": params}] if params is not None else []
    return {
        "metadata": meta(
            "report-1",
            labels={names.LABEL_SCHEDULE: KEY.schedule},
            annotations=annotations or {},
            ownerReferences=[{"uid": "cronjob-uid", "controller": True}],
        ),
        "spec": {"template": {"spec": {"containers": [{"name": names.AGENT_CONTAINER, "env": env}]}}},
    }


def pod_body(annotations: dict[str, str]) -> Body:
    return {
        "metadata": meta(
            "report-1-0-x",
            labels={names.LABEL_SCHEDULE: KEY.schedule},
            annotations=annotations,
            ownerReferences=[{"uid": "uid-of-report-1", "controller": True}],
        ),
        "spec": {},
        "status": {"phase": "Running"},
    }


def run_body(status: Body | None = None, **spec: Any) -> Body:
    reference = {"apiVersion": names.API_VERSION, "kind": names.SCHEDULE_KIND, "name": KEY.schedule}
    owner = reference | {"uid": f"uid-of-{KEY.schedule}", "controller": True}
    body = {
        "metadata": meta("report-1", ownerReferences=[owner]),
        "spec": {"scheduleName": KEY.schedule, "trigger": "Schedule", **spec},
    }
    return body | ({"status": status} if status else {})


# Nobody knows why a Job or pod waits.
NO_EVENTS = tuple(WaitingReason(f"uid-of-report-1{rest}", "") for rest in ("", "-0-x"))


def play(*, schedule: Body | None = None, **bodies: Body) -> tuple[Store, list[Body]]:
    """Everything into the store, and each plan down to the bytes that would be sent; returns the statuses."""
    store = Store()
    store.schedules.put(schedule or schedule_body())
    for table, body in bodies.items():
        getattr(store, table).put(body)
    statuses = []
    for version in range(6, 10):
        known = store.schedule(KEY)
        if known is None:
            break
        plan = plan_schedule(known, unexplained(store.observed(KEY)), NOW)
        statuses += sent(plan.status)
        for action in plan.actions:
            orjson.dumps(getattr(action, "body", {}))
            if isinstance(action, CreateCronJob | UpdateCronJob):
                store.cronjobs.put(written(action, version))
    world = replace(store.observed(KEY), answers=NO_EVENTS)
    for run in store.runs.of(KEY):
        statuses += sent(plan_run(run, store.schedule(KEY), world, NOW).status)
    return store, statuses


def sent(status: Any) -> list[Body]:
    return [orjson.loads(orjson.dumps(status.wire()))] if status else []


def problem(**spec: Any) -> str:
    """What the operator says against a schedule."""
    store, statuses = play(schedule=schedule_body(**spec))
    known = store.schedule(KEY)
    assert known is not None
    assert not store.cronjobs.of(KEY)
    assert statuses[-1]["phase"] == SchedulePhase.INVALID
    return validate(known).message


@pytest.mark.parametrize("text", ODD_TIMES)
@pytest.mark.parametrize("field", ["startAt", "endAt", "runAt"])
def test_a_moment_beyond_the_calendar_gets_a_sentence_that_names_its_field(field: str, text: str) -> None:
    assert field in problem(**{field: text})


@pytest.mark.parametrize("text", [text for text in ODD_TIMES if "99:99" not in text])
def test_an_interval_does_not_start_beyond_the_calendar(text: str) -> None:
    assert "startAt" in problem(interval="99999h", startAt=text)


@pytest.mark.parametrize("text", EDGE_TIMES)
@pytest.mark.parametrize("field", ["startAt", "endAt", "runAt"])
@pytest.mark.parametrize("when", ["schedule", "interval"])
def test_the_first_and_the_last_moment_of_the_calendar_are_kept(when: str, field: str, text: str) -> None:
    more: Body = {"interval": "99999h"} if when == "interval" and field != "runAt" else {}
    store, statuses = play(schedule=schedule_body(**(more | {field: text})))
    assert statuses
    assert statuses[-1]["phase"] != SchedulePhase.INVALID
    cronjob = store.cronjobs.last_of(KEY)
    known = store.schedule(KEY)
    assert isinstance(known, AgentSchedule)
    if cronjob is not None:
        assert cronjob.not_before == timing(known.spec, "x").not_before, "what we write is what we read"


@pytest.mark.parametrize("text", ["0000-01-01T00:00:00Z", "2026-01-01T00:00:00+99:99", FAR, "soon"])
def test_a_run_whose_due_time_cannot_be_read_is_left_alone(text: str) -> None:
    store, statuses = play(runs=run_body(scheduledTime=text))
    assert not store.runs.of(KEY)
    assert statuses


@pytest.mark.parametrize("text", [*ODD_TIMES, "soon"])
def test_a_job_with_an_odd_due_time_counts_as_one_by_hand(text: str) -> None:
    job = job_body({names.CRONJOB_TIMESTAMP: text})
    store, _ = play(cronjobs=cronjob_body(), jobs=job, runs=run_body())
    assert [known.due for known in store.jobs.of(KEY)] == [None]


@pytest.mark.parametrize("text", [*ODD_TIMES, "soon"])
@pytest.mark.parametrize("annotation", [names.ANNOTATION_NOT_BEFORE, names.ANNOTATION_EFFECTIVE_FROM])
def test_an_odd_moment_in_an_annotation_of_a_cronjob_is_as_good_as_none(annotation: str, text: str) -> None:
    store, _ = play(cronjobs=cronjob_body({annotation: text}))
    cronjob = store.cronjobs.last_of(KEY)
    assert cronjob is not None
    assert cronjob.not_before is None
    assert cronjob.in_force_since is None


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59Z", "0002-01-01T00:00:00Z", "0001-01-01T00:00:00Z"])
def test_an_odd_mark_of_a_cronjob_stops_nothing(text: str) -> None:
    play(cronjobs=cronjob_body(lastScheduleTime=text))


@pytest.mark.parametrize("digits", [10, 30, 5_000])
def test_a_count_of_many_digits_in_an_annotation_is_as_good_as_none(digits: int) -> None:
    cronjob = cronjob_body({names.ANNOTATION_SPEC_GENERATION: "9" * digits})
    many = dict.fromkeys((names.INDEX_FAILURE_COUNT, names.INDEX_IGNORED_COUNT), "9" * digits)
    pod = pod_body({names.COMPLETION_INDEX: "0"} | many)
    run = run_body({"jobUID": "uid-of-report-1", "phase": "Pending"})
    store, statuses = play(cronjobs=cronjob, jobs=job_body(), pods=pod, runs=run)
    assert [known.spec_generation for known in store.cronjobs.of(KEY)] == [None]
    assert [(known.attempt, known.ignored) for known in store.pods.of(KEY)] == [(1, 0)]
    assert statuses[-1]["attempt"] == 1


def test_a_pod_that_a_job_has_adopted_is_no_attempt() -> None:
    """Kubernetes adopts any pod whose labels fit, and counts none without an index."""
    run = run_body({"jobUID": "uid-of-report-1", "phase": "Pending"})
    _, statuses = play(cronjobs=cronjob_body({}), jobs=job_body(), pods=pod_body({}), runs=run)
    assert all("attempts" not in status for status in statuses)


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("17", 17), ("-1", None), ("", None), (None, None), ("x", None)]
)
def test_a_count_in_an_annotation_is_a_small_number(text: str | None, number: int | None) -> None:
    assert parse.small_int(text, None) == number


@pytest.mark.parametrize("levels", [31, 254, 300, 990, 5_000])
def test_params_that_nest_too_deep_get_a_sentence(levels: int) -> None:
    assert "params is nested more than 30 levels deep" in problem(params=nested(levels))


def test_params_of_thirty_levels_are_taken() -> None:
    store, _ = play(schedule=schedule_body(params=nested(30)))
    assert store.cronjobs.of(KEY)


@pytest.mark.parametrize("levels", [51, 254, 300, 990, 5_000])
@pytest.mark.parametrize("where", ["podTemplate", "container", "volumes", "env"])
def test_a_pod_that_nests_too_deep_gets_a_sentence(where: str, levels: int) -> None:
    deep = nested(levels)
    agents: dict[str, Body] = {
        "podTemplate": {"podTemplate": {"spec": {"affinity": deep}}},
        "container": {"podTemplate": {"spec": {"containers": [{"name": "agent", "lifecycle": deep}]}}},
        "volumes": {"volumes": [deep]},
        "env": {"env": [{"name": "X", "valueFrom": deep}]},
    }
    assert "agent is nested more than 50 levels deep" in problem(agent={"image": "x"} | agents[where])


def test_a_pod_of_forty_levels_is_taken() -> None:
    template = {"spec": {"affinity": nested(40)}}
    store, _ = play(schedule=schedule_body(agent={"image": "x", "podTemplate": template}))
    assert store.cronjobs.of(KEY)


@pytest.mark.parametrize("levels", [31, 300, 900, 5_000])
@pytest.mark.parametrize("pair", [('{"a":', "}"), ("[", "]")])
def test_a_job_with_deep_params_of_its_own_is_followed_without_them(pair: tuple[str, str], levels: int) -> None:
    inner = pair[0] * (levels - 1) + "1" + pair[1] * (levels - 1)
    run = run_body({"jobUID": "uid-of-report-1", "phase": "Pending"})
    _, statuses = play(cronjobs=cronjob_body(), jobs=job_body(params=f'{{"x":{inner}}}'), runs=run)
    assert "params" not in statuses[-1].get("input", {})


def test_the_input_of_a_run_has_no_nulls_that_a_merge_patch_would_take_for_removals() -> None:
    params = {"a": None, "b": {"c": None, "d": 1, "e": {"f": None}}, "g": [None, 1], "h": False}
    job = parse.job(job_body(params=json.dumps(params)))
    assert job.input.params == {"b": {"d": 1, "e": {}}, "g": [None, 1], "h": False}
    assert parse.job(job_body(params='{"a": null}')).input.params is None
    assert parse.job(job_body(params="[1]")).input.params is None


COUNTS: Body = {"observedGeneration": 1, "counts": {"due": 7, "started": 7}, "handledTriggers": ["x"]}
LAST_RUN = {"name": "report-0", "phase": "Retrying", "trigger": "Schedule"}
LAST_TRIGGER = {"token": "x", "time": "2026-03-01T00:00:00Z", "outcome": "Deferred", "reason": "Later"}


@pytest.mark.parametrize("odd", [{"phase": "Retrying"}, {"lastRun": LAST_RUN}, {"lastTrigger": LAST_TRIGGER}])
def test_a_word_of_a_later_version_in_a_status_costs_no_counts(odd: Body) -> None:
    store, statuses = play(schedule=schedule_body(COUNTS | odd), cronjobs=cronjob_body())
    known = store.schedule(KEY)
    assert known is not None
    assert known.status is not None
    assert known.status.handled_triggers == ("x",)
    assert statuses[-1]["counts"]["due"] >= 7


def test_a_status_is_kept_beside_a_spec_that_cannot_be_read() -> None:
    store, statuses = play(schedule=schedule_body(COUNTS | {"phase": "Retrying"}, startAt="soon"))
    known = store.schedule(KEY)
    assert isinstance(known, Unreadable)
    assert "startAt" in known.problem
    assert statuses[-1]["counts"]["due"] == 7


@pytest.mark.parametrize("spec", [{}, {"startAt": "soon"}], ids=["a good spec", "an odd spec"])
@pytest.mark.parametrize("odd", [{"counts": {"due": "many"}}, {"handledTriggers": 5}, {"accountedThrough": FAR}])
def test_a_schedule_whose_counts_cannot_be_read_is_left_alone(
    odd: Body, spec: Body, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store()
    for version in ("5", "6"):
        body = schedule_body(COUNTS | odd, **spec)
        body["metadata"]["resourceVersion"] = version
        assert store.schedules.put(body) is None
    assert store.schedule(KEY) is None
    assert [record.getMessage() for record in caplog.records] == [
        "cannot read agentschedules analytics/report: it is left alone"
    ], "said once"
    assert caplog.records[0].levelname == "ERROR"
    assert caplog.records[0].exc_info, "with the reason"


def test_what_was_put_aside_is_taken_in_once_it_can_be_read() -> None:
    store = Store()
    assert store.schedules.put(schedule_body({"counts": {"due": "many"}})) is None
    assert store.schedules.put(schedule_body()) == KEY


def test_what_was_known_of_an_object_stays_known_when_later_news_cannot_be_read() -> None:
    store = Store()
    store.schedules.put(schedule_body())
    body = schedule_body({"counts": {"due": "many"}})
    body["metadata"]["resourceVersion"] = "6"
    assert store.schedules.put(body) is None
    assert store.schedule(KEY) is not None


def test_a_run_of_an_unknown_phase_is_followed_by_its_job() -> None:
    attempts = [{"attempt": 1, "pod": "x", "phase": "Resting"}]
    run = run_body({"jobUID": "uid-of-report-1", "phase": "Resting", "attempts": attempts})
    pod = pod_body({})
    _, statuses = play(cronjobs=cronjob_body(), jobs=job_body(), pods=pod, runs=run)
    assert statuses[-1]["phase"] == RunPhase.PENDING


FINISHED = {"type": "Finished", "status": "True", "lastTransitionTime": "2026-03-01T00:00:00Z", "reason": "Expired"}


@pytest.mark.parametrize(
    "status",
    [
        pytest.param({"phase": "Queued"}, id="it may not have begun"),
        pytest.param({"phase": "Expired", "jobUID": "gone", "conditions": [FINISHED]}, id="it has ended"),
        pytest.param({"phase": "Succeeded", "completionTime": FAR}, id="its end cannot be read"),
    ],
)
def test_a_run_of_an_unknown_phase_without_a_job_to_follow_is_left_alone(status: Body) -> None:
    store, _ = play(cronjobs=cronjob_body(), runs=run_body(status, trigger="Manual"))
    assert not store.runs.of(KEY)


@pytest.mark.parametrize("year", [1, 999, 2026, 9999])
def test_a_time_is_written_with_four_digits_for_the_year(year: int) -> None:
    assert rfc3339(datetime(year, 1, 2, 3, 4, 5, 999_999, tzinfo=UTC)) == f"{year:04}-01-02T03:04:05Z"


async def ask(raw: bytes, status: int = 200) -> tuple[list[Body], str]:
    """A list, of a server that answers with these bytes."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=raw, status=status)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        async with aiohttp.ClientSession() as session:
            return await Client(session, f"http://127.0.0.1:{runner.addresses[0][1]}").list(resources.SCHEDULES)
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("raw", [b"<html>", b"", b"[]", b"null", b"{}", b'{"metadata": null}', b'{"kind": "Status"}'])
def test_an_answer_that_is_no_list_is_an_error_of_the_cluster(raw: bytes) -> None:
    with pytest.raises(ClusterError, match=r"GET /apis/.*/agentschedules: "):
        asyncio.run(ask(raw))


def test_the_page_of_a_proxy_is_what_the_error_says() -> None:
    with pytest.raises(ClusterError, match="bad gateway"):
        asyncio.run(ask(b"<html>bad gateway", status=502))


@pytest.mark.parametrize("levels", [1_100, 9_000])
def test_a_deep_object_is_read_or_is_an_error_of_the_cluster(levels: int) -> None:
    deep = b'{"a":' * levels + b"1" + b"}" * levels
    try:
        bodies, _ = asyncio.run(ask(b'{"metadata":{"resourceVersion":"1"},"items":[' + deep + b"]}"))
    except ClusterError as error:
        said = str(error)
    else:
        said = f"{len(bodies)} object"
    assert "no JSON object" in said or said == "1 object"


@pytest.mark.parametrize(
    "due", ["2026-03-02T08:00:00Z", "2026-03-02T08:00:00.92Z", "2026-03-02T09:00:00.5+01:00", "soon"]
)
def test_a_job_is_recorded_once_whatever_its_annotation_says(due: str) -> None:
    store = Store()
    store.cronjobs.put(cronjob_body())
    store.jobs.put(job_body({names.CRONJOB_TIMESTAMP: due}))
    (create,) = missing_records(a_schedule(), store.observed(KEY))
    owned = create.body["metadata"] | {"uid": "r", "resourceVersion": "9", "creationTimestamp": "2026-03-02T08:00:02Z"}
    store.runs.put(create.body | {"metadata": owned})
    assert missing_records(a_schedule(), store.observed(KEY)) == []
