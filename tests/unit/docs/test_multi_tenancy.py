"""docs/multi-tenancy.md promises what tests hold: those that it names exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "multi-tenancy.md").read_text()
PROMISES = re.findall(
    r"^\| ([^|*]+) \| ([^|]*) \|$", TEXT.partition("## Promises")[2].partition("\n## ")[0], re.MULTILINE
)
ROWS = [row for row in PROMISES if row[0] not in ("Promise", "---")]


def test_the_promises_are_found() -> None:
    assert len(ROWS) > 10


@pytest.mark.parametrize(("promise", "named"), ROWS)
def test_each_promise_names_a_test_that_exists(promise: str, named: str) -> None:
    tests = re.findall(r"`(tests/[^`]+)`", named)
    assert tests, f"no test holds: {promise}"
    for test in tests:
        path, _, function = test.partition("::")
        assert (ROOT / path).is_file(), test
        assert not function or f"\ndef {function}(" in (ROOT / path).read_text(), test
