"""Every decision that asks for concurrencyPolicy: the only module that does.

Each rule is a ``match`` over all policies, so that a new one does not type-check until every rule has its answer.
"""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from agentschedule.names import ConcurrencyPolicy
from agentschedule.plan.observed import Job, Observed


def blocks_due_times(policy: ConcurrencyPolicy) -> bool:
    """An active run keeps a due time from starting: the due time is skipped, unless the run ends in time."""
    match policy:
        case ConcurrencyPolicy.FORBID:
            return True
        case ConcurrencyPolicy.ALLOW | ConcurrencyPolicy.REPLACE:
            return False
        case _:
            assert_never(policy)


def rejects_manual_runs(policy: ConcurrencyPolicy) -> bool:
    """A manual run that is asked for while another run is active does not start."""
    match policy:
        case ConcurrencyPolicy.FORBID:
            return True
        case ConcurrencyPolicy.ALLOW | ConcurrencyPolicy.REPLACE:
            return False
        case _:
            assert_never(policy)


def replaces_active_runs(policy: ConcurrencyPolicy) -> bool:
    """A manual run takes the place of what is active: that is cancelled, and of several that wait the newest starts."""
    match policy:
        case ConcurrencyPolicy.REPLACE:
            return True
        case ConcurrencyPolicy.ALLOW | ConcurrencyPolicy.FORBID:
            return False
        case _:
            assert_never(policy)


def controller_deletes_active_jobs(policy: ConcurrencyPolicy) -> bool:
    """The CronJob controller deletes the active Jobs a moment before it makes the one that has come due."""
    match policy:
        case ConcurrencyPolicy.REPLACE:
            return True
        case ConcurrencyPolicy.ALLOW | ConcurrencyPolicy.FORBID:
            return False
        case _:
            assert_never(policy)


def is_blocked(observed: Observed) -> bool:
    """True while the CronJob's policy holds back what is due: something is active, by its list or by its Jobs."""
    cronjob = observed.cronjob
    if cronjob is None or not blocks_due_times(cronjob.concurrency_policy):
        return False
    return bool(active_entries(observed) or observed.unfinished)


def freed_at(observed: Observed) -> datetime | None:
    """When the last run ended that may have held back what is due, if it is known and the policy holds back at all."""
    cronjob = observed.cronjob
    if cronjob is None or not blocks_due_times(cronjob.concurrency_policy):
        return None
    return max((job.finished_at for job in observed.controlled if job.finished_at), default=None)


def job_to_delete_first(observed: Observed) -> Job | None:
    """The active Job that gives way to a due time, where we start it in the controller's stead; one at a time."""
    cronjob = observed.cronjob
    if cronjob is None or not controller_deletes_active_jobs(cronjob.concurrency_policy):
        return None
    return next((job for job in observed.unfinished if not job.deleting), None)


def active_entries(observed: Observed) -> tuple[str, ...]:
    """uids in the CronJob's ``status.active`` whose Job is not known to have finished."""
    references = observed.cronjob.active if observed.cronjob else ()
    jobs = ((reference.uid, observed.job_of_uid(reference.uid)) for reference in references)
    return tuple(uid for uid, job in jobs if job is None or not job.finished)
