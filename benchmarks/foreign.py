"""What Jobs, pods and CronJobs cost the operator that are not its own: on a real control plane.

Run: python -m benchmarks.foreign [NUMBER]. So many of each are made while it works, and are there when it starts anew.
Exits with 1 when the goals are missed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from benchmarks.plane import on_a_plane
from tests.world import NEVER, Body, World
from tools.cluster.operator_process import OperatorProcess

NUMBER = 10_000
AT_ONCE = 8
# Beyond an operator without them, in the same time.
GOAL_MIB, GOAL_CPU = 4.0, 1.0
POD: Body = {"restartPolicy": "Never", "containers": [{"name": "web", "image": "web.test/none:1"}]}
JOB: Body = {"suspend": True, "template": {"spec": POD}}
CRONJOB: Body = {"schedule": NEVER, "jobTemplate": {"spec": JOB}}


def main() -> int:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else NUMBER
    return on_a_plane("foreign", lambda world, operator: measure(world, operator, number))


def measure(world: World, operator: OperatorProcess, number: int) -> int:
    with operator:
        alone = told("10 s without any", operator, lambda: time.sleep(10))
        begun = time.monotonic()
        made = told(f"while {number:,} of each are made", operator, lambda: make(world, number))
        seconds = time.monotonic() - begun
    with operator:
        after = told("10 s after a restart", operator, lambda: time.sleep(10))
    memory, cpu = max(made[0], after[0]) - alone[0], made[1] - alone[1] * seconds / 10
    print(
        f"they cost {memory:.1f} MiB and {cpu:.2f} s of CPU in {seconds:.0f} s; goals: {GOAL_MIB:.0f}, {GOAL_CPU:.0f}"
    )
    return int(memory > GOAL_MIB or cpu > GOAL_CPU)


def told(what: str, operator: OperatorProcess, do: Callable[[], None]) -> tuple[float, float]:
    """MiB after it, and seconds of CPU over it."""
    before = operator.cpu
    do()
    memory, cpu = operator.memory, operator.cpu - before
    print(f"{what:40}{memory:8.1f} MiB{cpu:8.2f} s of CPU", flush=True)
    return memory, cpu


def make(world: World, number: int) -> None:
    """Suspended Jobs and CronJobs that are never due: the control plane has no more to do than to store them."""
    batch, core, space = world.api.batch, world.api.core, world.namespace

    def one(index: int) -> None:
        meta = {"name": f"foreign-{index}", "labels": {"app": "web"}}
        batch.create_namespaced_job(space, {"metadata": meta, "spec": JOB})
        batch.create_namespaced_cron_job(space, {"metadata": meta, "spec": CRONJOB})
        core.create_namespaced_pod(space, {"metadata": meta, "spec": POD | {"schedulerName": "none"}})

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(one, range(number)))


if __name__ == "__main__":
    sys.exit(main())
