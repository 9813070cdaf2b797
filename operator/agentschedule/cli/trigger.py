"""``trigger``: run now, and say what became of it."""

from __future__ import annotations

import argparse
import json
import secrets
from typing import TYPE_CHECKING

from agentschedule.cli.arguments import add_schedule, add_wait
from agentschedule.cli.cluster import connect
from agentschedule.cli.errors import CommandError
from agentschedule.cli.output import say
from agentschedule.cli.waiting import until
from agentschedule.names import (
    ANNOTATION_TRIGGER,
    ANNOTATION_TRIGGER_MESSAGE,
    ANNOTATION_TRIGGER_PARAMS,
    TriggerOutcome,
)

if TYPE_CHECKING:
    from agentschedule.api.schedule import LastTrigger
    from agentschedule.cli.cluster import Schedule

HELP = "run a schedule's agent now"
EXAMPLE = """'{"region": "emea"}'"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which schedule, what to say to its agent, and how many seconds to wait."""
    add_schedule(parser)
    parser.add_argument("--message", metavar="TEXT", help="instead of the schedule's, where it allows that")
    parser.add_argument(
        "--params", type=_json_object, metavar="JSON", help="instead of the schedule's, where it allows that"
    )
    add_wait(parser, "the operator's answer")


def run(args: argparse.Namespace) -> None:
    """Write a token, print the operator's answer to it. Raises CommandError if it says no, or says nothing."""
    cluster = connect(args.namespace)
    token = secrets.token_hex(8)
    schedule = cluster.annotate_schedule(args.name, _request(token, args.message, args.params))
    schedule = until(
        lambda found: _answer(found, token) is not None, lambda: cluster.schedule(args.name), schedule, args.wait
    )
    answer = _answer(schedule, token)
    if answer is None:
        raise CommandError(
            f"{args.name} is asked to run, but the operator has not answered within {args.wait:g} s: is it running? "
            f"Its answer will be in status.lastTrigger, for the token {token}"
        )
    if answer.outcome is not TriggerOutcome.ACCEPTED:
        raise CommandError(f"{args.name} does not run: {_sentence(answer)}")
    say(f"{args.name}: {_sentence(answer)}")


def _request(token: str, message: str | None, params: str | None) -> dict[str, str | None]:
    """All three at once: what an earlier trigger left there would be taken for this one's."""
    return {
        ANNOTATION_TRIGGER: token,
        ANNOTATION_TRIGGER_MESSAGE: message,
        ANNOTATION_TRIGGER_PARAMS: params,
    }


def _answer(schedule: Schedule, token: str) -> LastTrigger | None:
    """The operator's answer to this token; None before it has come."""
    answer = schedule.status.last_trigger if schedule.status else None
    return answer if answer and answer.token == token else None


def _sentence(answer: LastTrigger) -> str:
    """The operator's words, with the reason or the run where they lack it."""
    message, name, reason = answer.message, answer.run, answer.reason
    if name:
        return message if name in message else f"{message or 'accepted'} (run {name})"
    return f"{message} ({reason})" if message and reason else message or reason or "no reason given"


def _json_object(text: str) -> str:
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise argparse.ArgumentTypeError(f"not JSON: {error}; write such as {EXAMPLE}") from None
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f"not a JSON object; write such as {EXAMPLE}")
    return text


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is no number in it")
