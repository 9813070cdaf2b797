"""What we accept, the API server accepts, and means the same by it: valid schedules with characters changed.

AGENTSCHEDULE_TIME_MUTATIONS: how many, 20,000 unless said (`make test-time`: 150,000).
"""

from __future__ import annotations

import os
from random import Random
from zoneinfo import available_timezones

import pytest

from agentschedule.plan import cron
from tests import oracle
from tests.oracle import cases
from tests.oracle.test_due_times import SEED

MUTATIONS = int(os.environ.get("AGENTSCHEDULE_TIME_MUTATIONS", "20000"))
START = 1_790_000_000


def resolved(schedule: str) -> str | None:
    try:
        return cron.parse(schedule, seed="team/agent").text
    except cron.ScheduleError:
        return None


@pytest.fixture(scope="module")
def mutations() -> list[str]:
    random = Random(SEED)
    return [cases.mutated(random) for _ in range(MUTATIONS)]


@pytest.mark.timeout(600)
def test_never_accepted_here_and_refused_there(mutations: list[str]) -> None:
    pairs = [(schedule, text) for schedule in mutations if (text := resolved(schedule)) is not None]
    verdicts = oracle.ask([f"parse\t{oracle.quoted(text)}" for _, text in pairs])
    refused = [(pair, verdict) for pair, verdict in zip(pairs, verdicts, strict=True) if verdict != "ok"]
    assert len(pairs) > MUTATIONS // 10
    assert not refused, refused[:5]


@pytest.mark.timeout(600)
def test_what_is_accepted_as_written_means_what_is_written(mutations: list[str]) -> None:
    pairs = [(schedule, text) for schedule in mutations if (text := resolved(schedule)) not in (None, schedule)]
    plain = [pair for pair in pairs if not set(pair[0].split()[-1]) & set("7H") and "H" not in pair[0]]
    texts = [text for pair in plain for text in pair]
    answers = oracle.ask([f"next\tEtc/UTC\t{START}\t5\t{text}" for text in texts])
    assert answers[::2] == answers[1::2]


@pytest.mark.timeout(600)
def test_a_live_schedule_is_parsed_exactly_where_robfig_parses_it() -> None:
    random = Random(SEED + 1)
    texts = [text for _ in range(MUTATIONS) if "TZ" not in (text := cases.mutated(random, ours=False))]
    verdicts = oracle.ask([f"parse\t{oracle.quoted(text)}" for text in texts])
    odd = [(text, verdict) for text, verdict in zip(texts, verdicts, strict=True) if live(text) != (verdict == "ok")]
    assert not odd, odd[:5]


def live(text: str) -> bool:
    try:
        cron.parse_live(text, "Etc/UTC")
    except cron.ScheduleError:
        return False
    return True


@pytest.mark.parametrize(
    "text",
    ["@every 1h", "@every 1h30m", "@every 90s", "@every 1.5h", "@every 500ms", "@every -2h", "@every 0", "@every 1.9s",
     "@every .5m", "@every 1h1us", "@every +3m"],
)  # fmt: skip
def test_every_is_stepped_as_robfig_steps_it(text: str) -> None:
    from datetime import UTC, datetime

    [answer] = oracle.ask([f"next\tEtc/UTC\t{START}\t1\t{text}"])
    due = cron.parse_live(text, "Etc/UTC").next(datetime.fromtimestamp(START, UTC))
    assert due is not None
    assert str(int(due.timestamp())) == answer


@pytest.mark.parametrize(
    "text", ["@every", "@every ", "@every 1d", "@every 1", "@every h", "@every  1h", "@every 9999999h"]
)
def test_every_is_refused_where_robfig_refuses_it(text: str) -> None:
    [verdict] = oracle.ask([f"parse\t{oracle.quoted(text)}"])
    assert verdict != "ok"
    assert not live(text)


def test_every_zone_we_accept_the_api_accepts() -> None:
    with oracle.package_zone_data():
        names = sorted(
            available_timezones() | {"utc", "Local", "localtime", "posixrules", "posix/Europe/Berlin", "CEST"}
        )
        verdicts = dict(zip(names, oracle.ask([f"zone\t{name}" for name in names]), strict=True))
        accepted = [name for name in names if accepts(name)]
    assert len(accepted) > 590
    assert [name for name in accepted if verdicts[name] != "ok"] == []


def accepts(name: str) -> bool:
    try:
        cron.check_zone(name)
    except cron.ScheduleError:
        return False
    return True
