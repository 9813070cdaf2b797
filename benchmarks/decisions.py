"""What single decisions cost: processor time, for shapes that a tenant may choose, and how it grows with his objects.

Run: python -m benchmarks.decisions [name…]. Exits with 1 when a goal is missed: 20 ms for each decision that needs no
more objects than the limits allow; and for what is bounded by quota alone, a cost that grows no faster than the number.
"""

from __future__ import annotations

import gc
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import process_time
from typing import Any

from agentschedule import names
from agentschedule.api.run import ScheduleRun
from agentschedule.api.schedule import AgentSchedule
from agentschedule.plan.cron import parse, parse_live, zones
from agentschedule.plan.objects import build
from agentschedule.plan.observed import CronJob, Job, Observed, Pod
from agentschedule.plan.run.plan import plan_run
from agentschedule.plan.schedule.advisories import clock_changes
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
GOAL_MS, ROUNDS = 20.0, 3
GROWTH_GOAL = 1.25  # the exponent; caches of the processor make it a little more than 1, a square would be 2
FEW, MANY = 1_000, 10_000
OPEN = 100  # the default limit of open manual runs
ZONES = ("America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "America/Santiago")
Make = Callable[[int], Callable[[], object]]


def forget() -> None:
    """What was kept of earlier decisions: each is measured as the first of its kind."""
    clock_changes.cache_clear()
    zones.zone.cache_clear()
    getattr(zones, "_read", zones.zone).cache_clear()


def milliseconds(make: Callable[[], Callable[[], object]]) -> float:
    """The processor time of a decision in the quietest round; each round has a world of its own."""
    rounds = []
    for _ in range(ROUNDS):
        decide = make()
        forget()
        gc.collect()
        gc.disable()
        begin = process_time()
        decide()
        rounds.append((process_time() - begin) * 1e3)
        gc.enable()
    return min(rounds)


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


def first_look(schedule: str = "0 * * * *", zone: str = "Etc/UTC", **more: Any) -> Callable[[], Callable[[], object]]:
    """The first reconcile of a schedule with its CronJob: validated, warned of the clock, next times told."""

    def make() -> Callable[[], object]:
        judged = a_schedule(schedule=schedule, timeZone=zone, **more)
        live = own(judged, last_schedule_time=NOW - timedelta(minutes=1))
        world = unexplained(Observed(live))
        return lambda: plan_schedule(judged, world, NOW)

    return make


def outage(schedule: str, zone: str, days: int, policy: str = "Allow") -> Callable[[], Callable[[], object]]:
    """The ledger after an absence."""
    since = NOW - timedelta(days=days)

    def make() -> Callable[[], object]:
        status = {"observedGeneration": 1, "accountedThrough": since.isoformat()}
        judged = a_schedule(status, schedule=schedule, timeZone=zone, concurrencyPolicy=policy)
        live = own(judged, created=since, last_schedule_time=since)
        world = unexplained(Observed(live))
        return lambda: plan_schedule(judged, world, NOW)

    return make


def moments() -> Iterator[tuple[str, Callable[[], Callable[[], object]]]]:
    every = ",".join(str(minute) for minute in range(60))
    for zone in ZONES:
        for schedule in ("* * * * *", "*/1 0-23 * * *", f"{every[:100]} * * * *", "*/30 * * * *", "0 * * * *",
                         "30 2 * * *", "* * * 1 *", "0 0 29 2 *", "59 23 31 12 *", "* * 29 2 *"):  # fmt: skip
            yield f"first look, {schedule[:18]}, {zone}", first_look(schedule, zone)
    yield "first look, never due", first_look("0 0 30 2 *")
    yield "window in 8990, New York", first_look("* * * * *", "America/New_York", startAt="8990-01-01T00:00:00Z")
    message = "x" * 31_000
    yield "message and params of 31 k", first_look(message=message, params={"text": message})
    yield (
        "15 variables of 4 k",
        first_look(
            agent={"image": "agent.test/none:1", "env": [{"name": f"V{n}", "value": "x" * 4_000} for n in range(15)]}
        ),
    )
    yield (
        "2,500 variables",  # as many as fit
        first_look(
            agent={"image": "agent.test/none:1", "env": [{"name": f"V{n}", "value": "x"} for n in range(2_500)]}
        ),
    )
    for schedule in ("* * * * *", "* * * 1 *", "0 0 29 2 *", "30 2 * * *"):
        for policy in ("Allow", "Forbid"):
            for days in (3, 400, 3_650):
                yield f"outage of {days} days, {schedule}, {policy}", outage(schedule, "America/New_York", days, policy)
    live = parse("* * * 1 *", "America/New_York")
    start = datetime(2024, 3, 1, tzinfo=UTC)
    yield "last, * * * 1 *", lambda: lambda: live.last(start, NOW.replace(month=12))
    chain = parse_live("@every 61s", "Etc/UTC")
    yield "chain of @every, 10 years", lambda: lambda: chain.following(NOW - timedelta(days=3650), NOW)
    dense = parse("* * * * *", "America/New_York")
    change = datetime(2026, 3, 8, 8, tzinfo=UTC)
    yield "following, near a change", lambda: lambda: dense.following(change - timedelta(days=900), change)


# Shapes that grow with the number of objects.


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


def reconcile_of_waiting(policy: str, number: int) -> float:
    """One look at each of n waiting runs, in ms: what a reconcile does."""

    def make() -> Callable[[], object]:
        schedule, observed, runs = waiting_world(policy, number)
        return lambda: [plan_run(run, schedule, replace(observed, answers=()), NOW) for run in runs]

    return milliseconds(make)


def wanted(name: str) -> bool:
    return not sys.argv[1:] or any(word in name for word in sys.argv[1:])


def main() -> int:
    print(f"Decisions that need no more objects than the limits allow: ms of processor time, goal {GOAL_MS:.0f}")
    slow = []
    for name, make in moments():
        if wanted(name):
            spent = milliseconds(make)
            slow += [name] if spent > GOAL_MS else []
            print(f"  {name:58}{spent:10.2f}{'   too slow' if spent > GOAL_MS else ''}")
    print(f"\nOne look at each of {OPEN} waiting runs, ms")
    for policy in ("Allow", "Forbid", "Replace"):
        if wanted(f"look at each, {policy}"):
            print(f"  {policy:58}{reconcile_of_waiting(policy, OPEN):10.2f}")
    print(f"\nDecisions that grow with the objects: ms at {OPEN}, {FEW:,} and {MANY:,}, and the exponent")
    for name, make in GROWING.items():
        if wanted(name):
            slow += grows(name, make)
    print("\nevery goal is met" if not slow else f"\nmissed: {'; '.join(slow)}")
    return int(bool(slow))


def grows(name: str, make: Make) -> list[str]:
    """Prints one shape; returns its name if it misses a goal. A shape that is far too slow is not tried with more."""
    spent: list[float] = []
    for number in (OPEN, FEW, MANY):
        if spent and spent[-1] > 1_500:
            break
        spent.append(milliseconds(lambda number=number: make(number)))
    exponent = math.log10(spent[-1] / spent[-2])
    missed = spent[0] > GOAL_MS or exponent > GROWTH_GOAL
    figures = "".join(f"{figure:10.2f}" for figure in spent) + "         -" * (3 - len(spent))
    print(f"  {name:48}{figures}{exponent:8.2f}{'   missed' if missed else ''}", flush=True)
    return [name] if missed else []


if __name__ == "__main__":
    sys.exit(main())
