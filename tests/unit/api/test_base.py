"""Times, as they are written."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agentschedule.api.base import rfc3339


@pytest.mark.parametrize("year", [1, 999, 2026, 9999])
def test_a_time_is_written_with_four_digits_for_the_year(year: int) -> None:
    assert rfc3339(datetime(year, 1, 2, 3, 4, 5, 999_999, tzinfo=UTC)) == f"{year:04}-01-02T03:04:05Z"
