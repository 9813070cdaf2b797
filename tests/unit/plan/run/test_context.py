"""What a run knows of itself and of others: its age, and the time it has to start."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import Mock

import pytest

from agentschedule.names import Reason
from agentschedule.plan.observed import FaultyRun
from agentschedule.plan.run import context
from agentschedule.plan.run.state import RunState
from tests.unit.builders import a_job, a_run, at
from tests.unit.plan.run.worlds import ME, OLDER, WORLDS, at_work, failed_pod, joining, later, made, play


def test_a_run_has_its_whole_time_to_start_however_long_it_had_to_join() -> None:
    job = a_job(timeout_seconds=5, created=at("07:39:50"), started_at=None)
    assert play(at_work(job))[0] == ["ask why report-now waits"]
    began = replace(job, started_at=at("07:39:58"))
    assert play(replace(at_work(began), now=at("07:40:02")))[0] == ["ask why report-now waits"]
    assert play(replace(at_work(began), now=at("07:40:03")))[0] == ["end Job report-now: NeverStarted"]


def test_a_retry_that_was_held_longer_than_the_time_limit_is_no_late_start() -> None:
    resumed = a_job(retry_limit=3, retry_delay_seconds=900, timeout_seconds=300, started_at=None)
    world = later(at_work(resumed, failed_pod(), phase="Retrying"), seconds=900)
    assert play(world)[0] == []


def test_a_job_that_waited_to_be_let_go_has_its_whole_time_to_start() -> None:
    released = a_job(created=at("07:00:00"), timeout_seconds=60, started_at=at("07:39:58"))
    assert play(at_work(released))[0] == ["ask why report-now waits"]


def test_a_job_made_from_the_cronjob_is_as_old_as_itself_and_not_as_its_record() -> None:
    record = made(a_run("older", jobUID="uid-of-older", phase="Running"), at("07:50:00"))
    meta = record.metadata.model_copy(update={"annotations": {"agentschedule.dev/job-uid": "uid-of-older"}})
    late = record.model_copy(update={"metadata": meta})
    done, _ = play(joining(OLDER, run=ME, policy="Replace", active=(OLDER,), runs=(late,)))
    assert done == ["cancel ScheduleRun older, replaced by report-now"]


def test_of_the_same_second_a_run_that_is_at_work_is_the_older_one_whatever_its_name() -> None:
    first = made(a_run("zz", jobUID="uid-of-zz", phase="Running"), at("07:38:00"))
    waits = joining(a_job("zz"), run=ME, policy="Replace", active=(a_job("zz"),), runs=(first,))
    assert play(waits)[0] == ["cancel ScheduleRun zz, replaced by report-now"]


@pytest.mark.parametrize(
    ("question", "state"),
    [("gate", RunState.JOB_NOT_LISTED), ("attempts_of", RunState.RETRY_NOT_STARTED)],
)
def test_what_one_row_has_found_out_no_other_row_works_out_again(
    question: str, state: RunState, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Mock(wraps=getattr(context, question))
    monkeypatch.setattr(context, question, counted)
    play(WORLDS[state]())
    assert counted.call_count == 1


def test_a_newer_run_that_cannot_start_as_it_stands_takes_nobodys_place() -> None:
    newer = made(a_run("zz"), at("07:38:30"))
    odd = {"reason": Reason.INVALID_OVERRIDE, "problem": "params is too large"}
    faulty = FaultyRun.model_validate(newer.model_dump() | odd)
    assert play(joining(run=ME, policy="Replace", runs=(newer,)))[0] == []
    assert play(joining(run=ME, policy="Replace", runs=(faulty,)))[0] == ["create Job report-now, suspended"]
