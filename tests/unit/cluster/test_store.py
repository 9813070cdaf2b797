"""What the store believes: newer news, and nothing of what is gone."""

from __future__ import annotations

import pytest

from agentschedule import names
from agentschedule.cluster.store import Key, Store, Table
from agentschedule.plan.observed import CronJob
from tests.unit.bodies import COUNTS, FAR, KEY, Body, read_and_plan, run_body, schedule_body


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


def test_older_news_never_replaces_newer(table: Table[CronJob]) -> None:
    assert table.put(a_cronjob(5, "0 5 * * *")) == KEY
    assert table.put(a_cronjob(4, "0 4 * * *")) is None
    assert table.put(a_cronjob(5, "0 4 * * *")) is None
    assert schedule_of(table) == "0 5 * * *"


def test_late_news_of_what_is_gone_is_not_believed(table: Table[CronJob]) -> None:
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
    assert table.compare([], version=4) == (set(), set())  # made later than the list
    assert table.compare([], version=5) == (set(), {KEY})
    assert table.put(a_cronjob(5)) is None
    assert table.put(a_cronjob(6, labelled=False)) == KEY  # it was not gone: it had lost its label


def test_a_list_says_nothing_about_what_it_never_shows(table: Table[CronJob]) -> None:
    table.put(a_cronjob(5, labelled=False))
    assert table.compare([], version=9) == (set(), set())
    assert table.is_unwatched(KEY)
    table.drop("one")
    assert not table.is_unwatched(KEY)


def test_a_list_of_one_schedule_says_nothing_about_others(table: Table[CronJob]) -> None:
    table.put(a_cronjob(5))
    assert table.compare([], version=9, within=Key("analytics", "other")) == (set(), set())
    assert table.compare([], version=9, within=KEY) == (set(), {KEY})


def test_a_list_of_one_namespace_says_nothing_about_others(table: Table[CronJob]) -> None:
    table.put(a_cronjob(5))
    assert table.compare([], version=9, namespace="other") == (set(), set())
    assert table.compare([], version=9, namespace=KEY.namespace) == (set(), {KEY})


def test_of_two_of_a_name_the_later_counts(table: Table[CronJob]) -> None:
    table.put(a_cronjob(5, "0 5 * * *"))
    table.put(a_cronjob(6, "0 6 * * *", uid="two"))
    assert schedule_of(table) == "0 6 * * *"


@pytest.mark.parametrize("text", ["0000-01-01T00:00:00Z", "2026-01-01T00:00:00+99:99", FAR, "soon"])
def test_a_run_whose_due_time_cannot_be_read_is_left_alone(text: str) -> None:
    store, statuses = read_and_plan(runs=run_body(scheduledTime=text))
    assert not store.runs.of(KEY)
    assert statuses


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
