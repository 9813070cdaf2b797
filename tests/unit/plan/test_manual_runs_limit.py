"""How many manual runs of one schedule may be open: the oldest stand, and the rest is told what to do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from agentschedule import names
from agentschedule.api.run import ScheduleRun
from agentschedule.names import Reason, RunPhase
from agentschedule.plan.observed import Observed
from agentschedule.plan.run.plan import needs_fresh_look, plan_run
from agentschedule.plan.schedule.trigger import decide_trigger
from agentschedule.plan.spec.validate import validate
from tests.unit.builders import a_cronjob, a_job, a_run, a_schedule, at, listed, observed
from tests.unit.plan.run.worlds import made, suspended_job

NOW = at("07:45:00")
LIMIT = 3
SENTENCE = (
    "The schedule has as many manual runs that have not ended as it may have (3); wait until one ends, or cancel some: "
    "kubectl agentschedule cancel RUN."
)


def waiting(number: int) -> tuple[ScheduleRun, ...]:
    """The newest first, as a list of names may have it."""
    runs = [made(a_run(f"run-{n}"), at("07:30:00") + timedelta(seconds=n)) for n in range(number)]
    return tuple(reversed(runs))


def world(*runs: ScheduleRun, policy: str = "Allow") -> Observed:
    return replace(observed(a_cronjob(policy), runs=runs), open_runs=LIMIT)


def refused(seen: Observed, policy: str = "Allow") -> dict[str, tuple[str | None, str | None]]:
    """Of each run that ends Skipped: why."""
    schedule = a_schedule(concurrencyPolicy=policy)
    plans = {run.metadata.name: plan_run(run, schedule, seen, NOW).status for run in seen.runs}
    return {
        name: (status.reason, status.message)
        for name, status in plans.items()
        if status and status.phase is RunPhase.SKIPPED
    }


def test_the_oldest_stand_and_the_others_are_skipped_with_a_sentence() -> None:
    told = (Reason.TOO_MANY_OPEN_RUNS, SENTENCE)
    assert refused(world(*waiting(5))) == {"run-3": told, "run-4": told}
    assert refused(world(*waiting(3))) == {}


def test_what_has_been_told_to_wait_is_not_displaced_by_an_older_name_of_the_same_second() -> None:
    same = at("07:30:00")
    waits = [made(a_run(f"run-{n}", phase="Pending"), same) for n in range(3)]
    assert set(refused(world(made(a_run("a-newcomer"), same), *waits))) == {"a-newcomer"}


def test_a_run_whose_job_is_made_goes_on() -> None:
    mine = made(a_run(), at("07:40:00"))
    seen = replace(world(mine, *waiting(3)), jobs=(suspended_job(),))
    plan = plan_run(mine, a_schedule(concurrencyPolicy="Allow"), seen, NOW)
    assert [str(action) for action in plan.actions] == ["list report-now as active in CronJob report"]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(a_run("x", owner="another-uid"), id="of another schedule"),
        pytest.param(a_run("x", owner=None), id="not claimed"),
        pytest.param(a_run("x", phase="Failed"), id="ended"),
        pytest.param(a_run("x", spec={"trigger": "Schedule"}), id="a record"),
    ],
)
def test_what_is_no_open_manual_run_of_the_schedule_is_not_counted(other: ScheduleRun) -> None:
    assert "run-2" not in refused(world(made(other, at("07:00:00")), *waiting(3)))


def test_a_run_at_work_is_counted() -> None:
    work = a_job("work")
    seen = world(*waiting(3), made(a_run("work", phase="Running", jobUID=work.uid), at("07:00:00")))
    assert set(refused(replace(seen, cronjob=a_cronjob("Allow", active=listed(work)), jobs=(work,)))) == {"run-2"}


def test_under_replace_one_too_many_takes_nobodys_place() -> None:
    told = refused(world(*waiting(4), policy="Replace"), "Replace")
    assert told["run-3"] == (Reason.TOO_MANY_OPEN_RUNS, SENTENCE)
    assert told["run-0"] == (Reason.REPLACED, "Run run-2 came later, and concurrencyPolicy is Replace.")
    assert "run-2" not in told


def test_a_token_is_rejected_with_the_same_sentence() -> None:
    schedule = a_schedule(annotations={names.ANNOTATION_TRIGGER: "1"}, concurrencyPolicy="Allow")
    found = decide_trigger(schedule, validate(schedule), world(*waiting(3)), NOW)
    assert found
    assert found.answer
    assert (found.answer.reason, found.answer.message) == (Reason.TOO_MANY_OPEN_RUNS, SENTENCE)


def test_nothing_is_asked_of_the_api_for_one_too_many() -> None:
    newest, *_, oldest = waiting(4)
    seen = replace(world(newest, *waiting(3)), jobs=(a_job("work"),))
    assert (needs_fresh_look(newest, seen), needs_fresh_look(oldest, seen)) == (False, True)
