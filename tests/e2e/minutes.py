"""Schedules that are due each minute, from shortly before two full minutes on: what test_scheduled_runs.py judges."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tests.e2e.agents import MINUTE, next_minute, runner, seen, shell
from tests.world import World, agent_schedule

EVERY_MINUTE = "*/1 * * * *"
CANARY = "canary-8d1f0c"
USAGE = {"inputTokens": 120, "outputTokens": 30, "totalTokens": 150}
MESSAGE = "A coffee is $5, two are $$10; $(AGENT_NAME) must not read $(SECRET_KEY) or $SECRET_KEY."
PARAMS = {
    "output": "All is well.",
    "costUSD": "0.045",
    "usage": USAGE,
    "price": "$5 or $$6 or $(SECRET_KEY)",
    "sleepSeconds": 2,
}
SENTENCE = "the sales database is closed for the night"
FAILURE = {"exitCode": 3, "error": {"code": "Closed", "message": SENTENCE}}
# Judged from inside: who the agent is, what it may do, and whether it can talk to the API server.
INSIDE = "id -u; grep -E 'CapEff|NoNewPrivs|Seccomp:' /proc/self/status; ls /var/run/secrets/kubernetes.io"


@dataclass(frozen=True)
class Minutes:
    """A namespace with schedules that all are due at two full minutes, and at no other."""

    world: World
    first: datetime
    second: datetime


def two_minutes(world: World) -> Minutes:
    """All are at work when the first of them comes."""
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "stringData": {"SECRET_KEY": CANARY}}
    world.apply(
        secret,
        agent_schedule(
            "report",
            EVERY_MINUTE,
            runner(
                name="report-agent",
                model="echo-1",
                allowedTools=["sql", "charts"],
                envFrom=[{"secretRef": {"name": "keys"}}],
            ),
            message=MESSAGE,
            params=PARAMS,
            timeoutSeconds=100,
        ),
        agent_schedule("broken", EVERY_MINUTE, runner(), params=FAILURE),
        agent_schedule("inside", EVERY_MINUTE, shell(INSIDE)),
    )
    first = next_minute(preparation=5)
    seen(world, "report", "broken", "inside")
    return Minutes(world, first, first + MINUTE)
