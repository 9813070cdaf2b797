"""What the store believes: newer versions, and nothing of what is gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from agentschedule import names
from agentschedule.cluster.client import Page, Resource
from agentschedule.cluster.observe import refresh_cronjob, refresh_pods, refresh_schedule
from agentschedule.cluster.store import Key, Store, Table
from agentschedule.plan.observed import CronJob
from tests.unit.bodies import COUNTS, KEY, Body, job_body, pod_body, read_and_plan, run_body, schedule_body


@pytest.fixture
def table() -> Table[CronJob]:
    return Store().cronjobs


def a_cronjob(version: int, schedule: str = "0 8 * * *", labelled: bool = True, uid: str = "one") -> Body:
    return {
        "metadata": {
            "name": KEY.schedule,
            "namespace": KEY.namespace,
            "uid": uid,
            "resourceVersion": str(version),
            "creationTimestamp": "2026-03-01T00:00:00Z",
            "labels": {names.LABEL_SCHEDULE: KEY.schedule} if labelled else {},
        },
        "spec": {"schedule": schedule},
    }


def schedule_of(table: Table[CronJob]) -> str | None:
    known = table.last_of(KEY)
    return known.schedule if known else None


def test_an_older_version_never_replaces_a_newer_one(table: Table[CronJob]) -> None:
    assert table.put(a_cronjob(5, "0 5 * * *")) == KEY
    assert table.put(a_cronjob(4, "0 4 * * *")) is None
    assert table.put(a_cronjob(5, "0 4 * * *")) is None
    assert schedule_of(table) == "0 5 * * *"


@pytest.mark.parametrize(
    ("plural", "body", "change"),
    [
        ("cronjobs", a_cronjob(5), {"status": {"lastSuccessfulTime": "2026-03-02T08:00:30Z"}}),
        ("jobs", job_body(), {"status": {"active": 1, "ready": 1, "uncountedTerminatedPods": {}}}),
        ("pods", pod_body({}), {"status": {"podIP": "10.0.0.1", "qosClass": "BestEffort"}}),
        ("runs", run_body({"phase": "Running"}), {"metadata": {"managedFields": [{"manager": "somebody"}]}}),
        ("schedules", schedule_body(COUNTS), {"metadata": {"labels": {"argocd.argoproj.io/instance": "agents"}}}),
    ],
)
def test_what_no_decision_looks_at_is_no_news_and_its_version_is_known(plural: str, body: Body, change: Body) -> None:
    table: Any = getattr(Store(), plural)
    (changed,) = change
    later = body | {changed: body.get(changed, {}) | change[changed]}
    later["metadata"] = later["metadata"] | {"resourceVersion": "999"}
    assert table.put(body) == KEY
    assert table.put(later) is None
    (item,) = table.of(KEY)
    assert (item.metadata if hasattr(item, "metadata") else item).resource_version == "999"


def test_what_a_decision_looks_at_is_news() -> None:
    jobs, body = Store().jobs, job_body()
    jobs.put(body)
    suspended = body | {"metadata": body["metadata"] | {"resourceVersion": "999"}, "spec": {"suspend": True}}
    assert jobs.put(suspended) == KEY


def test_a_late_version_of_what_is_gone_is_not_believed(table: Table[CronJob]) -> None:
    table.put(a_cronjob(5))
    assert table.drop("one", version=7) == KEY
    assert table.put(a_cronjob(6)) is None
    assert schedule_of(table) is None
    assert not table.keys()


def test_what_only_lost_our_label_comes_back_when_it_is_asked_for(table: Table[CronJob]) -> None:
    table.put(a_cronjob(5))
    table.drop("one", version=6)  # the watch says DELETED, with the version of the edit
    assert table.put(a_cronjob(6, labelled=False)) == KEY
    assert table.is_unwatched(KEY)


def test_a_list_drops_what_it_should_show_and_does_not(table: Table[CronJob]) -> None:
    table.put(a_cronjob(5))
    assert table.drop_unlisted(set(), version=4) == set()  # made later than the list
    assert table.drop_unlisted(set(), version=5) == {KEY}
    assert table.put(a_cronjob(5)) is None
    assert table.put(a_cronjob(6, labelled=False)) == KEY  # it was not gone: it had lost its label


def test_a_list_says_nothing_about_what_it_never_shows(table: Table[CronJob]) -> None:
    table.put(a_cronjob(5, labelled=False))
    assert table.drop_unlisted(set(), version=9) == set()
    assert table.is_unwatched(KEY)
    table.drop("one")
    assert not table.is_unwatched(KEY)


def test_a_list_of_one_schedule_says_nothing_about_others(table: Table[CronJob]) -> None:
    table.put(a_cronjob(5))
    assert table.drop_unlisted(set(), version=9, within=Key("analytics", "other")) == set()
    assert table.drop_unlisted(set(), version=9, within=KEY) == {KEY}


def test_a_list_of_one_namespace_says_nothing_about_others(table: Table[CronJob]) -> None:
    table.put(a_cronjob(5))
    assert table.drop_unlisted(set(), 9, namespace="other") == set()
    assert table.drop_unlisted(set(), 9, namespace=KEY.namespace) == {KEY}


def test_of_two_of_a_name_the_later_counts(table: Table[CronJob]) -> None:
    table.put(a_cronjob(5, "0 5 * * *"))
    table.put(a_cronjob(6, "0 6 * * *", uid="two"))
    assert schedule_of(table) == "0 6 * * *"


@pytest.mark.parametrize("text", ["soon", "2026-01-01T00:00:60Z", "2026-13-01T00:00:00Z"])
def test_a_run_whose_due_time_cannot_be_read_gets_an_answer(text: str) -> None:
    _, statuses = read_and_plan(runs=run_body(scheduledTime=text, trigger="Manual"))
    assert [(status["phase"], status["reason"]) for status in statuses[-1:]] == [("Skipped", "InvalidSpec")]
    assert statuses[-1]["message"].startswith("spec.scheduledTime: ")


@pytest.mark.parametrize("spec", [{}, {"startAt": "soon"}], ids=["a good spec", "an odd spec"])
@pytest.mark.parametrize("odd", [{"counts": {"due": "many"}}, {"handledTriggers": 5}, {"accountedThrough": "soon"}])
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


def test_what_was_known_of_an_object_stays_known_when_a_later_version_cannot_be_read() -> None:
    store = Store()
    store.schedules.put(schedule_body())
    body = schedule_body({"counts": {"due": "many"}})
    body["metadata"]["resourceVersion"] = "6"
    assert store.schedules.put(body) is None
    assert store.schedule(KEY) is not None


def test_a_body_of_another_kind_never_gets_in(table: Table[CronJob]) -> None:
    assert table.put(a_cronjob(5) | {"kind": "AgentSchedule"}) is None
    assert table.put(a_cronjob(5) | {"kind": "CronJob"}) == KEY


def test_what_is_anothers_by_its_label_is_never_put_under_the_schedule_that_asked() -> None:
    jobs = Store().jobs
    foreign = job_body()
    foreign["metadata"]["labels"] = {names.LABEL_SCHEDULE: "other"}
    assert jobs.put(foreign, schedule=KEY.schedule) == Key(KEY.namespace, "other")
    assert not jobs.of(KEY)


def test_a_list_heals_what_is_in_the_wrong_place() -> None:
    """However it came there, the same version of the object says whose it is."""
    jobs = Store().jobs
    unlabelled = job_body()
    unlabelled["metadata"]["labels"] = {}
    assert jobs.put(unlabelled, schedule="wrong") == Key(KEY.namespace, "wrong")
    assert jobs.take([job_body()]) == ({job_body()["metadata"]["uid"]}, {KEY})
    assert not jobs.of(Key(KEY.namespace, "wrong"))
    assert len(jobs.of(KEY)) == 1


def test_what_cannot_be_read_and_is_gone_is_told_anew_should_it_come_again(caplog: pytest.LogCaptureFixture) -> None:
    store, odd = Store(), schedule_body({"counts": {"due": "many"}})
    for _ in range(2):
        store.schedules.put(odd)
        store.schedules.drop_unlisted(set(), version=9)
    assert len(caplog.records) == 2


@pytest.mark.parametrize("look", [refresh_pods, refresh_cronjob, refresh_schedule])
def test_what_a_look_of_one_schedule_shows_is_remembered_until_it_is_asked_for(look: Any) -> None:
    store = Store()

    class Server:
        async def list(self, *_: Any, **__: Any) -> AsyncIterator[Page]:
            yield Page([pod_body({})], 5)

        async def get(self, resource: Resource, *_: Any) -> Body:
            return schedule_body() if resource.kind == names.SCHEDULE_KIND else a_cronjob(5)

    for shows in (True, False):
        asyncio.run(look(Server(), store, KEY))
        assert [store.take_looked_at(KEY), store.take_looked_at(KEY)] == [shows, False]


def test_what_was_written_as_planned_is_nothing_to_plan_for_and_hides_no_other_change() -> None:
    def body(version: int, trigger: str = "") -> Body:
        made = schedule_body()
        made["metadata"] |= {"resourceVersion": str(version), "annotations": {names.ANNOTATION_TRIGGER: trigger}}
        return made | {"status": {"observedGeneration": version}}

    store = Store()
    store.schedules.put(body(5))
    assert KEY not in store.planned
    store.planned.add(KEY)
    store.schedules.put_planned(body(6))
    assert KEY in store.planned
    store.schedules.put(body(7, trigger="now"))
    store.schedules.put_planned(body(8, trigger="now"))
    assert KEY not in store.planned


def test_a_schedule_is_planned_by_all_but_pods_and_nothing_stays_of_one_that_is_gone() -> None:
    store = Store()
    store.planned.add(KEY)
    store.pods.put(pod_body({}))
    assert KEY in store.planned
    store.cronjobs.put(a_cronjob(5))
    assert KEY not in store.planned
    store.planned.add(KEY)
    store.cronjobs.drop(a_cronjob(5)["metadata"]["uid"])
    assert not store.planned
