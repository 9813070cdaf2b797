"""Schedules are edited, resumed and suspended around a full minute at which many others are due.

An edit takes effect at E. What was due before E under the old terms runs, what is due after E under the new ones runs,
and nothing else does. All are Forbid, with a deadline of five minutes: whatever is owed wrongly would start.
"""

from __future__ import annotations

import json
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from agentschedule import names
from tests.world import FULL, Body, World, agent_schedule, next_minute, sleep_until, wait_for

OTHERS, EACH = (100, 10) if FULL else (50, 6)  # schedules that stay as they are; and for each kind of change
SPREAD = (-1.5, 2.5)  # seconds around the full minute in which the changes are made
PREPARATION = timedelta(seconds=75)
SUSPEND = {"suspend": True}
MINUTE = timedelta(minutes=1)
SETTLED = timedelta(seconds=10)
PATIENCE = 40  # seconds; the controller alone takes some fifteen for the full minute's Jobs


@dataclass(frozen=True)
class Change:
    """An edit of one schedule, and what it is due at before and after it."""

    name: str
    spec: Body
    edit: Body
    at: datetime
    before: frozenset[datetime]
    after: frozenset[datetime]

    def dues(self, effective: datetime) -> list[datetime]:
        """What must run when the edit takes effect at this moment."""
        old = {due for due in self.before if due <= effective}
        return sorted(old | {due for due in self.after if due > effective})


@pytest.mark.timeout(420)
@pytest.mark.turn(-6)
def test_edits_and_resumes_around_a_due_time_start_nothing_of_the_past_and_drop_nothing(world: World) -> None:
    due = next_minute(datetime.now(UTC) + PREPARATION)
    following = due + MINUTE
    changes = _changes(due)
    _prepare(world, changes, due)

    edited = _make(world, changes)
    wait_for(lambda: not _unobserved(world, edited), "an answer to each edit", 60)
    effective = {change.name: _effective_from(world, change) for change in changes}
    _assert_plausible(changes, effective, due)
    wait_for(lambda: len(world.jobs()) >= OTHERS + EACH, "the Jobs of the full minute", 50)
    sleep_until(due + timedelta(seconds=25))
    expected = {change.name: change.dues(effective[change.name]) for change in changes}
    wanted = {name: [moment for moment in dues if moment == due] for name, dues in expected.items()}
    wanted |= {f"other-{number}": [due] for number in range(OTHERS)}
    _expect(world, wanted, 30)
    assert _inconsistent(world) == [], "kubectl get cronjobs does not tell what its Jobs do"

    for job in world.jobs():
        if not job.metadata.name.startswith("other-"):
            world.play_kubelet(job.metadata.name)
    sleep_until(following)
    wanted |= expected
    _expect(world, wanted, 60)
    sleep_until(max(datetime.now(UTC), following) + SETTLED)
    _expect(world, wanted, 0)
    assert _inconsistent(world) == []
    assert _overlaps(world) == []
    for name, dues in wanted.items():
        wait_for(lambda name=name, dues=dues: _counted(world, name, len(dues)), f"the ledger of {name}", 20)  # type: ignore[misc]
    _remove(world)


def _remove(world: World) -> None:
    """What is tested next on this cluster is not to wait for the end of hundreds of objects."""
    world.kubectl("delete", "agentschedules", "--all")
    wait_for(lambda: not world.jobs(), "no Jobs", 60)


def _changes(due: datetime) -> list[Change]:
    """Moved away from a time at hand, moved to a time just past, resumed, and suspended; spread around it."""
    following, earlier = due + MINUTE, due - MINUTE
    both = {due, following}
    made = []
    for number in range(EACH):
        at = due + timedelta(seconds=SPREAD[0] + (SPREAD[1] - SPREAD[0]) * number / (EACH - 1))
        old, new = frozenset({due}), frozenset({following})
        made.append(
            Change(f"away-{number}", {"schedule": _hourly(*old)}, {"schedule": _hourly(*new)}, at, old, new),
        )
        past = {"schedule": _hourly(earlier, *both)}
        never = {"schedule": _hourly(due + 30 * MINUTE)}
        made.append(Change(f"past-{number}", never, past, at, frozenset(), frozenset(both)))
        suspended = {"schedule": _hourly(*both), "suspend": True}
        made.append(Change(f"resumed-{number}", suspended, {"suspend": False}, at, frozenset(), frozenset(both)))
        if at >= due:
            running = {"schedule": _hourly(*both)}
            made.append(Change(f"stopped-{number}", running, SUSPEND, at, frozenset(both), frozenset()))
    return made


def _hourly(*moments: datetime) -> str:
    """Due at these minutes of each hour: nothing else falls into the test."""
    return f"{','.join(str(moment.minute) for moment in sorted(moments))} * * * *"


def _prepare(world: World, changes: list[Change], due: datetime) -> None:
    """All are at work well before the full minute."""
    bodies = [agent_schedule(change.name, **change.spec) for change in changes]
    world.apply(*bodies, *(agent_schedule(f"other-{number}", _hourly(due)) for number in range(OTHERS)))
    total = len(changes) + OTHERS
    wait_for(lambda: len(world.api.batch.list_namespaced_cron_job(world.namespace).items) == total, "all CronJobs", 60)
    assert datetime.now(UTC) < due - timedelta(seconds=4), "this machine is too slow for the test's preparation"


def _make(world: World, changes: list[Change]) -> dict[str, int]:
    """Make each edit at its moment; returns the generations that they made."""
    made = {}
    for change in changes:
        sleep_until(change.at)
        made[change.name] = world.patch(change.name, **change.edit)["metadata"]["generation"]
    return made


def _unobserved(world: World, edited: dict[str, int]) -> list[str]:
    return [name for name, made in edited.items() if world.status(name).get("observedGeneration", 0) < made]


def _effective_from(world: World, change: Change) -> datetime:
    """When the schedule in force took effect: the same for the status and for the CronJob."""
    if change.edit == SUSPEND:
        return change.at  # it brings no new terms
    effective_from = world.status(change.name)["effectiveFrom"]
    assert world.cronjob(change.name).metadata.annotations[names.ANNOTATION_EFFECTIVE_FROM] == effective_from
    return datetime.fromisoformat(effective_from)


def _assert_plausible(changes: list[Change], effective: dict[str, datetime], due: datetime) -> None:
    """An edit takes effect after it was made, in whole seconds, and soon; some do on either side of the due time."""
    waits = {change.name: (effective[change.name] - change.at).total_seconds() for change in changes}
    early = sum(moment < due for moment in effective.values())
    print(
        f"{early} of {len(changes)} took effect before; waits {min(waits.values()):.1f} … {max(waits.values()):.1f} s"
    )
    assert min(waits.values()) > -1
    assert max(waits.values()) < PATIENCE
    assert early < len(changes)


def _due(job: Any) -> datetime:
    return datetime.fromisoformat(job.metadata.annotations[names.CRONJOB_TIMESTAMP])


def _jobs(world: World) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for job in world.jobs():
        found[job.metadata.labels[names.LABEL_SCHEDULE]].append(job)
    return found


def _dues(world: World, schedules: dict[str, list[datetime]]) -> dict[str, list[datetime]]:
    """Each schedule's Jobs by their due times, twice where there are two."""
    jobs = _jobs(world)
    return {name: sorted(map(_due, jobs[name])) for name in schedules}


def _expect(world: World, wanted: dict[str, list[datetime]], seconds: float) -> None:
    """Each schedule comes to have exactly the Jobs that it must have; else says which has others, and which."""
    with suppress(AssertionError):
        wait_for(lambda: _dues(world, wanted) == wanted, "the wanted Jobs", seconds)
    found = _dues(world, wanted)
    wrong = [name for name, dues in wanted.items() if found[name] != dues]
    assert [_told(name, found[name]) for name in wrong] == [_told(name, wanted[name]) for name in wrong]


def _told(name: str, dues: list[datetime]) -> str:
    return f"{name}: {', '.join(f'{due:%H:%M}' for due in dues) or 'nothing'}"


def _inconsistent(world: World) -> list[str]:
    """CronJobs whose status is not what their Jobs are: the unfinished ones active, the latest due time noted."""
    jobs = _jobs(world)
    wrong = []
    for cronjob in json.loads(world.kubectl("get", "cronjobs", "-o", "json"))["items"]:
        mine = jobs[cronjob["metadata"]["name"]]
        unfinished = sorted(job.metadata.name for job in mine if not job.status.completion_time)
        listed = sorted(ref["name"] for ref in cronjob["status"].get("active") or ())
        last = cronjob["status"].get("lastScheduleTime")
        behind = mine and (last is None or datetime.fromisoformat(last) < max(map(_due, mine)))
        if listed != unfinished or behind:
            wrong.append(f"{cronjob['metadata']['name']}: active {listed} and {unfinished} run; last {last}")
    return wrong


def _overlaps(world: World) -> list[str]:
    """Jobs that began before the one before them had ended."""
    found = []
    for mine in _jobs(world).values():
        mine.sort(key=_due)
        for one, two in pairwise(mine):
            ended = one.status.completion_time
            if ended is None or ended > two.metadata.creation_timestamp:
                found.append(f"{two.metadata.name} beside {one.metadata.name}")
    return found


def _counted(world: World, name: str, started: int) -> bool:
    """Every due time is counted once, as started: none was missed, skipped or lost sight of."""
    counts = world.status(name)["counts"]
    assert counts["missed"] == counts["skipped"] == counts["unknown"] == 0, (name, counts)
    assert counts["due"] == counts["started"] <= started, (name, counts)
    return bool(counts["started"] == started)
