"""Shapes of what a tenant may make, that grow with the number of his objects: each makes a decision about so many."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from agentschedule import names
from agentschedule.api.run import ScheduleRun
from agentschedule.api.schedule import AgentSchedule
from agentschedule.plan.objects import build
from agentschedule.plan.observed import CronJob, Job, Observed, Pod
from agentschedule.plan.run.plan import plan_run
from agentschedule.plan.schedule.plan import plan_schedule
from agentschedule.plan.spec.validate import validate
from tests.unit.builders import (
    a_cronjob,
    a_due_job,
    a_job,
    a_pod,
    a_run,
    a_schedule,
    listed,
    saying,
    unexplained,
)

NOW = datetime(2026, 3, 2, 8, 0, 30, tzinfo=UTC)
OPEN = 100  # the default limit of open manual runs
Make = Callable[[int], Callable[[], object]]


def own(schedule: AgentSchedule, **changes: Any) -> CronJob:
    """The schedule's CronJob, as the spec wants it, so that a decision goes on to what comes after."""
    timing = validate(schedule).timing
    policy = schedule.spec.concurrency_policy.value
    if timing is None:
        return a_cronjob(policy, **changes)
    wanted = build.cronjob(schedule, timing, suspend=False)
    fields = {
        "schedule": timing.cron.text,
        "time_zone": timing.cron.time_zone,
        "deadline_seconds": timing.deadline_seconds,
        "not_before": timing.not_before,
        "labels": frozenset(wanted["metadata"]["labels"].items()),
        "spec_hash": wanted["metadata"]["annotations"][names.ANNOTATION_SPEC_HASH],
    }
    return a_cronjob(policy, **(fields | changes))


# Shapes of one schedule, with the goal of 20 ms each.


def created(run: ScheduleRun, number: int) -> ScheduleRun:
    moment = NOW - timedelta(minutes=30) + timedelta(milliseconds=number * 100)
    meta = run.metadata.model_copy(update={"creation_timestamp": moment.replace(microsecond=0)})
    return run.model_copy(update={"metadata": meta})


def waiting_runs(number: int) -> tuple[ScheduleRun, ...]:
    return tuple(created(a_run(f"by-hand-{n:06}"), n) for n in range(number))


def long_ago(number: int) -> datetime:
    return datetime(2025, 1, 1, tzinfo=UTC) + timedelta(hours=number)


def ended_job(n: int, **changes: Any) -> Job:
    due = long_ago(n)
    return a_due_job(due, succeeded=n % 2 == 0, finished_at=due + timedelta(minutes=5), **changes)


def record_of(job: Job, phase: str | None) -> ScheduleRun:
    spec = {"trigger": "Schedule", "scheduledTime": job.due.isoformat()} if job.due else {}
    times = {"startTime": job.created.isoformat()}
    times |= {"completionTime": (job.finished_at or job.created).isoformat()} if phase else {}
    run = a_run(job.name, spec=spec, phase=phase or "Running", jobUID=job.uid, **times)
    return created(run, 0)


def hand_schedule(policy: str, number: int = 0, **more: Any) -> AgentSchedule:
    counted = [f"uid-of-{ended_job(n).name}" for n in range(number)]
    status = {"observedGeneration": 1, "countedRuns": counted, "accountedThrough": NOW.isoformat()}
    return a_schedule(status, concurrencyPolicy=policy, **more)


def waiting_world(policy: str, number: int) -> tuple[AgentSchedule, Observed, tuple[ScheduleRun, ...]]:
    """n manual runs that wait, with one run at work where the policy has it matter."""
    runs, active = waiting_runs(number), a_job("at-work")
    jobs = (active,) if policy == "Replace" else ()
    shown = runs + tuple(record_of(job, None) for job in jobs)
    schedule = hand_schedule(policy)
    return schedule, Observed(own(schedule, active=listed(*jobs)), jobs=jobs, runs=shown), runs


def one_of_the_waiting(policy: str, which: int) -> Make:
    def make(number: int) -> Callable[[], object]:
        schedule, observed, runs = waiting_world(policy, number)
        return lambda: plan_run(runs[which], schedule, observed, NOW)

    return make


def one_of_the_active(policy: str) -> Make:
    """One of n runs at work, of n Jobs that the CronJob lists, each with a pod."""

    def make(number: int) -> Callable[[], object]:
        schedule = hand_schedule(policy)
        observed, runs = at_work(number, schedule)
        return lambda: plan_run(runs[0], schedule, observed, NOW)

    return make


def at_work(number: int, schedule: AgentSchedule) -> tuple[Observed, tuple[ScheduleRun, ...]]:
    jobs = tuple(a_due_job(long_ago(n)) for n in range(number))
    pods = tuple(a_pod(f"{job.name}-0", job.name, phase="Running", started_at=job.created) for job in jobs)
    runs = tuple(record_of(job, None) for job in jobs)
    return Observed(own(schedule, active=listed(*jobs)), jobs=jobs, pods=pods, runs=runs), runs


def schedule_of_active(policy: str) -> Make:
    def make(number: int) -> Callable[[], object]:
        schedule = hand_schedule(policy)
        observed, _ = at_work(number, schedule)
        return lambda: plan_schedule(schedule, observed, NOW)

    return make


def schedule_with_new_jobs(number: int) -> Callable[[], object]:
    """n Jobs without a record."""
    jobs = tuple(ended_job(n) for n in range(number))
    schedule = hand_schedule("Allow")
    observed = Observed(own(schedule), jobs=jobs)
    return lambda: plan_schedule(schedule, observed, NOW)


def schedule_with_new_records(number: int) -> Callable[[], object]:
    """n Jobs whose records say nothing yet but by their annotation."""
    jobs = tuple(ended_job(n) for n in range(number))
    runs = tuple(
        saying(job, created(a_run(job.name, spec={"trigger": "Schedule", "scheduledTime": job.due.isoformat()}), 0))
        for job in jobs
        if job.due
    )
    schedule = hand_schedule("Allow")
    observed = Observed(own(schedule), jobs=jobs, runs=runs)
    return lambda: plan_schedule(schedule, observed, NOW)


def schedule_of_ended(counted: bool, keep: int = 100) -> Make:
    """n ended runs with their Jobs: counted in the status before, or now."""

    def make(number: int) -> Callable[[], object]:
        jobs = tuple(ended_job(n) for n in range(number))
        runs = tuple(record_of(job, "Succeeded" if job.succeeded else "Failed") for job in jobs)
        history = {"succeeded": keep, "failed": keep}
        schedule = hand_schedule("Allow", number if counted else 0, history=history)
        observed = Observed(own(schedule), jobs=jobs, runs=runs)
        return lambda: plan_schedule(schedule, observed, NOW)

    return make


def catching_up(policy: str, each: int) -> Make:
    """The ledger over n Jobs, of every `each`th due time, none of which it has counted."""

    def make(number: int) -> Callable[[], object]:
        since = NOW - timedelta(hours=number * each + 1)
        since = since.replace(minute=0, second=0)
        jobs = tuple(
            a_due_job(due, succeeded=True, finished_at=due + timedelta(minutes=70))
            for due in (since + timedelta(hours=each * (n + 1)) for n in range(number))
        )
        status = {"observedGeneration": 1, "accountedThrough": since.isoformat()}
        schedule = a_schedule(status, concurrencyPolicy=policy)
        runs = tuple(record_of(job, "Succeeded") for job in jobs)
        live = own(schedule, created=since, last_schedule_time=jobs[-1].due)
        world = unexplained(Observed(live, jobs=jobs, runs=runs))
        return lambda: plan_schedule(schedule, world, NOW)

    return make


def run_with_pods(number: int) -> Callable[[], object]:
    """A run whose Job has had n pods."""
    job = a_job(retry_limit=number)
    pods = tuple(attempt(n) for n in range(number))
    run = record_of(job, None)
    observed = Observed(a_cronjob(active=listed(job)), jobs=(job,), pods=pods, runs=(run,))
    schedule = a_schedule()
    return lambda: plan_run(run, schedule, observed, NOW)


def attempt(n: int) -> Pod:
    begun = NOW - timedelta(minutes=10)
    return a_pod(
        f"report-now-{n}", created=begun, attempt=n + 1, phase="Failed", started_at=begun, ended_at=begun, exit_code=1
    )


def claims_of_one_job(number: int) -> Callable[[], object]:
    """n runs that claim the same Job."""
    job = ended_job(0)
    spec = {"trigger": "Schedule", "scheduledTime": job.due.isoformat()} if job.due else {}
    runs = tuple(saying(job, created(a_run(f"claim-{n:06}", spec=spec), 0)) for n in range(number))
    schedule = hand_schedule("Allow")
    observed = Observed(own(schedule), jobs=(job,), runs=runs)
    return lambda: plan_schedule(schedule, observed, NOW)


GROWING: dict[str, Make] = {
    "a waiting run, Allow": one_of_the_waiting("Allow", 0),
    "a waiting run, Forbid": one_of_the_waiting("Forbid", 0),
    "the oldest waiting run, Replace": one_of_the_waiting("Replace", 0),
    "the newest waiting run, Replace": one_of_the_waiting("Replace", -1),
    "an active run, Allow": one_of_the_active("Allow"),
    "an active run, Replace": one_of_the_active("Replace"),
    "schedule, n active, Allow": schedule_of_active("Allow"),
    "schedule, n active, Forbid": schedule_of_active("Forbid"),
    "schedule, n active, Replace": schedule_of_active("Replace"),
    "schedule, n Jobs to record": schedule_with_new_jobs,
    "schedule, n new records": schedule_with_new_records,
    "schedule, n claims of one Job": claims_of_one_job,
    "schedule, n ended and counted": schedule_of_ended(True),
    "schedule, n ended, history of 0": schedule_of_ended(True, keep=0),
    "schedule, n ended to count": schedule_of_ended(False),
    "ledger, each due time started, Allow": catching_up("Allow", 1),
    "ledger, each second started, Allow": catching_up("Allow", 2),
    "ledger, each due time started, Forbid": catching_up("Forbid", 1),
    "ledger, each third started, Forbid": catching_up("Forbid", 3),
    "run of n pods": run_with_pods,
}
