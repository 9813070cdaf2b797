"""The image is made of what was looked at: every dependency by version and hash, the base by digest."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools import lock
from tools.lock import BUILD, ROOT, RUNTIME

HASHED = "--hash=sha256:" + "0" * 64
PROJECT = """
[build-system]
requires = ["setuptools>=77"]
[project]
dependencies = ["aiohttp>=3.12", "tomli>=2; python_version < '3.11'"]
"""


def tree(root: Path, runtime: str) -> Path:
    """A source tree with this lock."""
    (root / "pyproject.toml").write_text(PROJECT)
    (root / RUNTIME).write_text(runtime)
    (root / BUILD).write_text(f"setuptools==80.0 \\\n    {HASHED}\n")
    return root


def test_the_locks_are_what_the_project_asks_for() -> None:
    assert lock.problems(ROOT) == []


@pytest.mark.parametrize("name", [RUNTIME, BUILD])
def test_a_lock_names_no_place_to_get_anything_from(name: str) -> None:
    assert "/" not in (ROOT / name).read_text()


def test_a_lock_that_answers_everything_is_good(tmp_path: Path) -> None:
    assert lock.problems(tree(tmp_path, f"AIOHTTP==3.12.1 \\\n    {HASHED} \\\n    {HASHED}\n")) == []


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("", "aiohttp>=3.12 is not in it for Python 3.11"),
        (f"aiohttp==3.11.9 {HASHED}", "aiohttp>=3.12 is not in it for Python 3.13"),
        (f"aiohttp==3.12 ; python_version < '3.12' {HASHED}", "aiohttp>=3.12 is not in it for Python 3.13"),
        ("aiohttp==3.12", "aiohttp==3.12 has no hash"),
        (f"aiohttp>=3.12 {HASHED}", "aiohttp>=3.12 is not pinned to a version"),
        (f"aiohttp @ https://example.com/aiohttp.whl {HASHED}", "is not pinned to a version"),
        ("--index-url https://example.com/simple", "no name==version with hashes"),
        ("https://example.com/aiohttp.whl", "no name==version with hashes"),
    ],
)
def test_what_a_lock_lacks_is_said(tmp_path: Path, line: str, problem: str) -> None:
    found = lock.problems(tree(tmp_path, f"{line}\n"))
    assert any(problem in sentence for sentence in found), found
    assert all(sentence.startswith(f"{RUNTIME}: ") for sentence in found)


def test_no_lock_at_all_answers_nothing(tmp_path: Path) -> None:
    (tree(tmp_path, "") / RUNTIME).unlink()
    assert "aiohttp>=3.12 is not in it for Python 3.11" in lock.problems(tmp_path)[0]


def test_the_image_takes_nothing_that_is_not_in_a_lock() -> None:
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    installs = re.findall(r"pip install ([^&\n]*)", text)
    assert len(installs) == 2
    for options in installs:
        assert "--require-hashes --only-binary :all:" in options or "--no-index --no-deps" in options
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {"${PYTHON_IMAGE}"}
    (base,) = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", text, re.MULTILINE)
    assert re.fullmatch(r"docker\.io/library/python:[\w.-]+@sha256:[0-9a-f]{64}", base)
