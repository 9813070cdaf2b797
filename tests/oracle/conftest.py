"""Fixtures of the tests that the Go library judges."""

from __future__ import annotations

from functools import cache

import pytest

from agentschedule.plan.cron import zones


@pytest.fixture(scope="session", autouse=True)
def every_era() -> None:
    """All zones in all years: what is read of one era stays, where the operator keeps the last thousand."""
    zones._read = cache(zones._read.__wrapped__)  # type: ignore[assignment]
