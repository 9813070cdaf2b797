"""Laws of the ledger: counting whole stretches at once is the same as deciding each due time by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from agentschedule.plan.cron import parse, parse_live
from agentschedule.plan.schedule.ledger import GRACE, Evidence, Fate, Terms, close

START = datetime(2026, 3, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
CRONS = (
    parse("*/1 * * * *"),
    parse("*/7 * * * *"),
    parse("30 2 * * *", "Europe/Berlin"),
    parse("0 */6 * * *", "America/New_York"),
    parse_live("@every 90s", "Etc/UTC"),
    parse_live("@every 5h", "Etc/UTC"),
)


def at(seconds: int) -> datetime:
    return START + timedelta(seconds=seconds)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Terms, Evidence, datetime]:
    """Terms, evidence and a moment, within six hours or six days of the start."""
    cron = draw(st.sampled_from(CRONS))
    span = draw(st.sampled_from([3 * 3600, 6 * 86_400]))
    due = list(cron.between(START, at(min(span, 86_400))))
    started = frozenset(draw(st.lists(st.sampled_from(due), max_size=6))) if due else frozenset()
    spans = st.tuples(st.integers(0, span), st.integers(0, 7200), st.booleans())
    busy = tuple((at(b), None if open_end else at(b + n)) for b, n, open_end in draw(st.lists(spans, max_size=4)))
    mark = max(started, default=None) if draw(st.booleans()) else None
    terms = Terms(
        cron=cron,
        effective_from=START,
        deadline=timedelta(seconds=draw(st.sampled_from([10, 60, 300, 40_000]))),
        blocks=draw(st.booleans()),
        suspend=draw(st.booleans()),
        end=draw(st.none() | st.integers(0, span).map(at)),
    )
    forgotten = draw(st.none() | st.integers(0, span).map(at))
    return terms, Evidence(started, busy, mark, forgotten), at(draw(st.integers(0, span)))


def one_by_one(terms: Terms, evidence: Evidence, now: datetime, final: bool) -> dict[Fate, int]:
    """The rules of the ledger, read out for each due time."""
    fates = dict.fromkeys(Fate, 0)
    latest_start = max((due for due in evidence.started if due <= now), default=START)
    fates[Fate.STARTED] = sum(due <= now for due in evidence.started)
    if terms.suspend:
        return {fate: number for fate, number in fates.items() if number}
    chain, anchor = [], START
    for begin in [*sorted(due for due in evidence.started if due <= now), now]:
        chain += [due for due in terms.cron.between(anchor, begin) if due not in evidence.started]
        anchor = begin
    for due in chain:
        if terms.end and due > terms.end:
            continue
        following = terms.cron.next(due)
        decided = min(due + terms.deadline, following or now) + GRACE
        if due > latest_start and not final and now < decided:
            break
        fates[_fate(terms, evidence, due)] += 1
    return {fate: number for fate, number in fates.items() if number}


def _fate(terms: Terms, evidence: Evidence, due: datetime) -> Fate:
    if terms.blocks and any(begun <= due and (end is None or due <= end) for begun, end in evidence.busy):
        return Fate.SKIPPED
    mark, until = evidence.last_schedule_time, evidence.forgotten_until
    return Fate.UNKNOWN if mark and until and due <= min(mark, until) else Fate.MISSED


@settings(max_examples=600, deadline=None)
@given(histories(), st.booleans())
def test_counting_stretches_is_deciding_each_due_time(history: tuple[Terms, Evidence, datetime], final: bool) -> None:
    terms, evidence, now = history

    closed = close(terms, evidence, None, now, final)

    assert closed.fates == one_by_one(terms, evidence, now, final)


@settings(max_examples=400, deadline=None)
@given(histories(), st.lists(st.integers(0, 6 * 86_400), max_size=4))
def test_closing_in_pieces_is_closing_in_one_go(history: tuple[Terms, Evidence, datetime], cuts: list[int]) -> None:
    terms, evidence, now = history
    whole = close(terms, evidence, None, now)

    through, fates = None, dict.fromkeys(Fate, 0)
    for cut in [*sorted(at(cut) for cut in cuts if at(cut) < now), now]:
        piece = close(terms, evidence, through, cut)
        through = piece.through
        for fate, number in piece.fates.items():
            fates[fate] += number

    assert {fate: number for fate, number in fates.items() if number} == whole.fates


def test_a_year_of_minutes_is_counted_in_a_moment() -> None:
    terms = Terms(CRONS[0], START, timedelta(seconds=60), blocks=True, suspend=False)

    closed = close(terms, Evidence(frozenset(), (), None), None, START + timedelta(days=365))

    assert closed.fates == {Fate.MISSED: 365 * 1440 - 2}
    assert closed.again_at == START + timedelta(days=365) + GRACE


def test_nothing_is_due_before_the_terms_took_effect() -> None:
    terms = Terms(CRONS[0], at(3600), timedelta(seconds=10), blocks=True, suspend=False)

    closed = close(terms, Evidence(frozenset(), (), None), START, at(3700))

    assert (closed.fates, closed.through) == ({Fate.MISSED: 1}, at(3660))
