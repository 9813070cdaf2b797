"""kubectl agentschedule next NAME: counted as the operator does."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agentschedule.api.base import rfc3339
from agentschedule.api.schedule import AgentSchedule
from agentschedule.cluster import parse
from agentschedule.names import ANNOTATION_EFFECTIVE_FROM
from agentschedule.plan.objects import build
from agentschedule.plan.observed import Observed
from agentschedule.plan.schedule.context import ScheduleContext
from agentschedule.plan.schedule.status import Findings, schedule_status
from agentschedule.plan.spec.validate import validate
from tests.unit.cli.world import Ended, Run, World

FROM = ("--from", "2026-12-24T18:00:00Z", "--count", "3")
NOT_YET = "The operator has not taken up the last edit yet: these are the times once it has.\n"


@pytest.fixture
def put(world: World) -> Callable[..., None]:
    """Puts analytics/daily on the cluster: the spec's timing, and the status (None: the operator has not seen it)."""

    def put(spec: dict[str, Any], status: dict[str, Any] | None, generation: int = 2) -> None:
        body: dict[str, Any] = {
            "metadata": {"name": "daily", "namespace": "analytics", "generation": 2},
            "spec": {"agent": {"image": "i"}} | spec,
        }
        if status is not None:
            known = {"observedGeneration": generation, "phase": "Active", "cronJob": "daily"}
            body["status"] = known | {"effectiveFrom": "2026-01-01T00:00:30Z"} | status
        world.schedules["analytics/daily"] = body

    return put


Put = Callable[..., None]


def times(ended: Ended) -> list[str]:
    assert (ended.code, ended.err) == (0, "")
    return [line.split()[0] for line in ended.out.splitlines() if not line.startswith(" ")]


def test_a_schedule_is_read_in_its_own_zone_and_with_its_own_h(run: Run, put: Put) -> None:
    put({"schedule": "H 8 * * *", "timeZone": "Europe/Berlin"}, {})
    offline = run("next", "H 8 * * *", "--for", "analytics/daily", "--time-zone", "Europe/Berlin", *FROM)
    assert run("next", "daily", *FROM) == offline
    assert run("next", "daily", "-n", "analytics", *FROM) == offline


def test_an_interval_counts_from_the_last_run_or_from_when_it_took_effect(run: Run, put: Put) -> None:
    put({"interval": "6h"}, {"effectiveFrom": "2026-12-24T13:00:07Z"})
    due = ["2026-12-24T19:00:07Z", "2026-12-25T01:00:07Z", "2026-12-25T07:00:07Z"]
    assert times(run("next", "daily", *FROM)) == due
    put({"interval": "6h"}, {"lastRunTime": "2026-12-24T17:30:00Z"})
    assert times(run("next", "daily", *FROM))[0] == "2026-12-24T23:30:00Z"


AGREE = [
    ({"schedule": "H 8 * * *"}, "2026-12-24T18:00:00", "2026-12-24T08:00:00"),
    ({"schedule": "30 2 * * *", "timeZone": "America/New_York"}, "2027-03-13T18:00:00", "2027-03-13T07:30:00"),
    ({"schedule": "*/7 1 * * *", "timeZone": "America/New_York"}, "2026-11-01T05:20:00", "2026-11-01T05:14:00"),
    ({"interval": "90m"}, "2026-12-24T18:00:00", "2026-12-24T16:30:00"),
    ({"interval": "6h", "startAt": "2026-12-26T08:00:00Z"}, "2026-12-24T18:00:00", "2026-12-26T08:00:00"),
    ({"schedule": "0 8 * * *", "endAt": "2026-12-26T08:00:00Z"}, "2026-12-24T18:00:00", "2026-12-24T08:00:00"),
    ({"runAt": "2026-12-25T06:00:00Z"}, "2026-12-24T18:00:00", "2026-12-25T05:59:59"),
]


@pytest.mark.parametrize("ran", [True, False], ids=["ran", "marked"])
@pytest.mark.parametrize("case", AGREE, ids=str)
def test_next_says_what_the_status_says(
    run: Run, world: World, put: Put, case: tuple[dict[str, Any], str, str], ran: bool
) -> None:
    spec, at, mark = case
    put(spec, {})
    body = world.schedules["analytics/daily"]
    now = datetime.fromisoformat(at + "Z")
    status = written(body, now, datetime.fromisoformat(mark + "Z"), ran=ran and mark < at)
    body["status"] = status
    assert status["nextRunTimes"]
    assert times(run("next", "daily", "--from", now.isoformat())) == status["nextRunTimes"]


def written(body: dict[str, Any], now: datetime, mark: datetime, *, ran: bool) -> dict[str, Any]:
    """The status that the operator writes, when the controller's mark is a run, or ours."""
    schedule = parse.schedule(body)
    timing = validate(schedule).timing
    assert timing is not None
    assert isinstance(schedule, AgentSchedule)
    cronjob = build.cronjob(schedule, timing, suspend=False)
    since = datetime(2026, 1, 1, tzinfo=UTC) if ran else mark
    cronjob["metadata"] |= {"uid": "c", "resourceVersion": "1", "creationTimestamp": rfc3339(since)}
    cronjob["metadata"]["ownerReferences"][0]["uid"] = schedule.metadata.uid
    cronjob["metadata"]["annotations"][ANNOTATION_EFFECTIVE_FROM] = rfc3339(since)
    cronjob["status"] = {"lastScheduleTime": rfc3339(mark)}
    case = ScheduleContext(schedule, validate(schedule), Observed(parse.cronjob(cronjob)), now)
    return schedule_status(schedule, Findings(case, case.close(final=False), None)).wire()


def test_an_interval_heeds_no_clock(run: Run, put: Put) -> None:
    put({"interval": "24h", "timeZone": "America/New_York"}, {"effectiveFrom": "2027-03-13T07:30:00Z"})
    ended = run("next", "daily", "--from", "2027-03-13T07:30:00Z", "--count", "2", "-o", "json")
    assert json.loads(ended.out) == {
        "namespace": "analytics",
        "name": "daily",
        "suspended": False,
        "schedule": "@every 24h",
        "timeZone": "America/New_York",
        "times": ["2027-03-14T07:30:00Z", "2027-03-15T07:30:00Z"],
        "clockChanges": [],
    }


def test_nothing_is_due_outside_of_the_window(run: Run, put: Put) -> None:
    window = {"startAt": "2026-12-26T08:00:00Z", "endAt": "2026-12-27T08:00:00Z"}
    put({"schedule": "0 8 * * *"} | window, {"phase": "Pending", "effectiveFrom": "2026-12-26T07:59:59Z"})
    assert times(run("next", "daily", *FROM)) == ["2026-12-26T08:00:00Z", "2026-12-27T08:00:00Z"]


def test_a_run_at_comes_once(run: Run, put: Put) -> None:
    put({"runAt": "2026-12-25T06:00:00Z"}, {"phase": "Pending", "effectiveFrom": "2026-12-25T05:59:59Z"})
    assert times(run("next", "daily", *FROM)) == ["2026-12-25T06:00:00Z"]
    put({"runAt": "2026-12-25T06:00:00Z"}, {"phase": "Completed"})
    assert run("next", "daily", *FROM) == Ended(0, "", "daily is completed: nothing is due any more.\n")


def test_a_suspended_schedule_says_so(run: Run, put: Put) -> None:
    put({"schedule": "0 8 * * *", "suspend": True, "suspendReason": "month's end"}, {"phase": "Suspended"})
    said = "daily is suspended (month's end): nothing is due until it is resumed.\n"
    assert run("next", "daily", *FROM) == Ended(0, "", said)
    answer = json.loads(run("next", "daily", *FROM, "-o", "json").out)
    assert (answer["suspended"], answer["times"]) == (True, [])


@pytest.mark.parametrize(("status", "generation"), [(None, 0), ({}, 1)], ids=["new", "edited"])
def test_what_the_operator_has_not_seen_yet_is_said(
    run: Run, put: Put, status: dict[str, Any] | None, generation: int
) -> None:
    put({"schedule": "0 8 * * *"}, status, generation)
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    ended = run("next", "daily", "--from", start.isoformat(), "--count", "1")
    assert (ended.code, ended.err) == (0, NOT_YET)
    assert datetime.fromisoformat(ended.out.split()[0]) > start


@pytest.mark.parametrize(
    ("spec", "status", "sentence"),
    [
        ({"schedule": "0 0 30 2 *"}, {}, "daily is not in force: schedule never fires within 5 years"),
        (
            {"schedule": "0 25 * * *"},
            {"resolvedSchedule": "0 8 * * *"},
            "hour '25' is out of range; write 0-23; the CronJob goes on by 0 8 * * *",
        ),
        ({"schedule": 5}, {}, "daily is not in force: spec.schedule: "),
        (
            {"schedule": "0 8 * * *"},
            {"cronJob": None, "conditions": [{"type": "Ready", "message": "A CronJob daily exists that is not ours."}]},
            "daily is not in force: A CronJob daily exists that is not ours",
        ),
        (
            {"schedule": "0 8 * * *"},
            {"phase": "Invalid", "conditions": [{"type": "Accepted", "message": "image: required."}]},
            "daily is not in force: image: required",
        ),
    ],
    ids=["never", "former", "type", "taken", "refused"],
)
def test_a_schedule_that_is_not_in_force_says_why(
    run: Run, put: Put, spec: dict[str, Any], status: dict[str, Any], sentence: str
) -> None:
    for condition in status.get("conditions", ()):
        condition |= {"status": "False", "reason": "R", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    put(spec, status)
    ended = run("next", "daily", *FROM)
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (1, "", 1)
    assert sentence in ended.err


@pytest.mark.usefixtures("world")
def test_a_name_that_is_not_there_is_named(run: Run) -> None:
    sentence = "error: there is no AgentSchedule 'weekly' in namespace 'analytics'\n"
    assert run("next", "weekly") == Ended(1, "", sentence)


@pytest.mark.parametrize("option", [("--time-zone", "Europe/Berlin"), ("--for", "analytics/daily")])
def test_a_name_has_a_zone_and_an_h_of_its_own(run: Run, option: tuple[str, str]) -> None:
    ended = run("next", "daily", *option)
    assert (ended.code, ended.out) == (2, "")
    assert "leave --time-zone and --for out" in ended.err
