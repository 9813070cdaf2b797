"""What really became of each due time, kept by the simulator: it sees everything, and asks no ledger."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from agentschedule.names import ConcurrencyPolicy
from agentschedule.plan.cron import Cron, parse_live
from agentschedule.plan.observed import CronJob, Job

GRACE = timedelta(seconds=5)
SECOND = timedelta(seconds=1)
CLASSES = ("started", "skipped", "missed", "unknown")


@dataclass(frozen=True)
class Period:
    """Terms in force on the cluster from ``begin`` on. Due times count from ``since`` on, or go on from before."""

    cron: Cron
    begin: datetime
    since: datetime | None
    deadline: timedelta
    forbid: bool
    suspend: bool


@dataclass
class Life:
    """One Job."""

    due: datetime
    created: datetime
    ended: datetime | None = None
    recorded: bool = False
    seen: datetime | None = None  # by the operator, last, with all that there was to write
    gone: datetime | None = None
    by: str = ""

    def active_at(self, moment: datetime) -> bool:
        return self.created <= moment and (self.ended is None or moment < self.ended)


@dataclass
class Truth:
    kept: int
    periods: list[Period] = field(default_factory=list)
    lives: dict[str, Life] = field(default_factory=dict)
    ends: list[tuple[datetime, datetime | None]] = field(default_factory=list)  # endAt or runAt, from when on
    looks: list[tuple[datetime, datetime | None]] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    # What happens, told by the cluster.

    def changed(self, old: CronJob | None, new: CronJob, now: datetime) -> None:
        cron = parse_live(new.schedule, new.time_zone)
        since = (new.in_force_since or new.created) if old is None or old.in_force_since != new.in_force_since else None
        deadline = timedelta(seconds=new.deadline_seconds or 0)
        self.periods.append(
            Period(cron, now, since, deadline, new.concurrency_policy is ConcurrencyPolicy.FORBID, new.suspend)
        )
        self.log.append(f"{now:%d %H:%M:%S.%f} terms {new.schedule} {new.time_zone} suspend={new.suspend} {since}")

    def started(self, job: Job, now: datetime, active: bool, by: str) -> None:
        due, terms = job.due, self.periods[-1]
        assert due is not None
        self.log.append(f"{now:%d %H:%M:%S.%f} Job for {due:%d %H:%M:%S} by {by}")
        assert due not in self.dues(), f"two Jobs for {due}"
        assert not terms.suspend, f"{due} started while suspended"
        assert due <= now, f"{due} started before its time"
        assert now <= due + terms.deadline + SECOND, f"{due} started after its deadline, at {now}"
        since = next(period.since for period in reversed(self.periods) if period.since)
        assert due > since, f"{due} started, though the terms took effect at {since}"
        assert not (terms.forbid and active), f"{due} started at {now} beside another, under Forbid"
        end = self.end_at(now)
        assert by != "operator" or end is None or due <= end, f"the operator started {due}, after the end {end}"
        self.lives[job.uid] = Life(due, now)

    def ended(self, uid: str, now: datetime) -> None:
        self.lives[uid].ended = now

    def deleted(self, uid: str, now: datetime, by: str) -> None:
        life = self.lives[uid]
        life.ended, life.gone, life.by = life.ended or now, now, by
        self.log.append(f"{now:%d %H:%M:%S.%f} Job for {life.due:%d %H:%M:%S} deleted by {by}")

    def window(self, now: datetime, end: datetime | None) -> None:
        self.ends.append((now, end))

    def recorded(self, uid: str) -> None:
        self.lives[uid].recorded = True

    def followed(self, now: datetime, uids: Iterable[str]) -> None:
        for uid in uids:
            self.lives[uid].seen = now

    def looks_at(self, now: datetime, jobs: list[Job]) -> None:
        """The operator sees these Jobs; others that ended before the oldest of a full history may be gone."""
        full: list[datetime] = []
        for good in (True, False):
            ended = [job.created for job in jobs if job.succeeded is good]
            full += [min(ended)] if len(ended) >= self.kept else []
        self.looks.append((now, max(full, default=None)))

    def dropping(self, current: CronJob, change: tuple[bool, bool, bool], now: datetime) -> None:
        """The terms are about to change (with the mark, to a suspended CronJob, at the user's wish) so that nothing
        older can start: nothing startable may be lost by that."""
        (mark, suspend, wished), terms, end = change, self.periods[-1], self.end_at(now)
        if current.suspend or not (mark or suspend):
            return
        coming = terms.cron.following(current.last_schedule_time or current.created, now)
        over = coming is None or (end and coming > end)
        assert wished or mark or over, f"suspended at {now} though {coming} is to come"
        floor = max(current.last_schedule_time or current.created, now - terms.deadline)
        due = terms.cron.last(floor, now)
        listed = {ref.uid for ref in current.active if not self.lives[ref.uid].ended or self.lives[ref.uid].gone}
        blocked = terms.forbid and (listed or any(life.active_at(now) for life in self.lives.values()))
        if due and not blocked and (end is None or due <= end):
            assert due in self.dues(), f"{due} could still have been started at {now}, and was dropped by a change"

    # What it comes to.

    def dues(self) -> set[datetime]:
        return {life.due for life in self.lives.values()}

    def end_at(self, moment: datetime) -> datetime | None:
        index = bisect_right(self.ends, moment, key=lambda item: item[0])
        return self.ends[max(0, index - 1)][1] if self.ends else None

    def fates(self, now: datetime) -> dict[datetime, set[str]]:
        """Each due time that is final at ``now``: its class, and the others that lost evidence excuses."""
        fates: dict[datetime, set[str]] = {}
        lives = {life.due: life for life in self.lives.values()}
        starts, anchor = sorted(lives), None
        for period, after in zip(self.periods, [*self.periods[1:], None], strict=True):
            anchor = period.since or anchor
            if period.suspend:
                continue
            closing = after is not None and (after.since is not None or after.suspend)
            settled = starts[-1] if starts else period.begin
            until = after.begin if after else now
            while anchor and (due := _next(period.cron, starts, anchor)) and due <= until:
                anchor = due
                if due in lives:
                    fates[due] = {"started"} | self._lost_start(lives[due])
                elif self._counts(period, due, now, closing or due < settled):
                    fates[due] = self._not_started(period, due)
        return fates

    def _counts(self, period: Period, due: datetime, now: datetime, closing: bool) -> bool:
        end = self.end_at(due)
        if end is not None and due > end:
            return False
        decided = min(due + period.deadline, period.cron.next(due) or due + period.deadline) + GRACE
        return closing or decided <= now

    def _not_started(self, period: Period, due: datetime) -> set[str]:
        held = [life for life in self.lives.values() if period.forbid and life.active_at(due)]
        fates = {"skipped" if held else "missed"} | self._freed(period, due, bool(held))
        for life in held:
            fates |= self._lost(life) if not life.seen else set()
        for (before, _), (look, boundary) in zip([(due, None), *self.looks], self.looks, strict=False):
            if boundary and before - period.deadline < due <= look and due <= boundary:
                fates.add("unknown")
        if period.forbid and any(self._vague(life, due) for life in self.lives.values()):
            fates.add("skipped")
        return fates

    def _freed(self, period: Period, due: datetime, held: bool) -> set[str]:
        """Held back, then set free by an edit of the policy while there was time, and still not started: missed."""
        later = self.periods[self.periods.index(period) + 1 :]
        free = (p for p in later if not p.forbid and p.since is None and p.begin <= due + max(p.deadline, GRACE))
        return {"missed"} if held and any(free) else set()

    def _vague(self, life: Life, due: datetime) -> bool:
        """Seen active, then gone: when it ended is not known."""
        if not (life.recorded and life.gone and life.ended):
            return False
        if life.seen and life.seen > life.ended:
            return False
        found = next((look for look, _ in self.looks if look >= life.gone), None)
        return life.ended <= due and (found is None or due <= found)

    def _lost(self, life: Life) -> set[str]:
        """What a Job that came and went unseen may be taken for; one that people deleted leaves nothing at all."""
        if not life.gone:
            return set()
        return {"unknown", "missed"} if life.by == "person" else {"unknown"}

    def _lost_start(self, life: Life) -> set[str]:
        lost = set() if life.recorded else self._lost(life)
        held = lost and any(o.active_at(life.due) or self._vague(o, life.due) for o in self.lives.values())
        return lost | ({"skipped"} if held else set())


def _next(cron: Cron, starts: list[datetime], anchor: datetime) -> datetime | None:
    """The chain of due times goes on from what was started."""
    due, index = cron.next(anchor), bisect_right(starts, anchor)
    start = starts[index] if index < len(starts) else None
    return start if start and due and start < due else due


def complaints(fates: dict[datetime, set[str]], counts: Counter[str]) -> list[str]:
    """What is wrong with the ledger's counts."""
    found = []
    for name in CLASSES:
        sure = sum(fate == {name} for fate in fates.values())
        most = sum(name in fate for fate in fates.values())
        if not sure <= counts[name] <= most:
            found.append(f"{name}: {counts[name]}, in truth {sure}" + (f" to {most}" if most > sure else ""))
    if counts["due"] != sum(counts[name] for name in CLASSES):
        found.append("due is not the sum of the classes")
    if counts["due"] != len(fates):
        found.append(f"due: {counts['due']}, in truth {len(fates)}")
    return found
