"""Pure functions of a spec, remembered: thousands of reconciles ask them for the same answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any
from unittest.mock import patch

from agentschedule.api.schedule import AgentSchedule, AgentScheduleSpec
from agentschedule.plan import cronjob_gate
from agentschedule.plan.cron import parse_live
from agentschedule.plan.objects import build
from agentschedule.plan.schedule import advisories as warnings
from agentschedule.plan.schedule import ledger, status
from agentschedule.plan.schedule import plan as schedule
from agentschedule.plan.spec import validate as validation
from agentschedule.plan.spec.timing import Timing


def _once_for_a_spec(function: Callable[..., Any], key: Callable[..., tuple[Any, ...]]) -> Callable[..., Any]:
    answers: dict[tuple[Any, ...], tuple[Any, Any]] = {}

    def remembered(*args: Any, **kwargs: Any) -> Any:
        given = key(*args, **kwargs)
        if given not in answers:
            answers[given] = (args, function(*args, **kwargs))  # the arguments are kept, so that no id is used twice
        return answers[given][1]

    return remembered


def _of_schedule(item: AgentSchedule) -> tuple[Any, ...]:
    return (id(item.spec),)


def _of_cronjob(item: AgentSchedule, timing: Timing, suspend: bool) -> tuple[Any, ...]:
    return id(item.spec), timing, suspend


def _of_warnings(spec: AgentScheduleSpec, timing: Timing, now: datetime) -> tuple[Any, ...]:
    return id(spec), timing, now.date()


@contextmanager
def remembering(kept: int) -> Iterator[None]:
    """For one history; the CronJob keeps so many finished Jobs of each kind."""
    validate = _once_for_a_spec(validation.validate, _of_schedule)
    patches = (
        patch.object(schedule, "validate", validate),
        patch.object(build, "cronjob", _once_for_a_spec(build.cronjob, _of_cronjob)),
        patch.object(status, "warnings", _once_for_a_spec(warnings.warnings, _of_warnings)),
        patch.object(cronjob_gate, "parse_live", _live),
        patch.object(build, "KEPT_JOBS", kept),
        patch.object(ledger, "KEPT_JOBS", kept),
    )
    with ExitStack() as stack:
        for item in patches:
            stack.enter_context(item)
        yield


_live = lru_cache(maxsize=1024)(parse_live)
