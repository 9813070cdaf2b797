"""What the Lease of the CronJob controller says at a moment of our own clock, and when it counts as alive."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from agentschedule.plan.controller import UNKNOWN, Controller, Renewals
from agentschedule.plan.lease import Lease
from tests.unit.builders import at

T1, T2 = "2026-11-28T12:00:00.000000Z", "2026-11-28T12:00:02.000000Z"
HELD = Lease("master-0_1", 15, 3, T1, T1, "7")
AGAIN = replace(HELD, renewed=T2, version="8")
LET_GO = replace(AGAIN, holder="")
DUE = at("08:00:00")
SECOND = timedelta(seconds=1)


def looks(*looks: tuple[Lease | None, float]) -> Renewals:
    """After looks at these moments."""
    signs = Renewals()
    for lease, now in looks:
        signs = signs.looked(lease, now)
    return signs


@pytest.mark.parametrize(
    ("signs", "now", "renews"),
    [
        pytest.param(looks(), 100, False, id="nobody has looked"),
        pytest.param(looks((None, 100), (None, 105)), 105, False, id="there is none"),
        pytest.param(looks((HELD, 100)), 100, False, id="one look says nothing"),
        pytest.param(looks((HELD, 100), (HELD, 105)), 105, False, id="it does not change"),
        pytest.param(looks((HELD, 100), (replace(HELD, version="9"), 105)), 105, False, id="a new label is no renewal"),
        pytest.param(looks((HELD, 100), (AGAIN, 105)), 105, True, id="it changes"),
        pytest.param(looks((HELD, 100), (replace(AGAIN, renewed="1999"), 105)), 105, True, id="whatever time it says"),
        pytest.param(looks((HELD, 100), (AGAIN, 105)), 114.9, True, id="for as long as it says itself"),
        pytest.param(looks((HELD, 100), (AGAIN, 105)), 115, False, id="from the look before the change on"),
        pytest.param(looks((HELD, 100), (AGAIN, 105), (AGAIN, 110)), 114.9, True, id="one renewal is late"),
        pytest.param(looks((HELD, 100), (AGAIN, 105), (AGAIN, 110)), 115, False, id="it is renewed no more"),
        pytest.param(looks((HELD, 100), (AGAIN, 3600)), 3600, False, id="it changed, who knows when"),
        pytest.param(looks((HELD, 100), (LET_GO, 105)), 105, False, id="its holder has let go"),
        pytest.param(looks((HELD, 100), (AGAIN, 105), (None, 106)), 106, False, id="it is gone"),
        pytest.param(looks((HELD, 100), (None, 105), (AGAIN, 106)), 106, False, id="it is made again: one look"),
        pytest.param(looks((HELD, 100), (replace(AGAIN, holder="other"), 105)), 105, True, id="another holds it now"),
    ],
)
def test_a_lease_is_alive_if_it_changes_between_our_looks(signs: Renewals, now: float, renews: bool) -> None:
    assert signs.go_on(now) is renews


@pytest.mark.parametrize(
    ("controller", "alive"),
    [
        pytest.param(UNKNOWN, False, id="nothing is known"),
        pytest.param(Controller(renews=True), True, id="its Lease is renewed"),
        pytest.param(Controller(made=DUE), True, id="it has made a Job of the same due time"),
        pytest.param(Controller(made=DUE + 3 * SECOND), True, id="it has made a Job since"),
        pytest.param(Controller(made=DUE - SECOND), False, id="it has made one before, and may have stopped"),
        pytest.param(Controller(renews=True, made=DUE - SECOND), True, id="it has made one before, and renews"),
    ],
)
def test_it_is_alive_though_something_is_due(controller: Controller, alive: bool) -> None:
    assert controller.alive_after(DUE) is alive
