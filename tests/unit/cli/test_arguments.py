"""What several commands take: a name goes into a path, so that what is none never reaches the cluster."""

from __future__ import annotations

import pytest

from tests.unit.cli.world import Run


@pytest.mark.parametrize("argv", [["trigger", "daily/status"], ["trigger", ""], ["runs", "../x"], ["runs", "-n", "A"]])
def test_a_name_that_cannot_be_one_never_reaches_the_cluster(run: Run, argv: list[str]) -> None:
    ended = run(*argv)
    assert (ended.code, ended.out) == (2, "")
    assert f"{argv[-1]!r} is not a name in Kubernetes" in ended.err


@pytest.mark.parametrize("number", ["0", "-1", "last"])
def test_an_attempt_that_is_no_number_is_a_wrong_question(run: Run, number: str) -> None:
    ended = run("logs", "daily-1", f"--attempt={number}")
    assert (ended.code, ended.out) == (2, "")
    assert f"{number!r} is not a whole number from 1 to 1000" in ended.err
