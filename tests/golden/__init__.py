"""Golden files: what the operator writes, to be read in a review. ``UPDATE_GOLDEN=1 make test`` writes them anew."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent


def manifest(name: str) -> Any:
    """What a user writes."""
    return yaml.safe_load((HERE / f"{name}.yaml").read_text())


def assert_golden(name: str, value: Any) -> None:
    """The value is just what the file says."""
    path = HERE / f"{name}.yaml"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.write_text(yaml.safe_dump(value, sort_keys=True, width=120))
    assert value == yaml.safe_load(path.read_text()), f"not as in {path.name}; UPDATE_GOLDEN=1 writes it anew"
