"""The ledger: each due time counted once, in one class, however often and whenever it is looked at."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentschedule import names
from agentschedule.api.schedule import Counts
from agentschedule.plan.cron import parse
from agentschedule.plan.objects.build import KEPT_JOBS
from agentschedule.plan.observed import Observed
from agentschedule.plan.schedule.ledger import GRACE, Closed, Evidence, Fate, Terms, close, evidence_of
from tests.unit.builders import SCHEDULE_UID
from tests.unit.minutely import MINUTE, NOON, SECOND, a_cronjob, a_job, a_record

NOTHING = Evidence(frozenset(), (), None)
EVERY_MINUTE = Terms(parse("*/1 * * * *"), NOON - 30 * SECOND, timedelta(seconds=30), blocks=True, suspend=False)


def at(minutes: float) -> datetime:
    return NOON + minutes * MINUTE


def fates(**number: int) -> dict[Fate, int]:
    return {Fate(name): count for name, count in number.items() if count}


def test_a_due_time_is_late_until_its_deadline_is_over_and_then_missed() -> None:
    decided = NOON + EVERY_MINUTE.deadline + GRACE
    late = close(EVERY_MINUTE, NOTHING, None, decided - SECOND)
    assert late.fates == {}
    assert late.through is None
    assert late.again_at == decided
    over = close(EVERY_MINUTE, NOTHING, None, decided)
    assert over.fates == fates(missed=1)
    assert over.through == NOON
    assert over.last_missed
    assert over.last_missed.scheduled_time == NOON
    assert over.last_missed.reason == names.Reason.DEADLINE_EXCEEDED
    assert "30 s" in over.last_missed.message


def test_a_due_time_is_missed_once_the_next_has_come_however_long_its_deadline_is() -> None:
    patient = replace(EVERY_MINUTE, deadline=timedelta(hours=1))
    assert close(patient, NOTHING, None, at(1) + GRACE - SECOND).fates == {}
    over = close(patient, NOTHING, None, at(1) + GRACE)
    assert over.fates == fates(missed=1)
    assert over.last_missed
    assert over.last_missed.reason == names.Reason.SUPERSEDED


def test_a_start_is_counted_as_soon_as_it_is_seen() -> None:
    closed = close(EVERY_MINUTE, replace(NOTHING, started=frozenset({NOON})), None, NOON)
    assert closed.fates == fates(started=1)
    assert closed.last_started == NOON
    assert closed.again_at is None


def test_a_due_time_is_decided_as_soon_as_a_later_one_has_started() -> None:
    """The controller starts the latest only: what lies before it will not start any more."""
    terms = replace(EVERY_MINUTE, deadline=timedelta(minutes=10))
    closed = close(terms, replace(NOTHING, started=frozenset({at(1)})), None, at(1) + SECOND)
    assert (closed.fates, closed.through) == ({Fate.MISSED: 1, Fate.STARTED: 1}, at(1))


@pytest.mark.parametrize(
    ("begun", "ended", "fate"),
    [
        (at(-1), None, Fate.SKIPPED),
        (at(-1), NOON, Fate.SKIPPED),
        (at(-1), NOON - SECOND, Fate.MISSED),
        (NOON + SECOND, None, Fate.MISSED),
    ],
)
def test_forbid_skips_only_while_a_run_is_active(begun: datetime, ended: datetime | None, fate: Fate) -> None:
    busy = replace(NOTHING, busy=((begun, ended),))
    assert close(EVERY_MINUTE, busy, None, NOON + 40 * SECOND).fates == {fate: 1}
    allowed = close(replace(EVERY_MINUTE, blocks=False), busy, None, NOON + 40 * SECOND)
    assert allowed.fates == {Fate.MISSED: 1}


@pytest.mark.parametrize(
    ("mark", "forgotten", "fate"),
    [
        (None, at(9), Fate.MISSED),
        (at(-1), at(9), Fate.MISSED),
        (at(5), None, Fate.MISSED),
        (at(5), at(-1), Fate.MISSED),
        (at(5), at(9), Fate.UNKNOWN),
    ],
)
def test_what_no_evidence_is_left_of_is_unknown_and_never_called_missed(
    mark: datetime | None, forgotten: datetime | None, fate: Fate
) -> None:
    evidence = replace(NOTHING, last_schedule_time=mark, forgotten_until=forgotten)
    assert close(EVERY_MINUTE, evidence, None, NOON + 40 * SECOND).fates == {fate: 1}


def test_suspended_time_is_not_due_but_what_ran_in_it_was() -> None:
    suspended = replace(EVERY_MINUTE, suspend=True)
    assert close(suspended, NOTHING, at(-1), at(60)).fates == {}
    ran = replace(NOTHING, started=frozenset({NOON}))
    closed = close(suspended, ran, at(-1), at(60))
    assert closed.fates == fates(started=1)
    assert close(suspended, ran, closed.through, at(61)).fates == {}


def test_what_lies_between_the_last_closing_and_the_new_terms_was_never_due() -> None:
    resumed = replace(EVERY_MINUTE, effective_from=at(5.5))
    closed = close(resumed, NOTHING, at(1), at(6) + 40 * SECOND)
    assert closed.fates == fates(missed=1)
    assert closed.through == at(6)


def test_an_end_of_the_terms_decides_all_that_is_open() -> None:
    closed = close(EVERY_MINUTE, NOTHING, None, NOON + SECOND, final=True)
    assert closed.fates == fates(missed=1)
    assert closed.again_at is None


def test_a_closing_is_added_to_the_counts() -> None:
    closed = Closed({Fate.STARTED: 2, Fate.MISSED: 1})
    counts = closed.added_to(Counts(due=5, started=4, unknown=1, succeeded=3))
    assert counts == Counts(due=8, started=6, missed=1, unknown=1, succeeded=3)


def test_evidence_of_a_start_is_a_job_a_record_with_its_job_or_the_controller_s_own_word() -> None:
    cronjob = a_cronjob(last_schedule_time=at(2))
    job, gone = a_job(NOON), a_job(at(1))
    recorded = a_record(gone, job_uid=gone.uid)
    evidence = evidence_of(Observed(cronjob, (job,), runs=(recorded,)), SCHEDULE_UID)
    assert (evidence.started, evidence.last_schedule_time) == ({NOON, at(1)}, at(2))
    closed = close(EVERY_MINUTE, evidence, None, at(2))
    assert (closed.fates, closed.last_started) == (fates(started=3), at(2))


def test_a_mark_beside_the_due_times_is_ours_written_before_we_died() -> None:
    beside = replace(NOTHING, last_schedule_time=at(1) + 7 * SECOND)
    assert close(EVERY_MINUTE, beside, None, at(1) + 8 * SECOND).fates == fates(missed=1)


def test_a_mark_of_ours_a_forged_record_and_another_s_job_are_no_evidence() -> None:
    cronjob = a_cronjob(last_schedule_time=at(2), in_force_since=at(2))
    foreign = a_job(NOON, controller_uid="uid-of-somebody")
    forged = a_record(a_job(at(1)), phase=names.RunPhase.PENDING)  # no uid in its status, which users cannot write
    restored = a_record(a_job(at(3)), job_uid="uid-of-a-job")
    evidence = evidence_of(Observed(cronjob, (foreign,), runs=(forged,)), SCHEDULE_UID)
    assert evidence.started == frozenset()
    assert evidence_of(Observed(cronjob, runs=(restored,)), "uid-of-another-schedule").started == frozenset()


def test_what_lies_before_the_oldest_job_may_be_forgotten_once_as_many_are_kept_as_can_be() -> None:
    jobs = tuple(a_job(at(n), succeeded=True, finished_at=at(n)) for n in range(KEPT_JOBS))
    assert evidence_of(Observed(a_cronjob(), jobs), SCHEDULE_UID).forgotten_until == at(0)
    assert evidence_of(Observed(a_cronjob(), jobs[1:]), SCHEDULE_UID).forgotten_until is None


# A world for properties: what became of each minute, and when it could be seen.


@dataclass(frozen=True)
class World:
    """``delays``: how many seconds late each minute's run starts; None: never. ``busy``: minutes a run was active."""

    terms: Terms
    delays: tuple[int | None, ...]
    busy: tuple[tuple[datetime, datetime], ...]

    @property
    def end(self) -> datetime:
        """When all is decided."""
        return at(len(self.delays)) - SECOND + self.terms.deadline + GRACE

    def seen(self, now: datetime) -> Evidence:
        """What can be known at this moment."""
        started = {at(n) for n, delay in enumerate(self.delays) if delay is not None and at(n) + delay * SECOND <= now}
        busy = [(begun, ended if ended <= now else None) for begun, ended in self.busy if begun <= now]
        return Evidence(frozenset(started), tuple(busy), max(started, default=None))

    def close_at(self, moments: list[datetime]) -> list[Closed]:
        """Closings at these moments, each from where the last one ended; nothing else is remembered in between."""
        through, closings = None, []
        for now in moments:
            closed = close(self.terms, self.seen(now), through, now)
            through = max(filter(None, (through, closed.through)), default=None)
            closings.append(closed)
        return closings


def total(closings: list[Closed]) -> Counter[Fate]:
    return Counter({fate: sum(closed.fates.get(fate, 0) for closed in closings) for fate in Fate})


@st.composite
def worlds(draw: st.DrawFn) -> World:
    deadline = draw(st.sampled_from((10, 30, 59, 60, 61, 300)))
    latest = min(deadline, 59)
    delays = draw(st.lists(st.none() | st.integers(0, latest), min_size=1, max_size=12))
    spans = draw(st.lists(st.tuples(st.integers(-60, 700), st.integers(1, 300)), max_size=3))
    busy = tuple((NOON + begun * SECOND, NOON + (begun + length) * SECOND) for begun, length in spans)
    terms = replace(EVERY_MINUTE, deadline=deadline * SECOND, blocks=draw(st.booleans()))
    return World(terms, tuple(delays), busy)


SPLITS = st.lists(st.integers(-60, 1200), max_size=15)


@given(worlds(), SPLITS)
def test_any_number_of_closings_counts_the_same_as_one(world: World, splits: list[int]) -> None:
    """So a restart or a pause of the operator changes nothing."""
    once = world.close_at([world.end])
    moments = sorted(moment for second in splits if (moment := NOON + second * SECOND) < world.end)
    often = world.close_at([*moments, world.end])
    assert total(often) == total(once)
    assert [c.last_missed for c in often if c.last_missed][-1:] == [c.last_missed for c in once if c.last_missed]
    assert [c.last_started for c in often if c.last_started][-1:] == [c.last_started for c in once if c.last_started]


@given(worlds(), SPLITS)
def test_every_due_time_is_in_exactly_one_class(world: World, splits: list[int]) -> None:
    moments = sorted({NOON + second * SECOND for second in splits} | {world.end})
    closings = world.close_at(moments)
    through = max((closed.through for closed in closings if closed.through), default=NOON - MINUTE)
    minutes = (through - NOON) // MINUTE + 1  # by arithmetic, not by the ledger's own cron
    assert sum(total(closings).values()) == minutes
    assert minutes >= len(world.delays) or moments[-1] < world.end
    assert all(sum(closed.fates.values()) == 0 or closed.through for closed in closings)
    started = sum(delay is not None for delay in world.delays)
    assert total(closings)[Fate.STARTED] == started


@given(worlds(), st.integers(0, 12 * 60))
def test_nothing_before_the_terms_took_effect_is_due(world: World, second: int) -> None:
    since = NOON + second * SECOND
    terms = replace(world.terms, effective_from=since)
    evidence = replace(NOTHING, busy=world.busy)
    closed = close(terms, evidence, None, at(30))
    due = sum(at(n) > since for n in range(31) if at(n) + min(MINUTE, terms.deadline) + GRACE <= at(30))
    assert sum(closed.fates.values()) == due
    assert total([close(replace(terms, suspend=True), evidence, None, at(30))]).total() == 0


@given(worlds(), st.integers(0, 11 * 60))
def test_an_edit_between_two_closings_loses_and_doubles_nothing_that_ran(world: World, second: int) -> None:
    """The terms end at E with all decided; what ran before is counted under them, what ran after under the new."""
    edit = NOON + second * SECOND
    first = close(world.terms, world.seen(edit), None, edit, final=True)
    ran_by_then = world.seen(edit).started
    assert first.fates.get(Fate.STARTED, 0) == len(ran_by_then)
    after = replace(world.terms, effective_from=edit)
    later = replace(world.seen(world.end), started=frozenset(t for t in world.seen(world.end).started if t > edit))
    second_one = close(after, later, first.through, world.end)
    assert total([first, second_one])[Fate.STARTED] == len(ran_by_then | later.started)
    dues = sum(total([first, second_one]).values())
    assert dues == (max(filter(None, (first.through, second_one.through))) - NOON) // MINUTE + 1
