"""What people read of runs with kubectl alone: a list, parts of it, and waiting for an end."""

from __future__ import annotations

import json
import re
import time

from tests.integration.steps import at_work, create_manual_run, ended, finish, started
from tests.world import World

COLUMNS = ["NAME", "SCHEDULE", "TRIGGER", "STATUS", "ATTEMPT", "STARTED", "DURATION", "COST", "AGE"]


def table(text: str) -> list[list[str]]:
    """Rows of a table of kubectl's; columns are apart by three spaces, and may be empty."""
    head, *rows = text.splitlines()
    starts = [match.start() for match in re.finditer(r"\S+", head)]
    return [
        [line[begin:end].strip() for begin, end in zip(starts, [*starts[1:], None], strict=True)]
        for line in (head, *rows)
    ]


def test_runs_read_like_a_list_and_parts_of_it_can_be_asked_for_and_waited_for(world: World) -> None:
    for name in ("report", "sales"):
        at_work(world, name, concurrencyPolicy="Allow")
    for run, schedule in (("bad", "report"), ("good", "report"), ("other", "sales"), ("open", "report")):
        create_manual_run(world, run, schedule)
        started(world, run)
        world.start_pod(run)
    time.sleep(2)
    finish(world, "good", message=json.dumps({"cost_usd": "0.045"}))
    finish(world, "bad", exit_code=1)
    finish(world, "other")
    ended(world, "other", "Succeeded")

    head, *rows = table(world.kubectl("get", "srun"))
    print(world.kubectl("get", "srun"))
    assert head == COLUMNS
    by_name = {row[0]: dict(zip(head, row, strict=True)) for row in rows}
    shown = {name: (row["SCHEDULE"], row["TRIGGER"], row["STATUS"], row["ATTEMPT"]) for name, row in by_name.items()}
    assert shown == {
        "bad": ("report", "Manual", "Failed", "1"),
        "good": ("report", "Manual", "Succeeded", "1"),
        "open": ("report", "Manual", "Running", "1"),
        "other": ("sales", "Manual", "Succeeded", "1"),
    }
    assert by_name["good"]["COST"] == "0.045"
    assert all(re.fullmatch(r"\d+s", by_name[name]["DURATION"]) for name in ("bad", "good", "other"))
    assert by_name["open"]["DURATION"] == ""
    assert all(re.fullmatch(r"(\d+m)?\d+s", row["STARTED"]) for row in by_name.values())

    def named(*selector: str) -> list[str]:
        return (
            world.kubectl("get", "srun", "-o", "name", *selector).replace("schedulerun.agentschedule.dev/", "").split()
        )

    assert named("--field-selector", "spec.scheduleName=report") == ["bad", "good", "open"]
    assert named("--field-selector", "status.phase=Failed") == ["bad"]
    assert named("--field-selector", "spec.scheduleName=sales,status.phase=Failed") == []
    assert named("-l", "agentschedule.dev/schedule=sales") == ["other"]

    for run, condition in (("good", "Complete"), ("good", "Finished"), ("bad", "Failed"), ("bad", "Finished")):
        world.kubectl("wait", f"srun/{run}", f"--for=condition={condition}", "--timeout=5s")
    for run, condition in (("bad", "Complete"), ("good", "Failed"), ("open", "Finished")):
        output = world.kubectl("wait", f"srun/{run}", f"--for=condition={condition}", "--timeout=1s", check=False)
        assert "condition met" not in output
