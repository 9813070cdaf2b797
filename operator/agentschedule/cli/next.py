"""``next``: when a schedule is due, with the operator's own reading of schedules.

Offline for an expression; for the name of an AgentSchedule, ``cli.named`` asks the cluster.
"""

from __future__ import annotations

import argparse
import json
import re
from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

from agentschedule.cli.arguments import add_namespace, count
from agentschedule.cli.errors import USAGE, CommandError
from agentschedule.cli.output import note, say
from agentschedule.cli.subject import Subject
from agentschedule.names import DNS_LABEL
from agentschedule.plan import cron
from agentschedule.plan.spec.clock_changes import Surprise, surprises

HELP = "say when a schedule is due"
DEFAULT_COUNT = 5
# Nobody plans beyond, and no time zone is known there.
YEARS = range(1970, 3000)
_SPREAD = re.compile(r"(?:^|[\s,])H")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """An expression or a name; the zone and the H that belong to an expression; from when, and how many."""
    parser.add_argument(
        "schedule",
        metavar="SCHEDULE|NAME",
        help='as in spec.schedule, such as "0 8 * * 1-5", without a cluster; or the name of an AgentSchedule',
    )
    add_namespace(parser)
    parser.add_argument("--time-zone", default="", metavar="ZONE", help="such as Europe/Berlin; default UTC")
    parser.add_argument("--from", dest="after", metavar="TIME", help="such as 2026-12-24T18:00:00Z; default now")
    parser.add_argument("--count", type=count, default=DEFAULT_COUNT, help=f"how many; default {DEFAULT_COUNT}")
    parser.add_argument(
        "--for", dest="seed", default="", metavar="NAMESPACE/NAME", help="whose H it is, in schedules with H"
    )
    parser.add_argument("-o", dest="output", choices=["json"], help="json: for programs")


def run(args: argparse.Namespace) -> None:
    """Print the next due times. Raises CommandError for a schedule, a zone or a time that cannot be read."""
    subject = _subject(args)
    after = _after(args.after, subject.time_zone)
    coming = () if subject.idle else subject.cron.coming(subject.seed or after, after, subject.end)
    times = list(islice(coming, args.count))
    changes = list(surprises(subject.cron, after, times[-1])) if times and subject.fields else []
    if args.output == "json":
        say(*_as_json(subject, times, changes).splitlines())
    elif times:
        say(*_as_text(times, changes, ZoneInfo(subject.time_zone)))
    if remark := subject.note or ("" if times else "Nothing is due any more."):
        note(remark)


def _subject(args: argparse.Namespace) -> Subject:
    # No expression is a DNS label: five fields have blanks, and macros begin with @.
    if re.fullmatch(DNS_LABEL, args.schedule):
        from agentschedule.cli.named import named

        return named(args)
    if _SPREAD.search(args.schedule) and not args.seed:
        raise CommandError("H is a value of each schedule's own: add --for NAMESPACE/NAME", USAGE)
    try:
        parsed = cron.parse(args.schedule, args.time_zone or "Etc/UTC", seed=args.seed)
    except cron.ScheduleError as error:
        raise CommandError(str(error), USAGE) from None
    return Subject(parsed, parsed.time_zone)


def _after(text: str | None, time_zone: str) -> datetime:
    """The moment to start from; without an offset it is a time of the schedule's zone."""
    if text is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"--from {text!r} is not a time such as 2026-12-24T18:00:00Z", USAGE) from None
    if moment.year not in YEARS:
        raise CommandError(f"--from {text!r} is not between {YEARS[0]} and {YEARS[-1]}", USAGE)
    return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(time_zone))).astimezone(UTC)


def _as_json(subject: Subject, times: list[datetime], changes: list[Surprise]) -> str:
    answer: dict[str, object] = {
        **subject.facts,
        "schedule": subject.cron.text,
        "timeZone": subject.time_zone,
        "times": [_utc(time) for time in times],
        "clockChanges": [_change(change) for change in changes],
    }
    return json.dumps(answer, indent=2)


def _change(change: Surprise) -> dict[str, str]:
    return {"time": _utc(change.at), "effect": "Skipped" if change.skipped else "Added", "message": change.message}


def _as_text(times: list[datetime], changes: list[Surprise], zone: ZoneInfo) -> list[str]:
    """A row for each time; before it, what the clock did since the row above."""
    lines = [(change.at, 0, f"  {change.message}") for change in changes]
    lines += [(time, 1, f"{_utc(time)}  {time.astimezone(zone):%a %Y-%m-%d %H:%M %Z}") for time in times]
    return [line for _, _, line in sorted(lines)]


def _utc(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"
