"""What one scheduled run costs the operator: CPU, decisions and writes, from the due time to the final record.

Run: python -m benchmarks.life [SCHEDULES] [MINUTES]. So many schedules are due each minute on a real control plane; the
kubelet is played, with as many status writes as a real one makes.
"""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from agentschedule import names
from benchmarks.plane import on_a_plane
from tests.world import World, agent_schedule, next_minute, rfc3339, sleep_until, wait_for
from tools.cluster import audit
from tools.cluster.operator_process import OperatorProcess

SCHEDULES, MINUTES = 50, 2
AT_ONCE = 8
PAUSE = 1.0  # between two status writes of a pod


def main() -> int:
    given = [int(number) for number in sys.argv[1:]]
    schedules, minutes = given + [SCHEDULES, MINUTES][len(given) :]
    return on_a_plane("life", lambda world, operator: measure(world, operator, schedules, minutes))


def measure(world: World, operator: OperatorProcess, schedules: int, minutes: int) -> int:
    with operator:
        for number in range(schedules):
            world.create(agent_schedule(f"s{number}", "* * * * *", concurrencyPolicy="Forbid"))
        sleep_until(next_minute())
        lives(world, schedules)  # not counted: what is read for the first time
        begun, cpu, decisions = datetime.now(UTC), operator.cpu, decided(operator)
        for _ in range(minutes):
            sleep_until(next_minute())
            lives(world, schedules)
        runs = schedules * minutes
        written = audit.writes(world.cluster, "admin", begun)
        found = [write for write in written if write.user_agent.partition("/")[0] == names.MANAGER]
        print(f"{runs} scheduled runs, for each:")
        print(f"  {(operator.cpu - cpu) * 1000 / runs:6.1f} ms of CPU, and what {minutes} minutes at rest take")
        print(f"  {(decided(operator) - decisions) / runs:6.1f} decisions")
        print(f"  {len(found) / runs:6.1f} writes")
        for (verb, resource), number in Counter((write.verb, write.resource) for write in found).most_common():
            print(f"    {number / runs:6.2f} {verb} {resource}")
    return 0


def decided(operator: OperatorProcess) -> float:
    found = re.search(r"^agentschedule_decision_cpu_seconds_count (\S+)$", operator.metrics(), re.MULTILINE)
    return float(found.group(1)) if found else 0.0


def lives(world: World, schedules: int) -> None:
    """All that is due runs, and is recorded."""
    wait_for(lambda: len(open_pods(world)) >= schedules, "a pod of each", 60)
    pods = open_pods(world)
    now = rfc3339(datetime.now(UTC))
    scheduled = {"type": "PodScheduled", "status": "True"}
    waiting = {"waiting": {"reason": "ContainerCreating"}}
    for phase, state in (
        ("Pending", None),
        ("Pending", waiting),
        ("Running", {"running": {"startedAt": now}}),
        ("Succeeded", {"terminated": {"exitCode": 0, "message": "done", "startedAt": now, "finishedAt": now}}),
    ):
        container = {"name": names.AGENT_CONTAINER, "image": "", "imageID": "", "ready": False, "restartCount": 0}
        containers = [container | {"state": state}] if state else []
        status = {"phase": phase, "startTime": now, "conditions": [scheduled], "containerStatuses": containers}
        say(world, pods, {"status": status})
        time.sleep(PAUSE)
    wait_for(lambda: not open_runs(world), "the record of each", 60)


def say(world: World, pods: list[Any], body: dict[str, Any]) -> None:
    patch = world.api.core.patch_namespaced_pod_status
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda pod: patch(pod.metadata.name, world.namespace, body), pods))


def open_pods(world: World) -> list[Any]:
    return [pod for pod in world.pods() if pod.status.phase == "Pending"]


def open_runs(world: World) -> list[Any]:
    return [run for run in world.runs() if (run.get("status") or {}).get("phase") != "Succeeded"]


if __name__ == "__main__":
    sys.exit(main())
