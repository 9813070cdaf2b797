"""The rules for the API server say the same as the parser. RE2 and Python read this subset of expressions alike."""

from __future__ import annotations

import re
from random import Random

import pytest

from agentschedule.plan import cron
from agentschedule.plan.cron.robfig_parser import MONTHS, WEEKDAYS
from tests.oracle import cases

CALL = re.compile(r"(!?)self\.matches\(r?'([^']*)'\)")


def holds(rule: str, text: str) -> bool:
    """The few forms of CEL that SCHEDULE_RULES uses."""
    if rule.startswith("self.size()"):
        return len(text) <= int(rule.rpartition(" ")[2])
    results = []
    for term in rule.split(" || self") if " || self" in rule else [rule]:
        found = CALL.fullmatch(term if term.startswith(("!", "self")) else "self" + term)
        assert found, term
        matched = re.search(found[2].replace("$", r"\Z"), text) is not None
        results.append(matched != bool(found[1]))
    return any(results)


def broken(text: str) -> list[str]:
    return [message for rule, message in cron.SCHEDULE_RULES if not holds(rule, text)]


def accepted(text: str) -> bool:
    return re.search(cron.CEL_PATTERN.replace("$", r"\Z"), text) is not None and not re.search(cron.CEL_INVERTED, text)


def refusal(text: str) -> str | None:
    try:
        cron.parse(text, seed="team/agent")
    except cron.ScheduleError as error:
        return str(error)
    return None


def texts() -> list[str]:
    random = Random(3)
    valid = [cases.schedule(random, ours=True) for _ in range(4000)]
    slips = [cases.mutated(random) for _ in range(12000)]
    return [text for text in valid + slips if len(text) <= 128]


def test_the_rules_the_two_expressions_and_the_parser_agree() -> None:
    for text in texts():
        problem = refusal(text)
        grammatical = problem is None or "never fires" in problem
        assert accepted(text) == grammatical, (text, problem)
        assert [message for message in broken(text) if "never fires" not in message] == [] or not grammatical, text
        if broken(text):
            assert problem is not None, (text, broken(text))
        elif problem is not None:
            assert "never fires" in problem, (text, problem)


def test_they_agree_on_every_range_of_two_values() -> None:
    numbers = [*map(str, range(64)), *(f"0{n}" for n in range(10))]
    pairs = [(a, b, column) for column in range(5) for a in numbers for b in numbers]
    pairs += [(a, b, column) for column, names in ((3, MONTHS), (4, WEEKDAYS)) for a in names for b in names]
    for a, b, column in pairs:
        columns = ["*"] * 5
        columns[column] = f"{a}-{b}"
        text = " ".join(columns)
        problem = refusal(text)
        assert accepted(text) == (problem is None), text
        assert (broken(text) == []) == (problem is None), text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("0 8 * *", "fewer"),
        ("hourly", "fewer"),
        ("0 0 8 * * *", "without seconds"),
        ("0 8 * * * 2027", "more"),
        ("TZ=Europe/Berlin 0 8 * * *", "timeZone"),
        ("0\t8 * * *", "tab"),
        (" 0 8 * * *", "blank"),
        ("@every 1h", "interval"),
        ("@reboot", "runAt"),
        ("@Daily", "macros"),
        ("0 8 L * *", "Quartz"),
        ("0 8 15W * *", "Quartz"),
        ("0 8 * * 5#3", "Quartz"),
        ("0 8 * * 5L", "Quartz"),
        ("*/0 8 * * *", "step of 0"),
        ("60 8 * * *", "first field"),
        ("0 24 * * *", "second field"),
        ("0 8 mon * *", "third field"),
        ("0 8 * mon *", "fourth field"),
        ("0 8 * * jan", "fifth field"),
        ("0 8 * * fri-sun", "split it"),
        ("0 22-6 * * *", "split it"),
        ("0 8 30 2 *", "never fires"),
        ("0 8 31 4,jun *", "never fires"),
        ("0 8 * * 1-5" + ",1" * 60, "too long"),
    ],
)
def test_each_slip_breaks_one_rule_with_one_sentence(text: str, message: str) -> None:
    [problem] = broken(text)
    assert message in problem
    assert refusal(text) is not None


def test_the_expressions_fit_into_a_rule() -> None:
    assert len(cron.CEL_PATTERN) <= 1500
    assert all(len(rule) <= 1500 and "\n" not in rule for rule, _ in cron.SCHEDULE_RULES)
