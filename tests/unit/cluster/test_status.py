"""The patch of a status."""

from __future__ import annotations

from typing import Any

import pytest

from agentschedule.cluster.status import merge_patch

Body = dict[str, Any]


@pytest.mark.parametrize(
    ("old", "new", "patch"),
    [
        ({}, {}, {}),
        ({"a": 1}, {"a": 1}, {}),
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": 1}, {}, {"a": None}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, {"a": {"c": None}}),
        ({"a": [1, 2]}, {"a": [2]}, {"a": [2]}),
    ],
)
def test_a_merge_patch_holds_what_differs_and_null_for_what_is_gone(old: Body, new: Body, patch: Body) -> None:
    assert merge_patch(old, new) == patch
