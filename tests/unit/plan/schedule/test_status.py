"""The status of a schedule: a pure function of what is there, that counts everything once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentschedule import names
from agentschedule.api.run import ScheduleRun
from agentschedule.api.schedule import AgentSchedule, AgentScheduleStatus
from agentschedule.names import RunPhase, SchedulePhase
from agentschedule.plan.answers import CronJobRefused
from agentschedule.plan.observed import Job, Observed, Unreadable
from agentschedule.plan.schedule.plan import plan_schedule
from agentschedule.plan.schedule.status import UPCOMING
from tests.unit import builders
from tests.unit.builders import NAME, listed, unexplained
from tests.unit.minutely import CREATED, MINUTE, NOON, SECOND, a_cronjob, a_job, a_record, a_schedule

REFUSED = CronJobRefused(NAME, "spec.jobTemplate: no")


def status_of(
    schedule: AgentSchedule | Unreadable, observed: Observed, now: datetime = NOON - 10 * SECOND
) -> AgentScheduleStatus:
    status = plan_schedule(schedule, unexplained(observed), now).status
    assert status
    return status


def condition(status: AgentScheduleStatus, kind: names.Condition) -> tuple[str, str]:
    return next((c.status, c.reason) for c in status.conditions or () if c.type == kind)


def ran(job: Job, phase: RunPhase = RunPhase.SUCCEEDED, seconds: int = 5) -> tuple[Job, ScheduleRun]:
    """The Job when it has finished, and its record."""
    end = job.created + seconds * SECOND
    done = replace(job, succeeded=phase is RunPhase.SUCCEEDED, finished_at=end)
    record = a_record(job, phase=phase, job_uid=job.uid, start_time=job.created, completion_time=end)
    return done, record


def seen(*pairs: tuple[Job, ScheduleRun], **cronjob: Any) -> Observed:
    """Finished Jobs and their records, and a CronJob that knows of them."""
    last = max((job.due for job, _ in pairs if job.due), default=None)
    jobs = tuple(job for job, _ in pairs)
    return Observed(
        a_cronjob(**{"last_schedule_time": last} | cronjob), jobs, runs=tuple(record for _, record in pairs)
    )


UNREADABLE = Unreadable(a_schedule().metadata, None, "spec.schedule: what is this")
OTHERS_CRONJOB = {"controller_uid": "uid-of-somebody"}
WELL = ("Accepted=True Accepted", "Ready=True Scheduled", "Stalled=False AsExpected")


def wrong(reason: str) -> tuple[str, ...]:
    """The conditions of a schedule that is not accepted."""
    return (f"Accepted=False {reason}", f"Ready=False {reason}", f"Stalled=True {reason}")


@pytest.mark.parametrize(
    ("schedule", "observed", "phase", "conditions"),
    [
        (a_schedule(), Observed(a_cronjob()), SchedulePhase.ACTIVE, WELL),
        (
            a_schedule(suspend=True),
            Observed(a_cronjob(a_schedule(suspend=True))),
            SchedulePhase.SUSPENDED,
            ("Accepted=True Accepted", "Ready=True Suspended", "Stalled=False AsExpected"),
        ),
        (a_schedule("0 0 30 2 *"), Observed(a_cronjob()), SchedulePhase.INVALID, wrong("InvalidSchedule")),
        (a_schedule(time_zone="Mars/Olympus"), Observed(), SchedulePhase.INVALID, wrong("InvalidSchedule")),
        (UNREADABLE, Observed(a_cronjob()), SchedulePhase.INVALID, wrong("InvalidSpec")),
        (a_schedule(), Observed(a_cronjob(), answers=(REFUSED,)), SchedulePhase.INVALID, wrong("CronJobRefused")),
        (
            a_schedule(),
            Observed(a_cronjob(**OTHERS_CRONJOB)),
            SchedulePhase.ACTIVE,
            ("Accepted=True Accepted", "Ready=False CronJobNameTaken", "Stalled=True CronJobNameTaken"),
        ),
    ],
    ids=["active", "suspended", "never", "zone", "unreadable", "refused", "taken"],
)
def test_phase_and_conditions_say_how_a_schedule_stands(
    schedule: AgentSchedule | Unreadable,
    observed: Observed,
    phase: SchedulePhase,
    conditions: tuple[str, ...],
) -> None:
    status = status_of(schedule, observed)
    assert status.phase is phase
    assert tuple(f"{c.type}={c.status} {c.reason}" for c in status.conditions or ()) == conditions


def test_a_condition_s_transition_time_moves_only_with_its_status() -> None:
    now = NOON - 10 * SECOND
    first = status_of(a_schedule(), Observed(a_cronjob()), now)
    later = status_of(a_schedule(status=first), Observed(a_cronjob()), now + SECOND)
    assert later.conditions == first.conditions
    broken = status_of(a_schedule("0 0 30 2 *", status=later), Observed(a_cronjob()), now + 2 * SECOND)
    assert {c.last_transition_time for c in broken.conditions or ()} == {now + 2 * SECOND}


@given(st.integers(0, 3 * 3600))
def test_the_next_run_times_of_every_minute_are_the_next_full_minutes(seconds: int) -> None:
    now = CREATED + seconds * SECOND
    terms = {"last_schedule_time": now, "in_force_since": now}
    status = status_of(a_schedule(), Observed(a_cronjob(**terms)), now)
    coming = now.replace(second=0) + MINUTE
    wanted = [(coming + number * MINUTE).strftime("%Y-%m-%dT%H:%M:%SZ") for number in range(UPCOMING)]
    assert list(status.next_run_times or ()) == wanted
    assert status.next_run_time == wanted[0]


@pytest.mark.parametrize(
    "schedule_and_cronjob",
    [
        (a_schedule(suspend=True), a_cronjob(a_schedule(suspend=True))),
        (a_schedule(), a_cronjob(**OTHERS_CRONJOB)),
        (a_schedule("0 0 30 2 *"), None),
    ],
    ids=["suspended", "taken", "invalid"],
)
def test_a_schedule_that_starts_nothing_shows_no_next_run_time(schedule_and_cronjob: tuple[Any, Any]) -> None:
    schedule, cronjob = schedule_and_cronjob
    wire = status_of(schedule, Observed(cronjob)).wire()
    assert not {"nextRunTime", "nextRunTimes"} & wire.keys()


def test_effective_from_is_the_cronjob_s_creation_and_then_the_last_edit() -> None:
    assert status_of(a_schedule(), Observed(a_cronjob())).effective_from == CREATED
    edited = a_cronjob(in_force_since=NOON - 20 * SECOND, last_schedule_time=NOON - 20 * SECOND)
    assert status_of(a_schedule(), Observed(edited)).effective_from == NOON - 20 * SECOND


def test_a_job_is_active_from_the_start_and_until_its_run_has_ended() -> None:
    job = a_job(NOON)
    cronjob = a_cronjob(last_schedule_time=NOON, active=listed(job))
    without_a_word = Observed(cronjob, (job,), runs=(a_record(job),))
    running = Observed(cronjob, (job,), runs=(a_record(job, phase=RunPhase.RUNNING, job_uid=job.uid),))
    for observed in (without_a_word, running):
        status = status_of(a_schedule(), observed, NOON + 5 * SECOND)
        assert (status.active, status.active_runs) == (1, (job.name,))
    status = status_of(a_schedule(), seen(ran(job)), NOON + 10 * SECOND)
    assert (status.active, status.active_runs) == (0, None)


def test_of_very_many_active_runs_a_hundred_are_named() -> None:
    runs = tuple(builders.a_run(f"by-hand-{number}") for number in range(150))
    status = status_of(a_schedule(), Observed(a_cronjob(), runs=runs))
    assert (status.active, len(status.active_runs or ())) == (150, 100)


def test_a_manual_run_is_active_before_it_has_a_job() -> None:
    status = status_of(a_schedule(), Observed(a_cronjob(), runs=(builders.a_run("by-hand"),)))
    assert (status.active, status.active_runs) == (1, ("by-hand",))


@pytest.mark.parametrize(
    ("phase", "counted"),
    [
        (RunPhase.SUCCEEDED, {"succeeded": 1}),
        (RunPhase.FAILED, {"failed": 1}),
        (RunPhase.TIMED_OUT, {"failed": 1}),
        (RunPhase.CANCELLED, {}),
    ],
)
def test_an_ended_run_is_counted_once_and_stays_counted_when_its_record_is_gone(
    phase: RunPhase, counted: dict[str, int]
) -> None:
    job, record = ran(a_job(NOON), phase)
    now = NOON + 10 * SECOND
    status = status_of(a_schedule(), seen((job, record)), now)
    wanted = {"due": 1, "started": 1, **counted}
    assert status.counts
    assert {field: number for field, number in status.counts.wire().items() if number} == wanted
    again = status_of(a_schedule(status=status), seen((job, record)), now)
    without = status_of(a_schedule(status=again), Observed(a_cronjob(last_schedule_time=NOON), (job,)), now)
    anew = record.model_copy(update={"metadata": record.metadata.model_copy(update={"uid": "another-uid"})})
    made_anew = status_of(a_schedule(status=without), seen((job, anew)), now)
    gone = status_of(a_schedule(status=made_anew), Observed(a_cronjob(last_schedule_time=NOON)), now)
    assert again.counts == without.counts == made_anew.counts == gone.counts == status.counts
    assert made_anew.counted_runs == (job.uid,)
    assert gone.counted_runs is None


def test_failures_in_a_row_are_counted_until_a_success() -> None:
    phases = [RunPhase.FAILED, RunPhase.TIMED_OUT, RunPhase.SUCCEEDED, RunPhase.FAILED]
    pairs: list[tuple[Job, ScheduleRun]] = []
    streaks, status = [], None
    for number, phase in enumerate(phases):
        due = NOON + number * MINUTE
        pairs.append(ran(a_job(due), phase))
        status = status_of(a_schedule(status=status), seen(*pairs), due + 10 * SECOND)
        streaks.append(status.consecutive_failures)
        assert status.last_run
        assert (status.last_run.phase, status.last_run.scheduled_time) == (phase, due)
        good = "True" if phase is RunPhase.SUCCEEDED else "False"
        assert condition(status, names.Condition.LAST_RUN_SUCCEEDED) == (good, phase.value)
        assert condition(status, names.Condition.READY)[0] == "True", "Ready never turns on a run's outcome"
    assert streaks == [1, 2, 0, 1]
    at_once = status_of(a_schedule(), seen(*pairs), NOON + 4 * MINUTE - 10 * SECOND)
    assert status
    assert at_once.counts == status.counts
    assert at_once.consecutive_failures == status.consecutive_failures
    assert at_once.last_successful_time == NOON + 2 * MINUTE + 5 * SECOND
    assert at_once.last_failure_time == at_once.last_run.completion_time  # type: ignore[union-attr]


def test_a_run_of_somebody_else_is_not_counted() -> None:
    job, record = ran(a_job(NOON))
    foreign = record.model_copy(update={"metadata": record.metadata.model_copy(update={"owner_references": ()})})
    status = status_of(a_schedule(), seen((job, foreign)), NOON + 10 * SECOND)
    assert status.counts
    assert (status.counts.started, status.counts.succeeded) == (1, 0)


PHASES = st.sampled_from((RunPhase.SUCCEEDED, RunPhase.FAILED, RunPhase.CANCELLED))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.none() | PHASES, min_size=1, max_size=8), st.lists(st.integers(0, 540), max_size=8))
def test_counts_are_the_same_however_often_the_operator_looks_or_restarts(
    minutes: list[RunPhase | None], seconds: list[int]
) -> None:
    """Each minute's run ended so, or never started; a status goes through its wire form, as over a restart."""
    pairs = [ran(a_job(NOON + n * MINUTE), phase) for n, phase in enumerate(minutes) if phase]
    end = NOON + (len(minutes) - 1) * MINUTE + timedelta(seconds=59)
    spec = {"starting_deadline_seconds": 30}
    cronjob = a_cronjob(a_schedule(**spec))  # type: ignore[arg-type]

    def look(status: AgentScheduleStatus | None, now: datetime) -> AgentScheduleStatus:
        """What has ended is there; of what runs, nobody has heard yet."""
        there = [(job, record) for job, record in pairs if job.finished_at and job.finished_at <= now]
        last = max((job.due for job, _ in there if job.due), default=None)
        observed = Observed(
            replace(cronjob, last_schedule_time=last),
            tuple(job for job, _ in there),
            runs=tuple(record for _, record in there),
        )
        found = status_of(a_schedule(status=status, **spec), observed, now)  # type: ignore[arg-type]
        return AgentScheduleStatus.model_validate(found.wire())

    status = None
    for second in sorted(seconds):
        if (now := NOON + second * SECOND) < end:
            status = look(status, now)
    often, once = look(status, end), look(None, end)
    assert often.counts == once.counts
    assert (often.last_run, often.last_missed, often.last_run_time) == (
        once.last_run,
        once.last_missed,
        once.last_run_time,
    )
    counts = once.counts
    assert counts
    assert counts.due == counts.started + counts.skipped + counts.missed + counts.unknown == len(minutes)
    assert (counts.started, counts.missed) == (len(pairs), minutes.count(None))
    assert (counts.succeeded, counts.failed) == (minutes.count(RunPhase.SUCCEEDED), minutes.count(RunPhase.FAILED))


def test_an_internal_error_stays_told_until_all_has_gone_well() -> None:
    said = {"type": "Stalled", "status": "True", "reason": "InternalError", "message": "It is our fault."}
    stored = {"observedGeneration": 1, "conditions": [said | {"lastTransitionTime": "2026-03-01T00:00:00Z"}]}
    schedule, world = a_schedule(status=stored), unexplained(Observed(a_cronjob()))
    for failing, expected in ((True, ("True", "InternalError")), (False, ("False", "AsExpected"))):
        status = plan_schedule(schedule, world, NOON, failing).status
        assert status
        assert condition(status, names.Condition.STALLED) == expected
