"""stub"""

from __future__ import annotations

from datetime import timedelta


def retry_delay(delay_seconds: int, failures: int) -> timedelta:
    return timedelta(seconds=min(delay_seconds * 2 ** (failures - 1), max(3600, delay_seconds)))


def native_delay(failures: int) -> timedelta:
    return timedelta(seconds=min(10 * 2 ** (failures - 1), 600))
