"""A home is known from the code: tests/unit/plan/run/test_end.py tests operator/agentschedule/plan/run/end.py."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
CODE = TESTS.parents[1] / "operator" / "agentschedule"
# The packages that the tests mirror.
ROOMS = ("plan", "api", "cluster", "handlers", "cli")


def homeless(tests: Path, code: Path, room: str) -> list[str]:
    """The test files of a room that are named neither after a module of theirs, nor after one and an aspect of it."""
    return [
        str(path.relative_to(tests))
        for path in sorted((tests / room).rglob("test_*.py"))
        if not _has_home(path.stem.removeprefix("test_"), code / path.relative_to(tests).parent)
    ]


def _has_home(name: str, package: Path) -> bool:
    modules = {path.stem for path in package.glob("*.py")} - {"__init__"}
    return any(name == module or name.startswith(f"{module}_") for module in modules)


@pytest.mark.parametrize("room", ROOMS)
def test_every_test_file_is_named_after_the_module_it_tests(room: str) -> None:
    assert homeless(TESTS, CODE, room) == []


def test_a_file_that_no_module_is_the_home_of_is_found(tmp_path: Path) -> None:
    tests, code = tmp_path / "tests", tmp_path / "code"
    for path in (
        code / "plan/run/end.py",
        code / "plan/run/__init__.py",
        tests / "plan/run/test_end.py",
        tests / "plan/run/test_end_late.py",
        tests / "plan/run/test_ending.py",
        tests / "plan/test_end.py",
        tests / "plan/old/test_end.py",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert homeless(tests, code, "plan") == ["plan/old/test_end.py", "plan/run/test_ending.py", "plan/test_end.py"]
