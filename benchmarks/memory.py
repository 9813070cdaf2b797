"""How much memory the operator takes for what a tenant writes: on a real control plane, before and after a restart.

Run: python -m benchmarks.memory [RUNS]. Exits with 1 when the goal is missed: 15 ScheduleRuns with 1.35 MB of params
each cost no more than 64 MiB beyond an operator without them, while they come and after a restart.
"""

from __future__ import annotations

import sys
import time

from agentschedule import names
from benchmarks.plane import on_a_plane
from tests.world import World, agent_schedule, schedule_run, wait_for
from tools.cluster.operator_process import OperatorProcess

SIZE = 1_350_000  # bytes of params
RUNS = 15
GOAL = 64.0  # MiB


def main() -> int:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    return on_a_plane("memory", lambda world, operator: measure(world, operator, runs))


def measure(world: World, operator: OperatorProcess, runs: int) -> int:
    with operator:
        allowed, history = {"allowOverrides": ["params"]}, {"failed": 100}
        world.apply(agent_schedule("report", manualRuns=allowed, history=history, concurrencyPolicy="Allow"))
        time.sleep(5)
        before = told("without them", operator.memory)
        for number in range(runs):
            run = schedule_run(f"large-{number}", "report")
            run["spec"]["params"] = {"numbers": [1] * (SIZE // 2)} if number % 2 else {"text": "x" * SIZE}
            world.create(run)
        wait_for(lambda: all_ended(world, runs), "an end of each", 150)
        grown = told(f"with {runs} runs of {SIZE / 1e6:.2f} MB", operator.memory)
    with operator:
        time.sleep(5)
        after = told("after a restart", operator.memory)
    print(f"most that they cost: {max(grown, after) - before:.0f} MiB; goal: {GOAL:.0f} MiB")
    return int(max(grown, after) - before > GOAL)


def all_ended(world: World, runs: int) -> bool:
    phases = world.kubectl("get", names.RUN_PLURAL, "-o", "jsonpath={.items[*].status.phase}").split()
    return len(phases) == runs


def told(when: str, memory: float) -> float:
    print(f"{when:40}{memory:8.0f} MiB", flush=True)
    return memory


if __name__ == "__main__":
    sys.exit(main())
