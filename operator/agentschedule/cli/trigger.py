"""``trigger``: run now, and say what became of it. Called by ``cli.main``."""

from __future__ import annotations

import argparse
import secrets
from typing import Any

from agentschedule.cli.cluster import connect
from agentschedule.cli.errors import CommandError
from agentschedule.cli.waiting import Body, status_of, until
from agentschedule.names import (
    ANNOTATION_TRIGGER,
    ANNOTATION_TRIGGER_MESSAGE,
    ANNOTATION_TRIGGER_PARAMS,
    SCHEDULE_PLURAL,
    TriggerOutcome,
)


def command(args: argparse.Namespace) -> None:
    """Write a token, print the operator's answer to it. Raises CommandError if it says no, or says nothing."""
    cluster = connect(args.namespace)
    token = secrets.token_hex(8)
    schedule = cluster.annotate(SCHEDULE_PLURAL, args.name, _request(token, args.message, args.params))

    def answered(schedule: Body) -> bool:
        return bool(_answer(schedule).get("token") == token)

    schedule = until(answered, lambda: cluster.get(SCHEDULE_PLURAL, args.name), schedule, args.wait)
    if not answered(schedule):
        raise CommandError(
            f"{args.name} is asked to run, but the operator has not answered within {args.wait:g} s: is it running? "
            f"Its answer will be in status.lastTrigger, for the token {token}"
        )
    sentence = _sentence(_answer(schedule))
    if _answer(schedule).get("outcome") != TriggerOutcome.ACCEPTED:
        raise CommandError(f"{args.name} does not run: {sentence}")
    print(f"{args.name}: {sentence}")


def _request(token: str, message: str | None, params: str | None) -> dict[str, str | None]:
    """All three at once: what an earlier trigger left there would be taken for this one's."""
    return {
        ANNOTATION_TRIGGER: token,
        ANNOTATION_TRIGGER_MESSAGE: message,
        ANNOTATION_TRIGGER_PARAMS: params,
    }


def _answer(schedule: Body) -> Body:
    return status_of(schedule).get("lastTrigger") or {}


def _sentence(answer: dict[str, Any]) -> str:
    """The operator's words, with the reason or the run where they lack it."""
    message, run, reason = (str(answer.get(key) or "") for key in ("message", "run", "reason"))
    if run:
        return message if run in message else f"{message or 'accepted'} (run {run})"
    return f"{message} ({reason})" if message and reason else message or reason or "no reason given"
