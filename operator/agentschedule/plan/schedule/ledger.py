"""The ledger: which due times started, were skipped, were missed.

Each due time is counted once, in one class, from evidence: a Job or its record, ``lastScheduleTime``, and what ran at
that moment. ``through`` is the watermark up to which the ledger is closed; it moves in the status write that counts.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cached_property

from agentschedule.api.schedule import Counts, Missed
from agentschedule.names import Reason, Trigger
from agentschedule.plan.concurrency import blocks_due_times
from agentschedule.plan.cron import Cron
from agentschedule.plan.objects.build import KEPT_JOBS
from agentschedule.plan.observed import Observed

# How much later than the deadline a due time is final: the event of its Job may be on the way.
GRACE = timedelta(seconds=5)
SECOND = timedelta(seconds=1)
FOREVER = datetime.max.replace(tzinfo=UTC)
Span = tuple[datetime, datetime]


class Fate(Enum):
    """What became of a due time. The value is the field of ``Counts``."""

    STARTED = "started"
    SKIPPED = "skipped"
    MISSED = "missed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Evidence:
    """What is known of the due times of one CronJob."""

    started: frozenset[datetime]
    busy: tuple[tuple[datetime, datetime | None], ...]  # from, until (None: still active)
    last_schedule_time: datetime | None
    forgotten_until: datetime | None = None  # as many finished Jobs are kept as can be: older ones may be gone


@dataclass(frozen=True)
class Terms:
    """What is in force on the cluster."""

    cron: Cron
    effective_from: datetime
    deadline: timedelta
    blocks: bool  # an active run keeps a due time from starting
    suspend: bool
    end: datetime | None = None  # no run is due after it


@dataclass(frozen=True)
class Closed:
    """What one closing of the ledger adds."""

    fates: dict[Fate, int] = field(default_factory=dict)
    through: datetime | None = None
    last_missed: Missed | None = None
    last_started: datetime | None = None
    missed: int = 0
    again_at: datetime | None = None  # when the next due time is decided, at the latest

    def added_to(self, counts: Counts) -> Counts:
        """``counts`` with this closing in it."""
        grown = {fate.value: getattr(counts, fate.value) + number for fate, number in self.fates.items()}
        return counts.model_copy(update=grown | {"due": counts.due + sum(self.fates.values())})


def evidence_of(observed: Observed, schedule_uid: str) -> Evidence:
    """What ``observed`` proves. A record counts only with a Job's uid in its status, which users cannot write."""
    cronjob = observed.cronjob
    known, forgotten = {job.uid for job in observed.jobs}, _forgotten_until(observed)
    started = {job.due for job in observed.controlled if job.due}
    busy = [(job.created, job.finished_at) for job in observed.controlled if not job.finished or job.finished_at]
    for run in observed.runs:
        status = run.status
        if run.metadata.controller_uid() != schedule_uid or not (status and status.job_uid):
            continue
        if run.spec.trigger is Trigger.SCHEDULE and run.spec.scheduled_time:
            started.add(run.spec.scheduled_time)
        pruned = forgotten and status.start_time and status.start_time <= forgotten
        if status.start_time and (status.completion_time or (status.job_uid not in known and not pruned)):
            busy.append((status.start_time, status.completion_time))
    last = cronjob.last_schedule_time if cronjob else None
    return Evidence(frozenset(started), tuple(busy), last, forgotten)


def _forgotten_until(observed: Observed) -> datetime | None:
    """The controller keeps so many Jobs of each end, the youngest: a Job that would be younger than those was never."""
    kinds = [[job.created for job in observed.controlled if job.succeeded is good] for good in (True, False)]
    return max((min(kept) for kept in kinds if len(kept) >= KEPT_JOBS), default=None)


def close(terms: Terms, evidence: Evidence, through: datetime | None, now: datetime, final: bool = False) -> Closed:
    """Close the ledger from ``through`` as far as ``now`` allows; with ``final``, all of it: the terms end now.

    A due time is decided once it or a later one has started, the next one has come, or its deadline is over. It stops
    at the first that is not, so that the watermark never passes an open one. The cost grows with the evidence, not with
    the due times: between two pieces of evidence all share one fate, and are counted at once.
    """
    start = max(through or terms.effective_from, terms.effective_from)
    # Before the terms took effect, and while suspended, only what ran was due.
    reach = now if terms.suspend else start
    started = evidence.started | _by_mark(terms, evidence, start)
    ran = sorted(due for due in started if due <= now and (through is None or due > through))
    book = Book(terms, evidence, start, through, dict.fromkeys(Fate, 0))
    for due in (due for due in ran if due <= reach):
        book.start(due)
    if terms.suspend:
        return book.closed()
    book.anchor = start
    until = now if terms.end is None else min(now, terms.end)
    for due in (due for due in ran if due > reach):
        book.pass_over(min(due - SECOND, until))
        book.start(due)
    decided, again_at = (until, None) if final else _decided(terms, book.anchor, until, now)
    book.pass_over(decided)
    return book.closed(again_at)


def _by_mark(terms: Terms, evidence: Evidence, start: datetime) -> set[datetime]:
    """``lastScheduleTime``, where it speaks of a run whose Job is gone: not when the mark is ours. We may have died
    after writing it and before saying so, but never wrote it onto a due time."""
    mark = evidence.last_schedule_time
    if mark is None or mark in evidence.started or mark <= start:
        return set()
    anchor = max((due for due in evidence.started if start < due < mark), default=start)
    return {mark} if terms.cron.last(anchor, mark) == mark else set()


def _decided(terms: Terms, anchor: datetime, until: datetime, now: datetime) -> tuple[datetime, datetime | None]:
    """Up to where nothing can start any more, and when the first due time after that is decided, if one is open."""
    cutoff = now - GRACE
    last = terms.cron.last(anchor, min(cutoff, until))
    if last is None or decided_at(terms, last) <= now:
        decided = last or anchor
        open_due = terms.cron.next(decided)
    else:
        decided, open_due = last - SECOND, last
    if open_due is None or open_due > until:
        return decided, None
    return decided, decided_at(terms, open_due)


def decided_at(terms: Terms, due: datetime) -> datetime:
    """When a due time can start no more: its deadline is over, or the next one has come."""
    expired = due + terms.deadline
    return min(expired, terms.cron.next(due) or expired) + GRACE


@dataclass
class Book:
    """A ledger while it is being closed. ``anchor`` is where the chain of due times goes on."""

    terms: Terms
    evidence: Evidence
    anchor: datetime
    through: datetime | None
    fates: dict[Fate, int]
    last_started: datetime | None = None
    last_missed: datetime | None = None

    @cached_property
    def _spans(self) -> list[Span]:
        """When something ran, in order and without overlaps; empty where that holds nothing back."""
        spans: list[Span] = []
        for begun, ended in sorted(self.evidence.busy, key=lambda span: span[0]) if self.terms.blocks else ():
            until = ended or FOREVER
            if spans and begun <= spans[-1][1]:
                spans[-1] = spans[-1][0], max(spans[-1][1], until)
            else:
                spans.append((begun, until))
        return spans

    def start(self, due: datetime) -> None:
        self.fates[Fate.STARTED] += 1
        self.through = self.anchor = self.last_started = due

    def pass_over(self, until: datetime) -> None:
        """Count the due times in (anchor, until]: none of them started."""
        following = self.terms.cron.next(self.anchor)
        if following is None or following > until:
            return
        last = self.terms.cron.last(self.anchor, until)
        if last is None:
            return
        self._count(until)
        self.last_missed = self._latest_missed(last) or self.last_missed
        self.through = self.anchor = last

    def _count(self, until: datetime) -> None:
        total, skipped = self.terms.cron.count(self.anchor, until), self._skipped(until)
        gone = self._forgotten_until(until)
        unknown = self.terms.cron.count(self.anchor, gone) - self._skipped(gone) if gone else 0
        self.fates[Fate.SKIPPED] += skipped
        self.fates[Fate.UNKNOWN] += unknown
        self.fates[Fate.MISSED] += total - skipped - unknown

    def _forgotten_until(self, until: datetime) -> datetime | None:
        """Up to where Jobs may have come and gone: no evidence is left, either way."""
        mark, forgotten = self.evidence.last_schedule_time, self.evidence.forgotten_until
        if forgotten is None or mark is None or min(mark, forgotten) <= self.anchor:
            return None
        return min(until, mark, forgotten)

    def _busy(self, until: datetime) -> list[Span]:
        """The spans within (anchor, until]."""
        first = bisect_right(self._spans, self.anchor, key=lambda span: span[1])
        beyond = bisect_right(self._spans, until, key=lambda span: span[0])
        soonest = self.anchor + SECOND
        return [(max(begin, soonest), min(end, until)) for begin, end in self._spans[first:beyond] if end >= soonest]

    def _skipped(self, until: datetime) -> int:
        """Due times in these spans, of the chain from the anchor: those up to their ends, less those before them."""
        moments = [moment for begin, end in self._busy(until) for moment in (begin - SECOND, end)]
        counts = list(self.terms.cron.counts(self.anchor, moments))
        return sum(counts[1::2]) - sum(counts[::2])

    def _latest_missed(self, last: datetime) -> datetime | None:
        """The latest due time up to ``last`` that nothing excuses."""
        due: datetime | None = last
        for begin, end in reversed(self._busy(last)):
            if due and begin <= due <= end:
                due = self.terms.cron.last(self.anchor, begin - SECOND)
        gone = self._forgotten_until(last)
        return due if due and not (gone and due <= gone) else None

    def closed(self, again_at: datetime | None = None) -> Closed:
        fates = {fate: number for fate, number in self.fates.items() if number}
        missed = _missed(self.terms, self.last_missed) if self.last_missed else None
        return Closed(fates, self.through, missed, self.last_started, fates.get(Fate.MISSED, 0), again_at)


def _missed(terms: Terms, due: datetime) -> Missed:
    seconds = int(terms.deadline.total_seconds())
    following = terms.cron.next(due)
    if following and following < due + terms.deadline:
        message = "No Job was started before the next due time came."
        return Missed(scheduled_time=due, reason=Reason.SUPERSEDED, message=message)
    message = f"No Job was started within startingDeadlineSeconds ({seconds} s)."
    return Missed(scheduled_time=due, reason=Reason.DEADLINE_EXCEEDED, message=message)


def terms_of(observed: Observed, cron: Cron, end: datetime | None) -> Terms | None:
    """What is in force, read from the CronJob on the cluster; ``end`` is what a CronJob cannot say."""
    cronjob = observed.cronjob
    if cronjob is None:
        return None
    blocks = blocks_due_times(cronjob.concurrency_policy)
    return Terms(cron, cronjob.effective_from, cronjob.starting_deadline, blocks, cronjob.suspend, end)
