"""Operators and their Lease, in virtual time: who leads when one is killed, stopped, or cut off from the API server."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Iterable
from dataclasses import replace

import pytest

from agentschedule.errors import LeaseLost
from tests.unit.handlers.candidates import TERMS, Candidate, Server, two
from tests.unit.handlers.virtual import now, run


def test_one_leads_and_renews_and_the_other_only_looks() -> None:
    async def story() -> None:
        server = Server()
        await two(server)
        holders = {holder for _, holder in server.written}
        assert holders == {"first"}
        gaps = [b - a for (a, _), (b, _) in zip(server.written, server.written[1:], strict=False)]
        assert max(gaps) < TERMS.renew + 0.01

    run(story())


def test_after_a_kill_the_other_leads_within_the_duration_and_two_looks() -> None:
    async def story() -> float:
        first, second = await two()
        first.kill()
        return await second.leads_within(15)

    took = [run(story()) for _ in range(20)]
    assert TERMS.duration - TERMS.renew <= min(took)
    assert max(took) < TERMS.duration + 2 * TERMS.look


def test_after_a_clean_stop_the_other_leads_at_its_next_look() -> None:
    async def story() -> float:
        first, second = await two()
        await first.stop()
        return await second.leads_within(2)

    assert max(run(story()) for _ in range(20)) < TERMS.look + 0.1


def test_one_that_may_have_a_write_under_way_does_not_let_go() -> None:
    async def story() -> float:
        first, second = await two()
        await first.stop(let_go=False)
        return await second.leads_within(15)

    assert run(story()) > TERMS.duration - TERMS.renew


@pytest.mark.parametrize("fault", ["cut", "silent", "deaf"])
def test_one_that_is_cut_off_stops_writing_ends_and_the_other_leads_later(fault: str) -> None:
    async def story() -> None:
        first, second = await two()
        setattr(first.line, fault, True)
        began = now()
        with pytest.raises(LeaseLost, match="not renewed for 7"):
            await first.process
        lost = now()
        assert not first.leader.leads()
        assert TERMS.writes_end - TERMS.renew <= lost - began <= TERMS.writes_end
        await second.leads_within(15)
        assert now() - lost >= (TERMS.duration - TERMS.writes_end if fault != "deaf" else 0)

    run(story())


def test_it_counts_from_before_a_renewal_was_sent_however_late_the_answer_comes() -> None:
    async def story() -> None:
        slow = Candidate("slow", Server(), seconds=2.0)
        await slow.leads_within(5)
        assert now() == pytest.approx(4.0)  # a look, and a write that was sent at 2
        slow.line.cut = True
        with pytest.raises(LeaseLost):
            await slow.process
        assert now() == pytest.approx(2.0 + TERMS.writes_end, abs=0.01)

    run(story())


def test_a_hiccup_of_the_api_server_costs_nothing() -> None:
    async def story() -> None:
        first, second = await two()
        for _ in range(5):
            first.line.cut = True
            await asyncio.sleep(4)
            first.line.cut = False
            await asyncio.sleep(4)
        assert first.leader.leads()
        assert not second.leader.leads()

    run(story())


def test_one_that_was_stopped_ends_without_another_word() -> None:
    """As by SIGSTOP: its clock has gone on, and it has not."""

    async def story() -> None:
        first, _ = await two()
        wrote = len(first.line.server.written)
        first.leader.clock = lambda: now() + 20
        with pytest.raises(LeaseLost):
            await first.process
        assert len(first.line.server.written) == wrote

    run(story())


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        pytest.param({"holder": "third"}, "held by third", id="taken by another"),
        pytest.param({"holder": ""}, "free", id="emptied by hand"),
        pytest.param(None, "free", id="deleted"),
    ],
)
def test_what_others_did_to_the_lease_is_noticed_at_the_next_renewal(changed: dict[str, str] | None, says: str) -> None:
    async def story() -> None:
        server = Server()
        first = Candidate("first", server)
        await first.leads_within(1)
        assert server.lease
        server.lease = replace(server.lease, version="x", **changed) if changed is not None else None
        began = now()
        with pytest.raises(LeaseLost, match=says):
            await first.process
        assert not first.leader.leads()
        assert now() - began < TERMS.renew + 0.1

    run(story())


def test_a_label_on_the_lease_changes_nothing() -> None:
    async def story() -> None:
        server = Server()
        first, second = await two(server)
        assert server.lease
        server.lease = replace(server.lease, version="labelled")
        await asyncio.sleep(30)
        assert first.leader.leads()
        assert not second.leader.leads()

    run(story())


def test_of_many_that_begin_at_once_one_leads() -> None:
    async def story() -> list[bool]:
        server = Server()
        crowd = [Candidate(str(number), server) for number in range(10)]
        await asyncio.sleep(5)
        return [candidate.leader.leads() for candidate in crowd]

    assert sum(run(story())) == 1


def test_it_is_told_once_who_leads(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def story() -> None:
        first, second = await two()
        await first.stop()
        await second.leads_within(2)
        await asyncio.sleep(20)

    run(story())
    told = [record.getMessage() for record in caplog.records]
    assert [words for words in told if words.endswith("leads")] == [
        "nobody leads", "this operator leads", "first leads", "nobody leads", "this operator leads",
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(10))
def test_no_two_lead_at_once_whatever_happens_and_somebody_does_in_the_end(seed: int) -> None:
    """Clocks that are hours apart, answers that are late, lost or refused, operators that are killed and started."""
    dice = random.Random(seed)

    async def story() -> None:
        server, made = Server(), iter(range(1000))

        def another() -> Candidate:
            ahead, seconds = dice.uniform(-1e6, 1e6), dice.choice([0.001, 0.3, 2.0])
            return Candidate(str(next(made)), server, ahead=ahead, seconds=seconds)

        crowd = [another() for _ in range(3)]
        for _ in range(40):
            await watch(crowd, dice.uniform(0, 12))
            one = dice.choice(crowd)
            match dice.choice(["kill", "stop", "fault", "mend"]):
                case "kill":
                    one.kill()
                case "stop":
                    await one.stop()
                case "fault":
                    setattr(one.line, dice.choice(["cut", "silent", "deaf"]), True)
                case "mend":
                    one.line.cut = one.line.silent = one.line.deaf = False
            ended = [c for c in crowd if c.process.done()]
            crowd = [c for c in crowd if c not in ended] + [another() for _ in ended]
        for one in crowd:
            one.line.cut = one.line.silent = one.line.deaf = False
            one.line.seconds = 0.001
        await watch(crowd, 30)
        assert sum(c.leader.leads() for c in crowd) == 1

    run(story())


async def watch(crowd: Iterable[Candidate], seconds: float) -> None:
    """At no moment do two lead."""
    until = now() + seconds
    while now() < until:
        leading = [c.leader.me for c in crowd if c.leader.leads()]
        assert len(leading) <= 1, leading
        await asyncio.sleep(0.5)
