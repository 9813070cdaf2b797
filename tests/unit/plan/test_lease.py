"""What one look at the Lease allows: who may take it, and until when its holder writes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agentschedule.plan.lease import AT_ONCE, MAX_TRANSITIONS, Lease, Sighting, Terms, released, renewed, taken

ME, OTHER = "me", "other"
TERMS = Terms(10)
T1, T2 = "2026-11-28T12:00:00.000000Z", "2026-11-28T12:00:02.000000Z"
LONG_AGO, FAR_AHEAD = "1999-01-01T00:00:00.000000Z", "2199-01-01T00:00:00.000000Z"
HELD = Lease(OTHER, 10, 3, T1, T1, "7")
AGAIN = replace(HELD, renewed=T2, version="8")


def seen(*looks: tuple[Lease | None, float]) -> Sighting:
    """After looks at these moments of my own clock."""
    sighting = None
    for lease, now in looks:
        sighting = Sighting.of(sighting, lease, now)
    assert sighting
    return sighting


@pytest.mark.parametrize(
    ("sighting", "free_at"),
    [
        pytest.param(seen((None, 100)), AT_ONCE, id="there was never one"),
        pytest.param(seen((replace(HELD, holder=""), 100)), AT_ONCE, id="its holder has let go"),
        pytest.param(seen((replace(HELD, holder=ME), 100)), AT_ONCE, id="it is mine, and I did not hear of it"),
        pytest.param(seen((HELD, 100)), 110, id="another holds it: I wait as long as it says"),
        pytest.param(seen((replace(HELD, seconds=60), 100)), 160, id="and not as long as I would say"),
        pytest.param(seen((HELD, 100), (HELD, 105)), 110, id="no renewal was seen"),
        pytest.param(seen((HELD, 100), (AGAIN, 105)), 115, id="a renewal was seen"),
        pytest.param(seen((HELD, 100), (replace(HELD, version="9"), 105)), 110, id="a new label is no renewal"),
        pytest.param(seen((HELD, 100), (replace(AGAIN, renewed=LONG_AGO), 105)), 115, id="its clock goes backwards"),
        pytest.param(seen((replace(HELD, renewed=LONG_AGO), 100)), 110, id="its time is long past: alive all the same"),
        pytest.param(
            seen((replace(HELD, renewed=FAR_AHEAD), 100), (replace(HELD, renewed=FAR_AHEAD), 111)),
            110,
            id="its time lies ahead: dead all the same",
        ),
        pytest.param(seen((HELD, 100), (replace(HELD, holder="third"), 105)), 115, id="a third was faster"),
        pytest.param(seen((HELD, 100), (None, 105)), 110, id="deleted: who held it may not know yet"),
        pytest.param(seen((HELD, 100), (None, 105), (None, 120)), 110, id="deleted, and stays so"),
        pytest.param(seen((replace(HELD, holder=""), 100), (None, 105)), AT_ONCE, id="free, then deleted"),
        pytest.param(seen((HELD, 100), (None, 105), (HELD, 107)), 110, id="deleted, and made again as it was"),
    ],
)
def test_when_i_may_take_it_goes_by_my_own_clock_and_what_i_saw(sighting: Sighting, free_at: float) -> None:
    assert sighting.free_at(ME) == free_at


@pytest.mark.parametrize("duration", [2, 10, 15, 300])
def test_its_holder_stops_writing_well_before_another_may_take_it(duration: int) -> None:
    """A renewal that began at 0 is seen after it, so that nobody takes the Lease before ``duration``."""
    terms = Terms(duration)
    assert terms.writes_end == pytest.approx(duration * 0.7)
    # Three renewals may fail before that.
    assert terms.renew + 3 * terms.look <= terms.writes_end


def test_a_hand_over_takes_no_longer_than_promised() -> None:
    """After a kill: a look sees the last renewal late, and the next may see it run out late. After a clean stop: the
    next look."""
    terms = TERMS
    assert terms.look + terms.duration + terms.look < 15
    assert terms.look < 2
    assert Terms(300).look < 2


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(None, Lease(ME, 10, 0, T2, T2), id="the first"),
        pytest.param(HELD, Lease(ME, 10, 4, T2, T2, "7"), id="another's: one more change of hands"),
        pytest.param(replace(HELD, holder=""), Lease(ME, 10, 4, T2, T2, "7"), id="nobody's"),
        pytest.param(replace(HELD, holder=ME), Lease(ME, 10, 3, T1, T2, "7"), id="mine: no change of hands"),
        pytest.param(
            replace(HELD, transitions=MAX_TRANSITIONS),
            Lease(ME, 10, MAX_TRANSITIONS, T2, T2, "7"),
            id="the last number",
        ),
    ],
)
def test_what_is_written_to_take_it(before: Lease | None, after: Lease) -> None:
    """The version is that which was seen: over any other, the write is refused."""
    assert taken(before, ME, TERMS, T2) == after


def test_a_deleted_one_is_made_anew() -> None:
    sighting = seen((HELD, 100), (None, 105))
    assert taken(sighting.lease, ME, TERMS, T2) == Lease(ME, 10, 4, T2, T2, version="")


def test_what_is_written_to_keep_it_and_to_let_it_go() -> None:
    mine = Lease(ME, 10, 3, T1, T1, "7")
    assert renewed(mine, T2) == Lease(ME, 10, 3, T1, T2, "7")
    assert released(mine, T2) == Lease("", 1, 3, T2, T2, "7")
