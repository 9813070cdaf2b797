"""Which watches are dead: those that stay silent though a list has shown a change."""

from __future__ import annotations

from agentschedule.handlers.watches import SILENCE_LIMIT_SECONDS, Watches


def test_a_watch_that_stays_silent_though_there_is_news_is_dead() -> None:
    now = 0.0
    watches = Watches(clock=lambda: now)
    watches.missed("jobs")
    now = SILENCE_LIMIT_SECONDS
    assert watches.dead() == []
    now = SILENCE_LIMIT_SECONDS + 1
    assert watches.dead() == ["jobs"]


def test_a_watch_that_brings_its_news_late_is_alive() -> None:
    now = 0.0
    watches = Watches(clock=lambda: now)
    watches.missed("jobs")
    now = SILENCE_LIMIT_SECONDS - 1
    watches.heard("jobs")
    now = 10 * SILENCE_LIMIT_SECONDS
    assert watches.dead() == []


def test_a_watch_without_news_may_be_silent_for_ever() -> None:
    watches = Watches(clock=lambda: 10 * SILENCE_LIMIT_SECONDS)
    assert watches.dead() == []
