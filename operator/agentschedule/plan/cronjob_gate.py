"""When a CronJob may be written, and what must come first: quiet, settle, repair. Called by ``plan.schedule`` and
``plan.run``.

The CronJob controller creates a Job and then writes its status; a write of ours in between makes it forget the Job.
And it starts only the latest due time after ``lastScheduleTime``, so that moving that mark would drop what is owed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from agentschedule.names import Reason, scheduled_job_name
from agentschedule.plan.actions import DeleteJob, RepairCronJob, StartDue
from agentschedule.plan.cron import Cron
from agentschedule.plan.observed import CronJob, Job, Observed

# No write this long before a due time: the controller must have seen it before it acts.
QUIET = timedelta(seconds=1)
# How long the controller gets to start what is due, before we do.
PATIENCE = timedelta(seconds=1)
# The same before a manual run joins. It would have to give way to what is due, so that nothing is won by starting that
# ourselves; and a Job that the controller did not make is announced by it as unexpected.
JOINING_PATIENCE = timedelta(seconds=10)
# How long the controller gets to write its status after it made a Job. creationTimestamp has whole seconds, so that a
# Job of "two seconds ago" is at least one second old.
IN_FLIGHT = timedelta(seconds=2)
# The API's own default is none at all; the operator always writes one.
NO_DEADLINE = timedelta(days=3650)


@dataclass(frozen=True)
class Turn:
    """Whether the CronJob may be written now: wait until then, or start that first, or neither: go on."""

    wait_until: datetime | None = None
    first: StartDue | RepairCronJob | DeleteJob | None = None

    @property
    def ours(self) -> bool:
        return self.wait_until is None and self.first is None


def turn(
    observed: Observed, cron: Cron, now: datetime, end: datetime | None = None, patience: timedelta = PATIENCE
) -> Turn:
    """May the CronJob of ``observed`` be written at ``now``? ``cron`` is what is in force on the cluster; after ``end``
    nothing is due, which a CronJob cannot say."""
    cronjob = observed.cronjob
    if cronjob is None:
        return Turn()
    wait = in_flight(observed, now) or _quiet(cronjob, cron, now)
    if wait:
        return Turn(wait_until=wait)
    if fix := repair(observed):
        return Turn(first=fix)
    due = owed(observed, cron, now)
    if due is None or (end and due > end):
        return Turn()
    if now < due + patience:
        return Turn(wait_until=due + patience)
    if cronjob.replace and (rivals := [job for job in observed.unfinished if not job.deleting]):
        return Turn(first=DeleteJob(rivals[0]))  # as the controller does it
    return Turn(first=StartDue(cronjob, due))


def _quiet(cronjob: CronJob, cron: Cron, now: datetime) -> datetime | None:
    coming = _coming(cronjob, cron, now)
    return coming + PATIENCE if coming and coming - now <= QUIET else None


def write_before(cronjob: CronJob, cron: Cron, now: datetime) -> datetime | None:
    """Until when a write that begins now may reach the API server: a dry run can take its time."""
    coming = _coming(cronjob, cron, now)
    return coming - QUIET if coming else None


def _coming(cronjob: CronJob, cron: Cron, now: datetime) -> datetime | None:
    """The next due time, counted as the controller does: from its own mark."""
    return None if cronjob.suspend else cron.following(cronjob.last_schedule_time or cronjob.created, now)


def owed(observed: Observed, cron: Cron, now: datetime) -> datetime | None:
    """The due time that the controller still has to start, by its own rules: the latest, if nothing blocks it, and the
    API has not just refused its Job."""
    cronjob = observed.cronjob
    if cronjob is None or cronjob.suspend or blocked(observed) or observed.answered(Reason.JOB_REFUSED):
        return None
    deadline = NO_DEADLINE if cronjob.deadline_seconds is None else timedelta(seconds=cronjob.deadline_seconds)
    floor = max(cronjob.last_schedule_time or cronjob.created, now - deadline)
    due = cron.last(floor, now)
    if due is None or scheduled_job_name(cronjob.name, due) in observed.by_name:
        return None
    return due


def blocked(observed: Observed) -> bool:
    """True while Forbid holds back: something is active, by the CronJob's list or by its Jobs."""
    cronjob = observed.cronjob
    return bool(cronjob and cronjob.forbid and (active_entries(observed) or observed.unfinished))


def active_entries(observed: Observed) -> tuple[str, ...]:
    """uids in ``status.active`` whose Job is not known to have finished."""
    finished = {job.uid for job in observed.jobs if job.finished}
    refs = observed.cronjob.active if observed.cronjob else ()
    return tuple(ref.uid for ref in refs if ref.uid not in finished)


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
    mark = cronjob.last_schedule_time
    return [
        job
        for job in observed.controlled
        if (not job.finished and not job.deleting and not cronjob.lists(job.uid))
        or (job.due and (mark is None or job.due > mark))
    ]
