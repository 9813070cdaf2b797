"""The bill of materials is valid, and says what the lock and the Dockerfile say."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tools import lock, sbom
from tools.sbom import ROOT, Body


@pytest.fixture(scope="module")
def bill() -> Body:
    return sbom.document()


def test_it_is_valid(bill: Body) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill)) is None


def test_it_is_about_this_version(bill: Body) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    about = bill["metadata"]["component"]
    assert (about["name"], about["version"]) == (project["name"], project["version"])


def test_it_names_each_dependency_with_its_version_and_hashes(bill: Body) -> None:
    pinned = {
        (entry.requirement.name, next(iter(entry.requirement.specifier)).version): set(entry.hashes)
        for entry in lock.entries((ROOT / lock.RUNTIME).read_text())
    }
    libraries = [component for component in bill["components"] if component["type"] == "library"]
    found = {
        (library["name"], library["version"]): {
            one["content"] for reference in library["externalReferences"] for one in reference["hashes"]
        }
        for library in libraries
    }
    assert found == pinned
    assert all(library["purl"].startswith("pkg:pypi/") for library in libraries)


def test_it_names_the_base_by_its_digest(bill: Body) -> None:
    (base,) = (component for component in bill["components"] if component["type"] == "container")
    assert f"{base['name']}:{base['version']}" in (ROOT / "Dockerfile").read_text()
    assert base["hashes"][0]["content"] in base["purl"]


def test_everything_in_it_is_a_part_of_the_operator(bill: Body) -> None:
    (main,) = (one for one in bill["dependencies"] if one["ref"] == bill["metadata"]["component"]["bom-ref"])
    assert set(main["dependsOn"]) == {component["bom-ref"] for component in bill["components"]}


def test_a_base_that_is_a_tag_alone_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("ARG PYTHON_IMAGE=docker.io/library/python:3.13-slim\n")
    with pytest.raises(RuntimeError, match="PYTHON_IMAGE is not NAME:TAG@sha256:DIGEST"):
        sbom.base(tmp_path)
