"""How long a failed attempt waits for the next one.

Kubernetes waits by its own rule; a longer wait is held by the operator.
"""

from __future__ import annotations

from datetime import timedelta

# retry.delaySeconds doubles up to this, unless it is more from the start.
MAX_DELAY_SECONDS = 3600
# The Job controller's backoff: not to be set.
NATIVE_SECONDS, MAX_NATIVE_SECONDS = 10, 600
# Beyond any of the limits above; a count that somebody wrote into an annotation must not become a huge power.
MAX_DOUBLINGS = 12


def retry_delay(delay_seconds: int, failures: int) -> timedelta:
    """The wait that the schedule asks for after so many failed attempts, from 1: the first retry waits
    ``delay_seconds``."""
    return _doubled(delay_seconds, failures, max(MAX_DELAY_SECONDS, delay_seconds))


def native_delay(failures: int) -> timedelta:
    """Kubernetes' own wait after so many failed attempts, from 1."""
    return _doubled(NATIVE_SECONDS, failures, MAX_NATIVE_SECONDS)


def total_delay(delay_seconds: int, limit: int) -> timedelta:
    """All the waits of a run that needs each of its retries."""
    return sum((retry_delay(delay_seconds, failures) for failures in range(1, limit + 1)), timedelta())


def _doubled(first: int, failures: int, most: int) -> timedelta:
    doublings = min(max(failures - 1, 0), MAX_DOUBLINGS)
    return timedelta(seconds=min(first * 2**doublings, most))
