"""What the store believes: newer news, and nothing of what is gone."""

from __future__ import annotations

from typing import Any

import pytest

from agentschedule import names
from agentschedule.cluster.store import Key, Store, Table
from agentschedule.plan.observed import CronJob

KEY = Key("analytics", "report")
Body = dict[str, Any]


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


def test_of_two_of_a_name_the_later_counts(table: Table[CronJob]) -> None:
    table.put(a_cronjob(5, "0 5 * * *"))
    table.put(a_cronjob(6, "0 6 * * *", uid="two"))
    assert schedule_of(table) == "0 6 * * *"
