"""The names of what a schedule makes. Each is a lock: whoever creates the object first has what it stands for."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime

from agentschedule.names import DNS_LABEL, DUE_MINUTE_SUFFIX, MAX_RUN_NAME


def short_hash(*parts: str) -> str:
    """Ten hexadecimal digits of the parts' SHA-256, for names and tokens."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:10]


def scheduled_job_name(cronjob: str, due: datetime) -> str:
    """The name that the CronJob controller gives the Job of a due time: the lock on that minute."""
    return f"{cronjob}-{int(due.timestamp()) // 60}"


def triggered_run_name(schedule: str, schedule_uid: str, token: str) -> str:
    """The name of the run that an annotation's token starts: the lock on that token.

    Starts with ``m``, so that it can never be a due minute.
    """
    return f"{schedule}-m{short_hash(schedule_uid, token)}"


def recorded_run_name(schedule: str, job: str, job_uid: str, scheduled: bool) -> str:
    """The name of the record of a Job that was not made for a ScheduleRun: the Job's own, where the API allows it."""
    fits = len(job) <= MAX_RUN_NAME and re.match(DNS_LABEL, job) and not re.search(DUE_MINUTE_SUFFIX, job)
    return job if scheduled or fits else unique_run_name(schedule, job_uid)


def unique_run_name(schedule: str, job_uid: str, number: int = 0) -> str:
    """A name for the record of a Job whose own name cannot serve; the next one, where somebody has taken that too."""
    return f"{schedule}-j{short_hash(job_uid, *([str(number)] if number else []))}"
