"""What users may write as a schedule, and what the CronJob gets.

Narrower than the API (no `+5`, `007`, `1,,2`, tabs: each is a slip), and wider by two things that are rewritten: 7 for
Sunday, and `H`. Whatever is refused is refused with a sentence that says what to write. `cel.py` says the same rules
to the API server, from the same tables.
"""

from __future__ import annotations

import re
from calendar import month_name
from hashlib import sha256

from agentschedule.plan.cron.robfig_parser import (
    DAY_OF_MONTH,
    FIELDS,
    MACROS,
    MONTH,
    MONTHS,
    WEEKDAY,
    WEEKDAYS,
    Field,
    ScheduleError,
    column,
    lowest,
)

MAX_LENGTH = 128  # of spec.schedule, also in the CRD
LAST_DRAWN_DAY = 28  # `H` never draws a day that some month lacks
SUNDAY_7 = 7
_EXAMPLE = 'write five fields, minute hour day month weekday, for example "0 8 * * 1-5"'
_QUARTZ = re.compile(r"(?i)L|LW|WL|L-[0-9]+|[0-9]+L|[0-9]+W|[a-z]{3}L|.*#.*")


def greatest(field: Field) -> int:
    """The greatest value that users may write."""
    return SUNDAY_7 if field is WEEKDAY else field.greatest


def resolve(schedule: str, seed: str) -> str:
    """The schedule as the CronJob gets it: 7 rewritten to 0, `H` drawn from the seed, blanks made single.

    Raises ScheduleError with a sentence for the author.
    """
    _whole(schedule)
    if schedule.startswith("@"):
        return _macro(schedule)
    columns = schedule.split()
    if len(columns) != len(FIELDS):
        raise ScheduleError(_wrong_number(columns))
    return " ".join(_column(text, field, seed) for text, field in zip(columns, FIELDS, strict=True))


def never(text: str) -> str:
    """The dates of a resolved schedule that no year has, for people: "30 February", "31 April, June"."""
    _, _, days, months, _ = text.split()
    numbers = [number for number in range(1, 13) if column(months, MONTH)[0] >> number & 1]
    names = ", ".join(month_name[number] for number in numbers)
    return f"{lowest(column(days, DAY_OF_MONTH)[0])} {names}"


def draw(seed: str, field: Field, choices: int) -> int:
    """0 <= n < choices, the same for the same seed and field."""
    return int.from_bytes(sha256(f"{seed}/{field.name}".encode()).digest()) % choices


def _whole(text: str) -> None:
    if not text.strip():
        raise ScheduleError(f"schedule is empty; {_EXAMPLE}")
    if len(text) > MAX_LENGTH:
        raise ScheduleError(f"schedule has {len(text)} characters; at most {MAX_LENGTH} are allowed")
    if "TZ" in text:
        raise ScheduleError("put the zone in timeZone, not in schedule")
    if re.search(r"[^ -~]", text):
        raise ScheduleError(
            "schedule has a tab, a line break or a character that is not ASCII; write blanks between the fields"
        )
    if text != text.strip():
        raise ScheduleError("schedule begins or ends with a blank; remove it")


def _macro(text: str) -> str:
    if text in MACROS:
        return text
    if text.startswith("@every"):
        raise ScheduleError(f"write `interval: {text[6:].strip() or '1h'}` instead of the schedule {text!r}")
    if text == "@reboot":
        raise ScheduleError("@reboot has no meaning in a cluster; write a schedule, an interval, or a runAt")
    if text.lower() in MACROS:
        raise ScheduleError(f"macros are in lower case; write {text.lower()}")
    raise ScheduleError(f"unknown macro {text!r}; write one of {', '.join(MACROS)}")


def _wrong_number(columns: list[str]) -> str:
    number = len(columns)
    if number > len(FIELDS):
        rest = " ".join(columns[1:6])
        return f"a schedule has five fields, without seconds and without a year; this has {number}: write {rest!r}"
    if f"@{columns[0].lower()}" in MACROS:
        return f"write @{columns[0].lower()}"
    return f"a schedule has five fields (minute hour day month weekday); this has {number}: {_EXAMPLE}"


def _column(text: str, field: Field, seed: str) -> str:
    return ",".join(_element(element, field, seed) for element in text.split(","))


def _element(text: str, field: Field, seed: str) -> str:
    """One entry of a list: `*`, `?`, `H`, a value or a range, each with a step or without."""
    _strange(text, field)
    span, slash, stride = text.partition("/")
    step = _step(stride, field) if slash else 1
    if span in ("*", "?"):
        return text
    if span == "H":
        return _drawn(field, seed, step if slash else None)
    low, dash, high = span.partition("-")
    first = _value(low, field)
    last = _value(high, field) if dash else first
    if dash:
        _check_range(span, (first, last), field)
    if field is WEEKDAY and last == SUNDAY_7:
        return _sunday_as_0(range(first, last + 1, step))
    return text


def _strange(text: str, field: Field) -> None:
    if not text:
        raise ScheduleError(f"{field.name} has a comma too many; write its values with one comma between them")
    if _QUARTZ.fullmatch(text):
        raise ScheduleError(
            f"{field.name} {text!r} is Quartz syntax (L, W, #), which Kubernetes does not have; "
            f"write the days themselves, such as {_span(field)}"
        )
    if text.startswith("H("):
        raise ScheduleError(f"{field.name} {text!r}: H takes no range; write H, or H/15, or a value")
    if text == "h" or text.startswith("h/"):
        raise ScheduleError(f"{field.name} {text!r}: write H in upper case")
    if text.startswith(("*-", "?-", "H-")):
        raise ScheduleError(f"{field.name} {text!r}: a range starts with a value; write it as in {_span(field)}")


def _step(text: str, field: Field) -> int:
    if re.fullmatch(r"0+", text):
        raise ScheduleError(f"{field.name} has step 0; a step is 1 or more")
    if not re.fullmatch(r"[0-9]{1,2}", text):
        raise ScheduleError(f"{field.name} has step {text!r}; write a number of at most two digits after one slash")
    if int(text) > field.size:
        raise ScheduleError(f"{field.name} has step {text}, more than its {field.size} values; write interval instead")
    return int(text)


def _drawn(field: Field, seed: str, step: int | None) -> str:
    """`H` as a number, `H/15` as a range with that step and a drawn start."""
    last = LAST_DRAWN_DAY if field is DAY_OF_MONTH else field.greatest
    size = last - field.least + 1
    start = field.least + draw(seed, field, size if step is None else min(step, size))
    return str(start) if step is None else f"{start}-{last}/{step}"


def _value(text: str, field: Field) -> int:
    if text.lower() in field.names:
        return field.value(text)
    if re.fullmatch(r"[0-9]{1,2}", text) and field.least <= int(text) <= greatest(field):
        return int(text)
    raise ScheduleError(_bad_value(text, field))


def _bad_value(text: str, field: Field) -> str:
    if re.fullmatch(r"[0-9]+", text):
        if field.least <= int(text) <= greatest(field):
            return f"{field.name} {text!r} has too many zeros; write {int(text)}"
        return f"{field.name} {text!r} is out of range; write {_span(field)}"
    short = text.lower()[:3]
    if short in field.names and text.isalpha():
        return f"{field.name} {text!r}: names have three letters; write {short}"
    if short in MONTHS + WEEKDAYS and text.isalpha():
        home = MONTH.name if short in MONTHS else WEEKDAY.name
        return f"{field.name} {text!r}: this name belongs in the {home} field; write {_span(field)}"
    return f"{field.name} {text!r} cannot be read; write {_span(field)}"


def _span(field: Field) -> str:
    names = f" or {field.names[0]}-{field.names[-1]}" if field.names else ""
    return f"{field.least}-{field.greatest}{names}"


def _check_range(text: str, values: tuple[int, int], field: Field) -> None:
    low, high = text.split("-")
    if low.isdigit() != high.isdigit():
        raise ScheduleError(f"{field.name} range {text!r}: write both ends as names or both as numbers")
    first, last = values
    if first > last:
        end, start = _shown(field.greatest, low, field), _shown(field.least, low, field)
        halves = (f"{low}-{end}" if first < field.greatest else low, f"{start}-{high}" if last > field.least else start)
        raise ScheduleError(f"{field.name} range {text!r}: its start is after its end; write {','.join(halves)}")


def _shown(value: int, like: str, field: Field) -> str:
    return str(value) if like.isdigit() else field.names[value - field.least]


def _sunday_as_0(values: range) -> str:
    """A range that ends with 7: the API knows weekdays 0 to 6 only."""
    days = dict.fromkeys(value % SUNDAY_7 for value in values)
    return "0-6" if len(days) == SUNDAY_7 else ",".join(str(day) for day in days)
