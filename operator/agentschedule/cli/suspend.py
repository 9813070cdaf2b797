"""``pause`` and ``resume``: write ``spec.suspend``, and say what that means. Called by ``cli.main``."""

from __future__ import annotations

import argparse
from typing import Any

from agentschedule.cli.cluster import Cluster, connect
from agentschedule.cli.errors import CommandError
from agentschedule.cli.waiting import Body, status_of, until
from agentschedule.names import SCHEDULE_PLURAL, Condition, SchedulePhase


def pause(args: argparse.Namespace) -> None:
    """No scheduled run starts any more. Raises CommandError."""
    cluster = connect(args.namespace)
    spec = cluster.get(SCHEDULE_PLURAL, args.name)["spec"]
    if spec.get("suspend") and args.reason in (None, spec.get("suspendReason")):
        print(f"{args.name} is already paused{_because(spec.get('suspendReason'))}.")
        return
    # Without a reason, none of an earlier pause may stay.
    schedule = _write(cluster, args, suspend=True, reason=args.reason)
    print(f"{args.name} is paused{_because(args.reason)}: nothing is due until it is resumed.")
    if active := status_of(schedule).get("activeRuns"):
        print(f"What runs already goes on: {', '.join(active)}. To stop it: kubectl agentschedule cancel {active[0]}")


def resume(args: argparse.Namespace) -> None:
    """Scheduled runs start again, from the next due time on. Raises CommandError."""
    cluster = connect(args.namespace)
    schedule = cluster.get(SCHEDULE_PLURAL, args.name)
    if not schedule["spec"].get("suspend"):
        print(f"{args.name} is not paused. {_prospects(schedule)}")
        return
    schedule = _write(cluster, args, suspend=False, reason=None)
    if status_of(schedule).get("phase") == SchedulePhase.INVALID:
        raise CommandError(f"{args.name} is resumed, but it is not in force: {_obstacle(schedule)}")
    print(f"{args.name} is resumed. {_prospects(schedule)} What came due meanwhile is not made up for.")


def _write(cluster: Cluster, args: argparse.Namespace, suspend: bool, reason: str | None) -> Body:
    """Patch the spec, and wait until the operator has taken that up: only then has the CronJob changed."""
    written = cluster.patch(SCHEDULE_PLURAL, args.name, {"spec": {"suspend": suspend, "suspendReason": reason}})
    generation = written["metadata"].get("generation", 0)
    schedule = until(
        lambda found: status_of(found).get("observedGeneration", -1) >= generation,
        lambda: cluster.get(SCHEDULE_PLURAL, args.name),
        written,
        args.wait,
    )
    if status_of(schedule).get("observedGeneration", -1) < generation:
        done, until_then = ("paused", "its CronJob goes on") if suspend else ("resumed", "nothing is started")
        raise CommandError(
            f"{args.name} is to be {done}, but the operator has not taken that up within {args.wait:g} s: "
            f"is it running? Until it has, {until_then}"
        )
    return schedule


def _because(reason: Any) -> str:
    return f" ({reason})" if reason else ""


def _prospects(schedule: Body) -> str:
    time = status_of(schedule).get("nextRunTime")
    return f"Its next run is due at {time}." if time else "Nothing is due."


def _obstacle(schedule: Body) -> str:
    """What the operator says stands in the way."""
    conditions = status_of(schedule).get("conditions") or ()
    said = (c["message"] for c in conditions if c["type"] == Condition.ACCEPTED and c["status"] == "False")
    return str(next(said, "see its conditions")).rstrip(".")
