"""Fields of raw bodies, read as what the API server makes of them: of the right type, and in bounds.

Absent and null are the same, as in Go. What is of another type is no object of the API: ``Odd``, and the store puts it
aside.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NoReturn, TypeVar

from agentschedule.api import bounds

Body = dict[str, Any]
D = TypeVar("D")


class Odd(ValueError):
    """A field that is not what the API server sends there."""


def text(body: Body, field: str) -> str:
    """Empty where there is none."""
    return text_or(body, field, "")


def text_or(body: Body, field: str, default: D) -> str | D:
    value = body.get(field)
    if value is None:
        return default
    return value if isinstance(value, str) else _refuse(field, "text")


def count(body: Body, field: str, default: D) -> int | D:
    value = bounds.count(body.get(field))
    if value is None:
        return default
    return value if isinstance(value, int) and not isinstance(value, bool) else _refuse(field, "a whole number")


def seconds(body: Body, field: str) -> int | None:
    """A length of time that can be added to any moment; what is negative is none."""
    value = count(body, field, None)
    return None if value is None else bounds.seconds(value)


def flag(body: Body, field: str) -> bool:
    value = body.get(field)
    return value or False if value is None or isinstance(value, bool) else _refuse(field, "true or false")


def moment(body: Body, field: str) -> datetime | None:
    """A time, in UTC and in bounds; None where there is none."""
    value = text(body, field)
    try:
        return bounds.moment(value) if value else None
    except ValueError:
        _refuse(field, "a time")


def part(body: Body, field: str) -> Body:
    """An object in it; empty where there is none."""
    value = body.get(field)
    return value or {} if value is None or isinstance(value, dict) else _refuse(field, "an object")


def parts(body: Body, field: str) -> list[Body]:
    """A list of objects; empty where there is none."""
    value = body.get(field)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        _refuse(field, "a list of objects")
    return value


def texts(body: Body, field: str) -> dict[str, str]:
    """Labels or annotations; empty where there are none."""
    found = part(body, field)
    return found if all(isinstance(value, str) for value in found.values()) else _refuse(field, "texts")


def words(body: Body, field: str) -> tuple[str, ...]:
    """A list of texts; empty where there is none."""
    value = body.get(field)
    if value is None:
        return ()
    good = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return tuple(value) if good else _refuse(field, "a list of texts")


def _refuse(field: str, what: str) -> NoReturn:
    raise Odd(f"{field} is not {what}")
