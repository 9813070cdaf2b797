"""Four minutes in the life of many schedules at once: the operator is away for two of them.

Called once, by the fixture ``story``; test_window and test_interval judge what it saw. The moments M0 … M4 are full
minutes. Who is where: planned and changed before M0; no operator from M0 + 12 s to M2 + 10 s; changed again before M3.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from agentschedule import names
from tests.world import Body, World, agent_schedule, next_minute, rfc3339, sleep_until, wait_for
from tools.cluster.operator_process import OperatorProcess

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
PREPARATION = timedelta(seconds=30)
EVERY = "*/1 * * * *"
SHOWN = 5  # nextRunTimes
LAST_YEAR = "2020-02-29T12:00:00Z"
# What was seen when: before and after the changes, on the operator's return, in M3, and at the end.
MOMENTS = ("applied", "planned", "back", "changed", "third", "end")


@dataclass
class Story:
    """What was seen: the status of each schedule at each of MOMENTS, and its Jobs at the end."""

    world: World
    minutes: tuple[datetime, ...]
    statuses: dict[str, dict[str, Body]] = field(default_factory=dict)
    suspended: dict[str, dict[str, bool]] = field(default_factory=dict)
    created: dict[str, datetime] = field(default_factory=dict)  # of the CronJobs
    at: dict[str, datetime] = field(default_factory=dict)
    jobs: dict[str, list[Any]] = field(default_factory=dict)
    messages: dict[str, list[str]] = field(default_factory=dict)
    log: str = ""

    def dues(self, name: str) -> list[datetime]:
        """The due times of the Jobs that a schedule had, in order; twice where there were two."""
        told = [(job.metadata.annotations or {}).get(names.CRONJOB_TIMESTAMP) for job in self.jobs.get(name, ())]
        return sorted(datetime.fromisoformat(due) for due in told if due)

    def status(self, name: str, moment: str = "end") -> Body:
        return self.statuses[moment][name]

    def counts(self, name: str) -> tuple[int, ...]:
        """due, started, skipped, missed, unknown, at the end."""
        found = self.status(name)["counts"]
        return tuple(found[key] for key in ("due", "started", "skipped", "missed", "unknown"))

    def effective(self, name: str, moment: str = "end") -> datetime:
        return datetime.fromisoformat(self.status(name, moment)["effectiveFrom"])

    def schedules(self) -> list[Body]:
        found: Any = self.world.api.custom.list_namespaced_custom_object(
            names.GROUP, names.VERSION, self.world.namespace, names.SCHEDULE_PLURAL
        )
        return list(found["items"])

    def look(self, moment: str) -> None:
        """Remember how everything is."""
        world, found = self.world, self.schedules()
        self.statuses[moment] = {one["metadata"]["name"]: one.get("status") or {} for one in found}
        cronjobs: Any = world.api.batch.list_namespaced_cron_job(world.namespace).items
        self.created = {one.metadata.name: one.metadata.creation_timestamp for one in cronjobs}
        self.suspended[moment] = {one.metadata.name: one.spec.suspend for one in cronjobs}
        self.at[moment] = datetime.now(UTC)


def schedules(minutes: tuple[datetime, ...]) -> list[Body]:
    """All of them; Allow unless they are about runs that hold back others, as no pod ever ends by itself."""
    moments = [rfc3339(minute) for minute in minutes]
    half = [rfc3339(minute + timedelta(seconds=30)) for minute in minutes]
    _, one, two, three, _ = moments
    odd = f"{minutes[0].minute},{minutes[2].minute} * * * *"
    hour = rfc3339(minutes[0] + timedelta(hours=1))
    allow: Body = {"concurrencyPolicy": "Allow"}
    whenever: Body = {"manualRuns": {"whenInactive": "Allow"}}
    return [
        _cron("starts", startAt=one, **allow),
        _cron("starts-between", startAt=half[0], **allow),
        _cron("unpended", startAt=hour, **allow),
        _cron("postponed", startAt=one, **allow),
        _cron("held", startAt=three, **allow),
        _cron("held-past", startAt=one, **allow),
        _cron("ends", endAt=half[3], **allow),
        _cron("ends-down", endAt=one, **allow),
        agent_schedule("ends-decided", odd, endAt=half[1], **allow),
        _cron("ended", endAt=LAST_YEAR, **allow),
        _cron("revived", endAt=LAST_YEAR, **allow),
        _cron("blocked", startAt=two, endAt=three),
        _cron("blocked-on", startAt=two, endAt=three),
        _cron("invalid", **allow),
        _other("once", runAt=one),
        _other("once-later", runAt=one),
        _other("once-held", runAt=one),
        _other("once-past", runAt=LAST_YEAR),
        _other("once-past-allow", runAt=LAST_YEAR, **whenever),
        _other("once-again", runAt=LAST_YEAR),
        _other("every", interval="1m", **allow),
        _other("every-starts", interval="60s", startAt=half[0], **allow),
        _other("every-ends", interval="1m", endAt=half[3], **allow),
        _other("every-resumed", interval="1m", **allow),
        _other("every-edited", interval="1h", **allow),
        _other("every-words", interval="1m", **allow),
    ]


def _cron(name: str, **spec: Any) -> Body:
    return agent_schedule(name, EVERY, **spec)


def _other(name: str, **spec: Any) -> Body:
    body = agent_schedule(name, **spec)
    del body["spec"]["schedule"]
    return body


def first_changes(story: Story) -> dict[str, Body]:
    """While the operator is there, before M0."""
    three = story.minutes[3]
    east = f"{three + timedelta(hours=2):%Y-%m-%dT%H:%M:%S}+02:00"
    return {
        "once-later": {"runAt": east},
        "once-held": {"suspend": True},
        "postponed": {"startAt": rfc3339(three)},
        "held": {"suspend": True},
        "held-past": {"suspend": True},
        "every-resumed": {"suspend": True},
        "invalid": {"timeZone": "PST"},
    }


def second_changes(story: Story) -> dict[str, Body]:
    """On its return, before M3."""
    three = story.minutes[3]
    return {
        "once-held": {"suspend": False},
        "once-again": {"runAt": rfc3339(three)},
        "held": {"suspend": False},
        "held-past": {"suspend": False},
        "unpended": {"startAt": None},
        "revived": {"endAt": rfc3339(three + timedelta(seconds=30))},
        "every-resumed": {"suspend": False},
        "every-edited": {"interval": "1m"},
        "every-words": {"message": "Other words."},
    }


def tell(world: World, operator: OperatorProcess) -> Story:
    """Live through it."""
    first = next_minute(datetime.now(UTC) + PREPARATION)
    sleep_until(first - MINUTE)  # no full minute before M0
    story = Story(world, tuple(first + number * MINUTE for number in range(5)))
    zero, _, two, three, four = story.minutes
    world.apply(*schedules(story.minutes))
    _settle(story, "applied", zero - 4 * SECOND)
    _change(story, first_changes(story), "planned", zero - 2 * SECOND)
    sleep_until(zero + 12 * SECOND)
    operator.kill()
    sleep_until(two + 10 * SECOND)
    operator.start()
    sleep_until(datetime.now(UTC) + 5 * SECOND)
    _settle(story, "back", three - 10 * SECOND)
    _change(story, second_changes(story), "changed", three - 2 * SECOND)
    sleep_until(three + 15 * SECOND)
    _end(story, "blocked", two)
    _end(story, "once", story.minutes[1])
    _trigger(story, "once-past", "once-past-allow", "ended")
    sleep_until(three + 25 * SECOND)
    story.look("third")
    sleep_until(four + 5 * SECOND)
    _end(story, "blocked-on", two)
    sleep_until(four + 42 * SECOND)
    story.look("end")
    for job in world.jobs():
        story.jobs.setdefault(job.metadata.labels[names.LABEL_SCHEDULE], []).append(job)
    for name in story.statuses["end"]:
        story.messages[name] = [event.message for event in world.events(name)]
    story.log = operator.log.read_text()
    assert operator.terminate() == 0
    return story


def _settle(story: Story, moment: str, until: datetime) -> None:
    """All statuses speak of the specs as they are."""
    while behind := [one["metadata"]["name"] for one in story.schedules() if not _answered(one)]:
        assert datetime.now(UTC) < until, f"{moment}: this machine is too slow, or no answer: {behind}"
        time.sleep(0.3)
    story.look(moment)
    print(f"{moment}: {(until - story.at[moment]).total_seconds():.1f} s to spare")
    assert story.at[moment] < until + SECOND


def _answered(schedule: Body) -> bool:
    status = schedule.get("status") or {}
    settled = {c["type"]: c["status"] for c in status.get("conditions") or ()}
    ready = settled.get("Ready") == "True" or settled.get("Accepted") == "False"
    return ready and status.get("observedGeneration") == schedule["metadata"]["generation"]


def _change(story: Story, changes: dict[str, Body], moment: str, until: datetime) -> None:
    for name, spec in changes.items():
        story.world.api.custom.patch_namespaced_custom_object(
            names.GROUP,
            names.VERSION,
            story.world.namespace,
            names.SCHEDULE_PLURAL,
            name,
            {"spec": spec},
            _content_type="application/merge-patch+json",
        )
    _settle(story, moment, until)


def _end(story: Story, schedule: str, due: datetime) -> None:
    """End the run of a due time, if there is one: what is missing is for the tests to say."""
    with suppress(AssertionError):
        story.world.play_kubelet(run_name(schedule, due))


def _trigger(story: Story, *schedules: str) -> None:
    for name in schedules:
        story.world.trigger(name, "now")
    for name in schedules:
        _try(lambda name=name: story.world.status(name).get("lastTrigger"), f"an answer of {name}")  # type: ignore[misc]


def _try(ask: Callable[[], Any], what: str) -> None:
    with suppress(AssertionError):
        wait_for(ask, what, 5)


def run_name(schedule: str, due: datetime) -> str:
    """A scheduled run is called like its Job."""
    return f"{schedule}-{int(due.timestamp()) // 60}"


def assert_foretold(story: Story, name: str, moment: str) -> None:
    """What nextRunTimes said then is what ran from then on, to the second, as far as it could come."""
    times = [datetime.fromisoformat(text) for text in story.status(name, moment).get("nextRunTimes", [])]
    assert all(due > story.at[moment] - 2 * SECOND for due in times)
    begin = times[0] if times else story.at[moment]
    until = times[-1] if len(times) == SHOWN else story.at["end"]
    came = [due for due in story.dues(name) if begin <= due <= until]
    passed = [due for due in times if due < story.at["end"] - 5 * SECOND]
    assert came[: len(passed)] == passed, (name, moment)
    assert all(due in times for due in came), (name, moment)


@contextmanager
def own_namespace(world_of: Callable[[str], World]) -> Iterator[World]:
    """A namespace for all of them."""
    world = world_of(f"t-{uuid.uuid4().hex[:8]}")
    world.cluster.kubectl("create", "namespace", world.namespace)
    wait_for(lambda: world.api.core.list_namespaced_service_account(world.namespace).items, "an account for pods", 30)
    yield world
    world.cluster.kubectl("delete", "namespace", world.namespace, "--wait=false")
