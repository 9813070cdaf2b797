"""``trigger``: run now, and say what became of it. Called by ``cli.main``."""

from __future__ import annotations

import argparse
import secrets
import time
from typing import Any

from agentschedule.cli.cluster import Cluster, connect
from agentschedule.cli.errors import CommandError
from agentschedule.names import ANNOTATION_TRIGGER, SCHEDULE_PLURAL, TriggerOutcome

POLL_SECONDS = 0.2


def command(args: argparse.Namespace) -> None:
    """Write a token, print the operator's answer to it. Raises CommandError if it says no, or says nothing."""
    cluster = connect(args.namespace)
    token = secrets.token_hex(8)
    schedule = cluster.annotate(SCHEDULE_PLURAL, args.name, {ANNOTATION_TRIGGER: token})
    answer = _wait(cluster, schedule, token, args.wait)
    if answer is None:
        raise CommandError(
            f"{args.name} is asked to run, but the operator has not answered within {args.wait:g} s: is it running? "
            f"Its answer will be in status.lastTrigger, for the token {token}"
        )
    sentence = _sentence(answer)
    if answer.get("outcome") != TriggerOutcome.ACCEPTED:
        raise CommandError(f"{args.name} does not run: {sentence}")
    print(f"{args.name}: {sentence}")


def _wait(cluster: Cluster, schedule: dict[str, Any], token: str, seconds: float) -> dict[str, Any] | None:
    deadline = time.monotonic() + seconds
    while True:
        answer: dict[str, Any] = (schedule.get("status") or {}).get("lastTrigger") or {}
        if answer.get("token") == token:
            return answer
        if time.monotonic() >= deadline:
            return None
        time.sleep(POLL_SECONDS)
        schedule = cluster.get(SCHEDULE_PLURAL, schedule["metadata"]["name"])


def _sentence(answer: dict[str, Any]) -> str:
    """The operator's words, with the reason or the run where they lack it."""
    message, run, reason = (str(answer.get(key) or "") for key in ("message", "run", "reason"))
    if run:
        return message if run in message else f"{message or 'accepted'} (run {run})"
    return f"{message} ({reason})" if message and reason else message or reason or "no reason given"
