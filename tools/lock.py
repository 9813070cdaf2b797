"""What the image is made of: ``requirements.lock`` and ``requirements-build.lock``, from ``pyproject.toml``.

``python -m tools.lock [--upgrade | --check]``, by ``make lock`` and ``make check``. A lock names versions and the
SHA-256 of each of their files, of every platform and Python that the operator runs on, and no place to get them from.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
RUNTIME, BUILD = "requirements.lock", "requirements-build.lock"  # what stays in the image; what only builds it
HASH = "--hash=sha256:"
# Pythons of the images that are built: of the Dockerfile's base, and of the one that stands in for it in tests.
PYTHONS = ("3.11", "3.13")
LOWEST_PYTHON = PYTHONS[0]


@dataclass(frozen=True)
class Pinned:
    """One entry of a lock."""

    requirement: Requirement
    hashes: tuple[str, ...]


def wanted(project: Mapping[str, Any]) -> dict[str, list[str]]:
    """The requirements that each lock answers."""
    return {RUNTIME: project["project"]["dependencies"], BUILD: project["build-system"]["requires"]}


def write(root: Path, upgrade: bool) -> None:
    """Write both locks; what they pin already stays, unless ``upgrade``. Raises CalledProcessError."""
    options = ["--universal", "--python-version", LOWEST_PYTHON, "--generate-hashes"]
    options += ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links", "--quiet"]
    if upgrade:
        options.append("--upgrade")
    for name, requirements in wanted(_project(root)).items():
        command = [sys.executable, "-m", "uv", "pip", "compile", *options, "--output-file", str(root / name), "-"]
        subprocess.run(command, input="\n".join(requirements), text=True, check=True, stdout=subprocess.DEVNULL)


def problems(root: Path) -> list[str]:
    """What is wrong with the locks, each in a sentence. Asks nobody: what they leave out, the image's build finds."""
    found = []
    for name, requirements in wanted(_project(root)).items():
        file = root / name
        lines = file.read_text() if file.is_file() else ""
        try:
            pinned = entries(lines)
        except InvalidRequirement as error:
            found.append(f"{name}: no name==version with hashes: {error}")
            continue
        found += [f"{name}: {problem}" for problem in _odd(pinned) + _unanswered(requirements, pinned)]
    return found


def entries(text: str) -> list[Pinned]:
    """The entries of a lock. Raises InvalidRequirement for a line that is none, such as an option of pip's."""
    found = []
    for line in text.replace("\\\n", " ").splitlines():
        words = line.split()
        hashes = tuple(word.removeprefix(HASH) for word in words if word.startswith(HASH))
        if requirement := " ".join(word for word in words if not word.startswith(HASH)):
            found.append(Pinned(Requirement(requirement), hashes))
    return found


def _odd(pinned: Sequence[Pinned]) -> list[str]:
    found = []
    for entry in pinned:
        requirement = entry.requirement
        if requirement.url or [one.operator for one in requirement.specifier] != ["=="]:
            found.append(f"{requirement} is not pinned to a version")
        if not entry.hashes:
            found.append(f"{requirement} has no hash")
    return found


def _unanswered(requirements: Sequence[str], pinned: Sequence[Pinned]) -> list[str]:
    """The requirements that are not met, in one of the Pythons."""
    return [
        f"{text} is not in it for Python {python}"
        for text in requirements
        for python in PYTHONS
        if not any(_answers(Requirement(text), entry.requirement, python) for entry in pinned)
    ]


def _answers(asked: Requirement, pinned: Requirement, python: str) -> bool:
    environment = {"python_version": python, "python_full_version": f"{python}.0"}
    if asked.marker and not asked.marker.evaluate(environment):
        return True
    if pinned.marker and not pinned.marker.evaluate(environment):
        return False
    versions = [one.version for one in pinned.specifier]
    same = canonicalize_name(asked.name) == canonicalize_name(pinned.name)
    return same and all(asked.specifier.contains(version, prereleases=True) for version in versions)


def _project(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text())


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the locks, or with ``--check`` says what is wrong with them. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="tools.lock", description="Pin what the image is made of.")
    parser.add_argument("--upgrade", action="store_true", help="the newest versions, also of what is pinned")
    parser.add_argument("--check", action="store_true", help="write nothing, fail on what does not fit")
    options = parser.parse_args(arguments)
    if not options.check:
        write(ROOT, options.upgrade)
    if found := problems(ROOT):
        sys.stderr.write("\n".join([*found, "run `make lock`", ""]))
        return 1
    sys.stdout.write(f"{RUNTIME} and {BUILD} are what pyproject.toml asks for\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
