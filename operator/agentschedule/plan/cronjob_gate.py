"""May the CronJob be written now, and what must come first? Three rules: quiet, settle, repair. And what is started
for its controller where nothing is written: assist.

The CronJob controller creates a Job and then writes its status; a write of ours in between makes it forget the Job.
And it starts only the latest due time after ``lastScheduleTime``, so that moving that mark would drop what is owed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from agentschedule.child_names import scheduled_job_name
from agentschedule.plan.actions import DeleteJob, RepairCronJob, StartDue
from agentschedule.plan.answers import JobRefused
from agentschedule.plan.concurrency import freed_at, is_blocked, job_to_delete_first
from agentschedule.plan.cron import Cron, ScheduleError, parse_live
from agentschedule.plan.observed import CronJob, Job, Observed

# No write this long before a due time: the controller must have seen it before it acts.
QUIET = timedelta(seconds=1)
# How long the controller gets to start what is due, before we do.
CONTROLLER_GRACE = timedelta(seconds=1)
# The same before a manual run joins. It would have to give way to what is due, so that nothing is won by starting that
# ourselves; and a Job that the controller did not make is announced by it as unexpected.
JOINING_GRACE = timedelta(seconds=10)
# How long the controller gets to write its status after it made a Job. creationTimestamp has whole seconds, so that a
# Job of "two seconds ago" is at least one second old.
IN_FLIGHT = timedelta(seconds=2)


@dataclass(frozen=True)
class Gate:
    """Whether the CronJob may be written now: wait until then, or do that first, or neither: it is open."""

    wait_until: datetime | None = None
    first: StartDue | RepairCronJob | DeleteJob | None = None

    @property
    def open(self) -> bool:
        return self.wait_until is None and self.first is None


def live_cron(cronjob: CronJob | None) -> Cron | None:
    """The schedule in force on the cluster, if there is one that can be read."""
    if cronjob is None:
        return None
    try:
        return parse_live(cronjob.schedule, cronjob.time_zone)
    except ScheduleError:
        return None


def gate(
    observed: Observed,
    cron: Cron,
    now: datetime,
    end: datetime | None = None,
    grace: timedelta = CONTROLLER_GRACE,
) -> Gate:
    """May the CronJob of ``observed`` be written at ``now``? ``cron`` is what is in force on the cluster; after ``end``
    nothing is due, which a CronJob cannot say; ``grace`` is what the controller gets to start what is due."""
    cronjob = observed.cronjob
    if cronjob is None:
        return Gate()
    wait = in_flight(observed, now) or quiet_until(next_due(cronjob, cron, now), now)
    if wait:
        return Gate(wait_until=wait)
    return Gate(first=fix) if (fix := repair(observed)) else _settle(observed, cron, now, end, grace)


def _settle(observed: Observed, cron: Cron, now: datetime, end: datetime | None, grace: timedelta) -> Gate:
    cronjob, due = observed.cronjob, unstarted_due_time(observed, cron, now)
    if cronjob is None or due is None or (end and due > end):
        return Gate()
    if now < due + grace:
        return Gate(wait_until=due + grace)
    gives_way = job_to_delete_first(observed)
    return Gate(first=DeleteJob(gives_way) if gives_way else StartDue(cronjob, due))


def assist(observed: Observed, cron: Cron, now: datetime, end: datetime | None = None) -> Gate:
    """What the controller owes and has had its time to start, though it is alive: for a CronJob that is not to be
    written. Where a Job must give way first, that is left to the controller: a delay is better than a wrong deletion.
    """
    settled = _settle(observed, cron, now, end, CONTROLLER_GRACE)
    if not isinstance(settled.first, StartDue):
        return Gate(wait_until=settled.wait_until)
    freed = freed_at(observed)
    if freed and now < freed + IN_FLIGHT:  # the controller hears of that end as we do
        return Gate(wait_until=freed + IN_FLIGHT)
    return settled if observed.controller.alive_after(settled.first.due) else Gate()


def quiet_until(upcoming: datetime | None, now: datetime) -> datetime | None:
    """When a write may go on that would come in the last moment before this due time; None: it may now."""
    return upcoming + CONTROLLER_GRACE if upcoming and upcoming - now <= QUIET else None


def next_due(cronjob: CronJob, cron: Cron, now: datetime) -> datetime | None:
    """The next due time, counted as the controller does: from its own mark."""
    return None if cronjob.suspend else cron.following(cronjob.counted_from, now)


def unstarted_due_time(observed: Observed, cron: Cron, now: datetime) -> datetime | None:
    """The due time that the controller still has to start, by its own rules: the latest, if nothing blocks it, and the
    API has not just refused its Job."""
    cronjob = observed.cronjob
    if cronjob is None or cronjob.suspend or is_blocked(observed):
        return None
    due = cron.last(max(cronjob.counted_from, now - cronjob.starting_deadline), now)
    if due is None:
        return None
    name = scheduled_job_name(cronjob.name, due)
    return None if observed.job_named(name) or observed.answer(JobRefused, name) else due


def in_flight(observed: Observed, now: datetime) -> datetime | None:
    """When the controller has had its time with the youngest Job that it has not written down yet, if there is one."""
    ready = [job.created + IN_FLIGHT for job in _unwritten(observed)]
    return max(ready) if ready and max(ready) > now else None


def repair(observed: Observed) -> RepairCronJob | None:
    """The status patch that makes the CronJob know its own Jobs; call it when nothing is in flight."""
    jobs = _unwritten(observed)
    cronjob = observed.cronjob
    if cronjob is None or not jobs:
        return None
    add = tuple(job for job in jobs if not job.finished and not cronjob.lists(job.uid))
    known = [cronjob.last_schedule_time] if cronjob.last_schedule_time else []
    times = known + [job.due for job in jobs if job.due]
    return RepairCronJob(cronjob, add, max(times) if times else None)


def _unwritten(observed: Observed) -> list[Job]:
    """The CronJob's Jobs that its status should speak of and does not."""
    cronjob = observed.cronjob
    if cronjob is None:
        return []
    last = cronjob.last_schedule_time
    return [
        job
        for job in observed.controlled
        if (not job.finished and not job.deleting and not cronjob.lists(job.uid))
        or (job.due and (last is None or job.due > last))
    ]
