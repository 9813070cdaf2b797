"""The operator, with bugs put into its plan: `python -m tests.integration.operator_with_bugs`.

It fails over each schedule and each run whose name begins with "broken", until a label says that it is mended.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agentschedule import __main__, names
from agentschedule.handlers import reconcile
from agentschedule.plan.run.plan import plan_run
from agentschedule.plan.schedule.plan import plan_schedule

MENDED = f"{names.GROUP}/mended"
SECRET = "hunter2"


def with_a_bug(plan: Callable[..., Any]) -> Callable[..., Any]:
    """The plan, but for what is broken."""

    def plan_or_fail(subject: Any, *args: Any) -> Any:
        if subject.metadata.name.startswith("broken") and MENDED not in subject.metadata.labels:
            raise ZeroDivisionError(f"a sentence with a secret: {SECRET}\nand a second line")
        return plan(subject, *args)

    return plan_or_fail


if __name__ == "__main__":
    vars(reconcile).update(plan_schedule=with_a_bug(plan_schedule), plan_run=with_a_bug(plan_run))
    __main__.main()
