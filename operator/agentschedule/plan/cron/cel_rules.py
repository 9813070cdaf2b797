"""The grammar of `dialect.py` as RE2 expressions, for the rules of the CRD.

With them the API server tells the author at `kubectl apply`, also when the operator is down. All are generated from
the parser's tables. What only a calendar knows (most dates that never come) and zones are left to `cron.parse`.
"""

from __future__ import annotations

from agentschedule.plan.cron.dialect import MAX_LENGTH, greatest
from agentschedule.plan.cron.robfig_parser import DAY_OF_MONTH, FIELDS, LENGTHS, MACROS, MONTH, MONTHS, WEEKDAY, Field

_ORDINALS = ("first", "second", "third", "fourth", "fifth")


def _number(least: int, last: int) -> str:
    """A number from least to last, of at most two digits."""
    tens: list[tuple[str, str]] = []
    for ten in range(last // 10 + 1):
        units = _digits(max(least - ten * 10, 0), min(last - ten * 10, 9))
        if tens and tens[-1][1] == units and ten > 1:
            tens[-1] = (tens[-1][0] + str(ten), units)
        elif least <= ten * 10 + 9:
            tens.append((str(ten), units))
    return "|".join(("0?" if ten == "0" else _digits(int(ten[0]), int(ten[-1]))) + units for ten, units in tens)


def _digits(first: int, last: int) -> str:
    return str(first) if first == last else f"[{first}-{last}]"


def _names(names: tuple[str, ...]) -> str:
    return f"(?i:{'|'.join(names)})"


def _column(field: Field) -> str:
    """A list of entries, each with a step or without."""
    value = f"(?:{_number(field.least, greatest(field))})"
    spans = ["[*?H]", f"{value}(?:-{value})?"]
    if field.names:
        spans.append(f"{_names(field.names)}(?:-{_names(field.names)})?")
    entry = f"(?:{'|'.join(spans)})(?:/(?:{_number(1, field.size)}))?"
    return f"{entry}(?:,{entry})*"


def _inverted_numbers() -> str:
    """a-b with a > b, both below 60 and of at most two digits: by the tens, or by the units within one ten."""
    tens = "|".join(f"{_digits(ten, 5)}[0-9]-{'0?' if ten == 1 else ten - 1}[0-9]" for ten in range(1, 6))
    units = [
        f"{lead}{unit}-{lead}{_digits(0, unit - 1)}"
        for lead in ("0?", "1", "2", "3", "4", "5")
        for unit in range(1, 10)
    ]
    return "|".join([tens, *units])


def _inverted_names(names: tuple[str, ...]) -> str:
    return "|".join(f"{name}-(?:{'|'.join(names[:i])})" for i, name in enumerate(names) if i)


def _never() -> str:
    """The common dates that never come: 30 or 31 February, and the 31st of months of 30 days."""
    short = [number for number, length in enumerate(LENGTHS, 1) if length < DAY_OF_MONTH.greatest]
    february = [number for number in short if LENGTHS[number - 1] < 30]
    dates = [f"{_list('3[01]')} +{_list(_months(february))}", f"{_list('31')} +{_list(_months(short))}"]
    return f"^[^ ]+ +[^ ]+ +(?:{'|'.join(dates)}) +[*?]$"


def _list(entry: str) -> str:
    return f"(?:{entry})(?:,(?:{entry}))*"


def _months(numbers: list[int]) -> str:
    numerals = [f"0?{number}" if number < 10 else str(number) for number in numbers]
    return "|".join([*numerals, _names(tuple(MONTHS[number - 1] for number in numbers))])


_MACROS = "|".join(macro.removeprefix("@") for macro in MACROS)
CEL_PATTERN = f"^(?:@(?:{_MACROS})|{' +'.join(_column(field) for field in FIELDS)})$"
CEL_INVERTED = rf"\b(?:{_inverted_numbers()}|(?i:{_inverted_names(MONTH.names)}|{_inverted_names(WEEKDAY.names)}))\b"

# A word of a schedule that no other slip below is about: no macro, no TZ=, nothing but ASCII.
_WORD = "[!-<>?A-~]+"

# Slips with a sentence of their own: (what matches one, the sentence). The rules on the fields are silent after these.
_SLIPS = (
    ("^$", 'schedule is empty; write for example "0 8 * * 1-5", or a macro such as @daily'),
    ("TZ", "put the zone in timeZone, not in schedule"),
    ("[^ -~]", "schedule has a tab, a line break or a character that is not ASCII; write blanks between the fields"),
    ("^ | $", "schedule begins or ends with a blank; remove it"),
    ("^@every", "write interval: 1h (a duration) instead of the schedule @every 1h"),
    ("^@reboot", "@reboot has no meaning in a cluster; write a schedule, an interval, or a runAt"),
    (
        f"^{_WORD}(?: +{_WORD}){{0,3}}$",
        "a schedule has five fields, minute hour day month weekday; "
        'this has fewer: write for example "0 8 * * 1-5", or a macro such as @daily',
    ),
    (
        f"^{_WORD}(?: +{_WORD}){{5}}",
        "a schedule has five fields, minute hour day month weekday, without seconds and without a year; "
        "this has more: drop the seconds in front",
    ),
    (
        "#|(?i:(?:^|[ ,])(?:lw?|w|[0-9]+[lw]|[a-z]{3}l|l-[0-9]+)(?:[ ,]|$))",
        "L, W and # are Quartz syntax, which Kubernetes does not have; write the days themselves, such as 1-7",
    ),
    ("/0+(?:[ ,]|$)", "a step of 0 is not possible; a step is 1 or more"),
)
_ANY_SLIP = "|".join(f"(?:{pattern})" for pattern, _ in _SLIPS)


def _takes(field: Field) -> str:
    """What a field takes, as a sentence."""
    names = f" or {field.names[0]}-{field.names[-1]}" if field.names else ""
    seven = " (7 is Sunday too)" if field is WEEKDAY else ""
    return (
        f"the {_ORDINALS[FIELDS.index(field)]} field, {field.name}, takes {field.least}-{field.greatest}{names}{seven},"
        f" *, ? or H, lists (1,3), ranges (1-5) and steps (*/2, at most {field.size})"
    )


def _field_rule(field: Field) -> tuple[str, str]:
    before = f"(?:[^ ]+ +){{{FIELDS.index(field)}}}"
    return f"self.matches(r'{_ANY_SLIP}|^@|^{before}{_column(field)}(?: |$)')", _takes(field)


# (CEL rule over a schedule, message): all of them hold exactly for what CEL_PATTERN accepts and neither CEL_INVERTED
# nor a date that never comes refuses. A slip breaks one rule, so that its author reads one sentence.
SCHEDULE_RULES: tuple[tuple[str, str], ...] = (
    (f"self.size() <= {MAX_LENGTH}", f"schedule is too long: at most {MAX_LENGTH} characters"),
    *((f"!self.matches(r'{pattern}')", message) for pattern, message in _SLIPS),
    (
        f"!self.matches('^@') || self.matches(r'^@(?:(?:{_MACROS})$|every|reboot)')",
        f"write one of the macros {', '.join(MACROS)}, in lower case",
    ),
    (
        f"!self.matches(r'{CEL_INVERTED}')",
        "the start of a range is after its end; split it: fri-sat,sun instead of fri-sun, 22-23,0-6 instead of 22-6",
    ),
    *(_field_rule(field) for field in FIELDS),
    (f"!self.matches(r'{_never()}')", "schedule never fires: none of its months has such a day (30 February)"),
)
