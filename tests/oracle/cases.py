"""Random schedules, starts and slips of the pen for the comparison with the oracle; the same for the same seed."""

from __future__ import annotations

from random import Random

from agentschedule.plan.cron.dialect import greatest
from agentschedule.plan.cron.robfig_parser import FIELDS, MACROS, Field
from agentschedule.plan.cron.zones import DAY, Zone

YEAR = 366 * DAY
YEAR_2000 = 946_684_800
COMMON = [
    "* * * * *", "0 * * * *", "*/5 * * * *", "*/15 9-17 * * 1-5", "0 0 * * *", "30 1 * * *", "30 2 * * *", "0 3 * * 0",
    "0 9 * * 1-5", "0 0 1 * *", "0 0 1 1 *", "0 0 31 * *", "0 0 29 2 *", "0 12 13 * 5", "30 6-16/4 * * 1-5",
    "0 0 */2 * 1", "15 0 * 3,4,9-11 *", "0 0 1-7 * mon", "0 23 * * *", "59 23 31 12 *", "0 0,12 1 */3 ?",
    "0 0 * * SUN", "0 0 * */2 1", "0 0 * * */2", "0 0 * * */1,3", "0 0 15 * *,1", "45 23 * * 6", "0 1 1 11 *",
    "5/20 1-3 * * *",
]  # fmt: skip


def schedule(random: Random, *, ours: bool = False) -> str:
    """A valid schedule; `ours`: also with what only the project takes, `H` and 7."""
    kind = random.random()
    if kind < 0.15:
        return random.choice(COMMON)
    if kind < 0.18:
        return random.choice(list(MACROS))
    # Few fields are restricted at a time, or most schedules would hardly ever fire.
    return " ".join(_column(random, field, ours) if random.random() < 0.55 else "*" for field in FIELDS)


def _column(random: Random, field: Field, ours: bool) -> str:
    return ",".join(_entry(random, field, ours) for _ in range(random.choice((1, 1, 1, 2, 3))))


def _entry(random: Random, field: Field, ours: bool) -> str:
    kind = random.random()
    step = f"/{random.randint(1, field.size)}" if random.random() < 0.25 else ""
    if kind < 0.15:
        return random.choice("**?") + step
    if ours and kind < 0.4:
        return "H" + step
    last = greatest(field) if ours else field.greatest
    low, high = sorted((random.randint(field.least, last), random.randint(field.least, last)))
    if field.names and high <= field.greatest and random.random() < 0.4:
        first, end = (random.choice((str, str.upper, str.title))(field.names[n - field.least]) for n in (low, high))
    else:
        first, end = (random.choice((str(n), str(n), f"{n:02}")) for n in (low, high))
    return (f"{first}-{end}" if kind < 0.55 else first) + step


def mutated(random: Random, *, ours: bool = True) -> str:
    """A valid schedule with one to three characters changed: many of these are still valid."""
    text = schedule(random, ours=ours)
    for _ in range(random.randint(1, 3)):
        at = random.randint(0, len(text))
        piece = random.choice([*"0123456789" * 2, *"*?/,-- H", "h", "L", "W", "#", "@", "+", "\t", "\n", "\u00a0", "_",
                               "mon", "feb", "TZ=UTC ", "CRON_TZ=", "@every 1h", "7", "\u0663", "\u2003"])  # fmt: skip
        text = text[:at] + piece * random.randint(0, 1) + text[at + random.randint(0, 1) :]
    return text


def start(random: Random, clock: Zone) -> int:
    """Seconds since 1970: half within four days of a change of the clock, if the zone has one; some a century away."""
    wide = random.random() < 0.03
    around = YEAR_2000 + random.randint(-100 if wide else -5, 100 if wide else 60) * YEAR
    instant = around + random.randrange(YEAR)
    if random.random() < 0.55:
        piece = clock.segment(instant)
        if piece.end - instant < 5 * YEAR:
            instant = piece.end + random.randint(-4 * DAY, 4 * DAY)
    if random.random() < 0.5:
        instant -= instant % random.choice((60, 900, 1800, 3600))
    return _after_lost_days(clock, instant)


def _after_lost_days(clock: Zone, instant: int) -> int:
    """robfig never returns from a day that a zone has left out (Apia, 2011-12-30): no search may meet one."""
    at = instant
    while at < instant + 25 * YEAR:
        piece = clock.segment(at)
        lost = clock.segment(piece.end).offset - piece.offset if piece.end < instant + 25 * YEAR else 0
        if lost > DAY // 2:
            instant = at = piece.end + 2 * DAY
        else:
            at = piece.end
    return instant
