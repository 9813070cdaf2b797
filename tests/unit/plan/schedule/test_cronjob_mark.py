"""Where the CronJob's lastScheduleTime goes when its terms change."""

from __future__ import annotations

from datetime import datetime

import pytest

from agentschedule.plan.schedule.cronjob import mark_at
from tests.unit.builders import a_cronjob, at

NOW = at("08:00:00")


@pytest.mark.parametrize(
    ("last", "since", "mark"),
    [
        pytest.param(None, NOW, NOW, id="none yet"),
        pytest.param(at("07:00:00"), NOW, NOW, id="it moves on"),
        pytest.param(at("07:59:59"), at("07:30:00"), at("07:59:59"), id="never back behind a run"),
        pytest.param(NOW, at("07:30:00"), NOW, id="a run of this second"),
        pytest.param(at("20:00:00"), NOW, NOW, id="one that lay ahead makes way"),
        pytest.param(at("20:00:00"), at("09:00:00"), at("09:00:00"), id="one ahead makes way for another ahead"),
    ],
)
def test_the_mark_never_goes_back_behind_a_run_and_one_ahead_makes_way(
    last: datetime | None, since: datetime, mark: datetime
) -> None:
    assert mark_at(a_cronjob(last_schedule_time=last), since, NOW) == mark
