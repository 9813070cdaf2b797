"""A reconcile that failed: when it is tried again, and who hears of it."""

from __future__ import annotations

import asyncio
import logging

import pytest

from agentschedule.api.base import ObjectMeta
from agentschedule.cluster.store import Key
from agentschedule.errors import Bug, ClusterError, Conflict
from agentschedule.handlers.failures import (
    MAX_BACKOFF_SECONDS,
    MAX_BUG_BACKOFF_SECONDS,
    Failures,
    RunFailed,
)

A, B = Key("team", "a"), Key("team", "b")
SECRET = "password=hunter2"
RUN = ObjectMeta(name="now", namespace="team", uid="u")
Told = list[tuple[Key, Bug, ObjectMeta | None]]


def a_bug() -> Exception:
    """As it is caught: with where it came from."""
    try:
        raise ValueError(SECRET)
    except ValueError as error:
        return error


def another_bug() -> Exception:
    try:
        raise ValueError(SECRET)  # at another place
    except ValueError as error:
        return error


def telling(told: Told) -> Failures:
    async def tell(key: Key, bug: Bug, run: ObjectMeta | None) -> None:
        told.append((key, bug, run))

    return Failures(tell)


def fail(failures: Failures, *errors: Exception, key: Key = A) -> list[float]:
    """The pauses before each next try."""

    async def run() -> list[float]:
        return [await failures.failed(key, error) for error in errors]

    return asyncio.run(run())


def value(failures: Failures, name: str, **labels: str) -> float | None:
    return failures.metrics.registry.get_sample_value(name, labels)


def test_what_the_cluster_refuses_for_now_is_tried_within_a_minute_however_often_it_failed() -> None:
    failures = Failures()
    failures._times[A] = 5_000
    assert 0.1 <= fail(failures, ClusterError("not now"), key=B)[0] <= 0.2
    assert MAX_BACKOFF_SECONDS / 2 <= fail(failures, ClusterError("not now"))[0] <= MAX_BACKOFF_SECONDS


def test_a_bug_is_tried_again_after_seconds_then_minutes() -> None:
    pauses = fail(Failures(), *[a_bug()] * 12)
    assert 2 <= pauses[0] <= 5
    assert MAX_BUG_BACKOFF_SECONDS / 2 <= pauses[-1] <= MAX_BUG_BACKOFF_SECONDS


def test_a_bug_is_told_once_and_another_one_again(caplog: pytest.LogCaptureFixture) -> None:
    told: Told = []
    failures = telling(told)
    with caplog.at_level(logging.INFO):
        fail(failures, *(a_bug() for _ in range(5)))
    assert len(told) == 1
    assert sum(record.exc_info is not None for record in caplog.records) == 1
    fail(failures, another_bug(), another_bug())
    assert len(told) == 2
    assert told[0][1] != told[1][1]
    fail(failures, a_bug(), key=B)
    assert [key for key, _, _ in told] == [A, A, B]


def test_a_bug_is_told_again_after_it_had_been_over(caplog: pytest.LogCaptureFixture) -> None:
    told: Told = []
    failures = telling(told)
    fail(failures, a_bug())
    with caplog.at_level(logging.INFO):
        failures.over(A)
        failures.over(A)
    assert caplog.messages[1:] == ["team/a: works again"]
    fail(failures, a_bug())
    assert len(told) == 2


def test_a_conflict_in_between_is_not_the_end_of_a_bug() -> None:
    told: Told = []
    fail(telling(told), a_bug(), Conflict("changed"), a_bug())
    assert len(told) == 1


def test_the_owner_gets_the_type_and_an_id_and_nothing_of_what_the_error_says(caplog: pytest.LogCaptureFixture) -> None:
    told: Told = []
    fail(telling(told), a_bug())
    bug = told[0][1]
    assert bug.type == "ValueError"
    assert SECRET not in str(bug)
    assert f"internal error ValueError {bug.id}" in caplog.messages[0]
    assert SECRET in caplog.text


def test_a_bug_over_a_run_is_told_about_that_run() -> None:
    told: Told = []
    failures = telling(told)
    fail(failures, RunFailed(RUN, a_bug()))
    assert told == [(A, Bug.of(a_bug()), RUN)]
    assert value(failures, "agentschedule_reconcile_errors_total", exception="ValueError") == 1


def test_an_owner_who_cannot_be_told_stops_nothing_and_is_told_at_the_next_try() -> None:
    tries = 0

    async def tell(_key: Key, _bug: Bug, _run: ObjectMeta | None) -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise [ClusterError("not now"), KeyError("what")][tries - 1]

    fail(Failures(tell), *[a_bug()] * 6)
    assert tries == 3


def test_failures_are_counted_by_type_and_those_that_stall_now_are_known() -> None:
    failures = Failures()
    fail(failures, a_bug(), a_bug(), Conflict("changed"))
    fail(failures, ClusterError("not now"), key=B)
    assert value(failures, "agentschedule_reconcile_errors_total", exception="ValueError") == 2
    assert value(failures, "agentschedule_reconcile_errors_total", exception="Conflict") == 1
    assert value(failures, "agentschedule_stalled") == 1
    failures.over(A)
    assert value(failures, "agentschedule_stalled") == 0
