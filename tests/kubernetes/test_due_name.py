"""The name of a due time's Job is a lock: who makes it first has started that time."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

import pytest
from kubernetes.client.exceptions import ApiException

from agentschedule import names
from tests.kubernetes.lab import Lab, now, two_due_times
from tests.kubernetes.objects import due_name, job

LATE = 60.0  # seconds until the controller must have tried again: it waits twice as long after each 409


def test_a_due_name_that_the_controller_took_first_answers_409(lab: Lab) -> None:
    due = now()
    schedule = lab.due("schedule", due)
    lab.wait(lambda: lab.started("schedule"), "the controller's own start")
    with pytest.raises(ApiException, match="AlreadyExists") as refusal:
        lab.add_job(job(due_name("schedule", due), schedule, due))
    assert refusal.value.status == HTTPStatus.CONFLICT


def test_a_job_that_the_controller_made_names_it_as_the_manager_of_its_fields(lab: Lab) -> None:
    lab.due("schedule", now())
    lab.wait(lambda: lab.started("schedule"), "the controller's own start")
    (made,) = lab.jobs_of("schedule")
    assert made.metadata.managed_fields[0].manager == names.CONTROLLER_MANAGER


def test_a_foreign_job_under_a_due_name_costs_that_run_and_the_next_one_starts(
    lab: Lab, record_property: Callable[[str, object], None]
) -> None:
    first, second, interval = two_due_times()
    lab.add_job(job(due_name("schedule", first), suspend=True))
    lab.due("schedule", first, interval)
    lab.wait(lambda: lab.started("schedule"), "the start of the next due time", LATE)
    assert lab.started("schedule") == [second]
    late = lab.jobs_of("schedule")[0].metadata.creation_timestamp - second
    record_property("seconds late", late.total_seconds())
