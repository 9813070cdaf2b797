"""Random histories: a schedule, and what happens to it and to the cluster. Small, so that a failing one can be read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

Spec = dict[str, Any]


@dataclass(frozen=True)
class Happening:
    """At ``at`` seconds: the operator, the controller, or both, are down for ``seconds``; an edit; a deletion."""

    at: float
    what: str  # operator, controller, both, nested (the controller comes back first), edit, delete, restart
    seconds: float = 0
    fuse: int | None = None  # the operator dies after so many writes, not at once
    spec: Spec = field(default_factory=dict)


@dataclass(frozen=True)
class History:
    start: datetime
    seconds: int
    spec: Spec
    happenings: tuple[Happening, ...] = ()
    lengths: tuple[float, ...] = (20.5,)
    failures: tuple[bool, ...] = (False,)
    lags: tuple[float, ...] = (0.03,)
    status_lag: float = 0.1
    kept: int = 100
    assist: bool = False  # the controller counts as alive, as it does for some seconds also when it is not

    def length(self, due: datetime) -> float:
        return self.lengths[self._index(due) % len(self.lengths)]

    def succeeds(self, due: datetime | None) -> bool:
        return due is None or not self.failures[self._index(due) % len(self.failures)]

    def _index(self, due: datetime) -> int:
        """The same for a due time whatever happens around it."""
        return int(due.timestamp()) // 60 * 7919 >> 3


@dataclass(frozen=True)
class Scale:
    """Schedules that are due about every ``gap`` seconds, over ``seconds``, from one of these starts."""

    gap: int
    seconds: int
    specs: tuple[Spec, ...]
    starts: tuple[str, ...] = ("2026-06-10T11:20:17",)


def cron(text: str, zone: str = "Etc/UTC") -> Spec:
    return {"schedule": text, "interval": None, "runAt": None, "timeZone": zone}


def every(text: str) -> Spec:
    return {"schedule": None, "interval": text, "runAt": None, "timeZone": "Etc/UTC"}


CHANGES = (
    "2026-03-28T01:10:11",
    "2026-10-24T01:10:11",
    "2026-03-07T03:00:59",
    "2026-10-31T07:10:11",
    "2026-04-04T01:00:11",
)
SCALES = (
    Scale(60, 720, (cron("* * * * *"), every("1m"), every("90s"), cron("*/2 * * * *"))),
    Scale(600, 100 * 60, (cron("*/10 * * * *"), cron("5,20,25,55 * * * *"), every("7m"), every("13m"))),
    Scale(3600, 11 * 3600, (cron("0 * * * *"), cron("30 */2 * * *", "Asia/Kolkata"), every("1h30m"), every("50m"))),
    Scale(
        21600,
        60 * 3600,
        (
            cron("30 2 * * *", "Europe/Berlin"),
            cron("30 6-16/4 * * 1-5"),
            cron("15 1,2,3 * * *", "America/New_York"),
            cron("0,30 1-3 * * *", "Europe/Berlin"),
            cron("0 2,9 * * *", "Australia/Lord_Howe"),
            cron("0 0,12 * * *", "Africa/Cairo"),
            every("5h"),
            every("9h"),
        ),
        (*CHANGES, "2026-04-23T10:00:03", "2026-06-12T05:00:00"),
    ),
)


def draw(seed: str) -> History:
    """The history of a seed."""
    random = Random(seed)
    scale = random.choice(SCALES)
    start = datetime.fromisoformat(random.choice(scale.starts)).replace(tzinfo=UTC)
    spec = random.choice(scale.specs) | _terms(random, scale) | _window(random, scale, start, 0.0)
    spec["history"] = {"succeeded": random.choice((0, 1, 10)), "failed": random.choice((0, 2, 10))}
    if random.random() < 0.1:
        spec |= _once(start + timedelta(seconds=random.uniform(0.05, 0.7) * scale.seconds))
    happenings = sorted((_happening(random, scale, start) for _ in range(random.randint(0, 5))), key=lambda h: h.at)
    longest = random.choice((0.1, 0.6, 2.5)) * scale.gap
    return History(
        start=start,
        seconds=scale.seconds,
        spec=spec,
        happenings=tuple(happenings),
        lengths=tuple(int(random.uniform(3, max(4, longest))) + 0.5 for _ in range(3)),
        failures=(False, random.random() < 0.3),
        lags=random.choice(((0.03,), (0.03,), (0.4, 0.05), (2.5, 0.1, 0.9), (8.0, 0.1))),
        status_lag=random.choice((0.05, 0.4)),
        kept=random.choice((100, 100, 1, 3)),
        assist=random.random() < 0.5,
    )


def _terms(random: Random, scale: Scale) -> Spec:
    deadlines = [10, 60, 300, scale.gap // 2, scale.gap + 60, scale.gap * 3]
    return {
        "startingDeadlineSeconds": max(10, random.choice(deadlines)),
        "concurrencyPolicy": random.choice(("Forbid", "Forbid", "Allow")),
        "suspend": random.random() < 0.1,
    }


def _window(random: Random, scale: Scale, start: datetime, passed: float) -> Spec:
    """startAt and endAt, if any; ahead of what has passed, for what lies behind is not unmade."""
    left = scale.seconds * (1 - passed)
    moment = start + timedelta(seconds=int(scale.seconds * passed))
    begin, end = int(random.uniform(0.0, 0.4) * left) + 20, int(random.uniform(0.45, 0.95) * left) + 40
    return {
        "startAt": (moment + timedelta(seconds=begin)) if random.random() < 0.15 else None,
        "endAt": (moment + timedelta(seconds=end)) if random.random() < 0.15 else None,
    }


def _once(moment: datetime) -> Spec:
    at = moment.replace(second=0, microsecond=0)
    return {"runAt": at, "schedule": None, "interval": None, "startAt": None, "endAt": None}


def _happening(random: Random, scale: Scale, start: datetime) -> Happening:
    part = random.uniform(0, 0.8)
    at = _moment(random, scale, part)
    length = round(random.choice((random.uniform(1, 20), random.uniform(0, 3) * scale.gap)), 1)
    what = random.choice(("operator", "controller", "both", "nested", "edit", "edit", "edit", "delete"))
    if what == "edit":
        return Happening(at, what, spec=_edit(random, scale, start, part))
    fuse = random.choice((None, None, 0, 1, 2, 3, 5)) if what == "operator" else None
    return Happening(at, what, 0 if what == "delete" else length, fuse)


def _moment(random: Random, scale: Scale, part: float) -> float:
    """Often within seconds of a full minute, where due times are; never on one."""
    at = part * scale.seconds
    if random.random() < 0.6:
        at = at // scale.gap * scale.gap + 43 + random.choice((-1, 0, 1, 2, 4))
    return int(at) + random.choice((0.31, 0.62, 0.87))


def _edit(random: Random, scale: Scale, start: datetime, part: float) -> Spec:
    return random.choice(
        (
            lambda: {"suspend": random.random() < 0.5},
            lambda: {"suspend": random.random() < 0.5},
            lambda: random.choice(scale.specs),
            lambda: _terms(random, scale),
            lambda: {"message": random.choice(("a", "b", "c"))},
            lambda: _window(random, scale, start, part),
        )
    )()


def restarted(history: History, seed: str) -> History:
    """The same history, and the operator restarts now and then while it is at rest."""
    random = Random(seed)
    extra = [Happening(int(random.uniform(0, 0.95) * history.seconds) + 0.13, "restart") for _ in range(4)]
    return replace(history, happenings=tuple(sorted((*history.happenings, *extra), key=lambda h: h.at)))
