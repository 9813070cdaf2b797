"""A run's spec cannot be changed, but for its cancel: the API server's part of it."""

from __future__ import annotations

import json

import pytest

from tests.integration.test_admission import OVERRIDES, RUN, Manifest, changed, create, table
from tools.cluster.base import Cluster, KubectlError

pytestmark = pytest.mark.usefixtures("crds")

# Of a run that says all that it can: what cannot be said of it any more.
CHANGES = [
    ("another schedule", {"scheduleName": "other"}),
    (
        "another trigger",
        {"trigger": "Schedule", "message": None, "params": None, "model": None, "timeoutSeconds": None},
    ),
    ("a due time", {"scheduledTime": "2026-12-24T18:00:00Z"}),
    ("another message", {"message": "n"}),
    ("no message", {"message": None}),
    ("another model", {"model": "small"}),
    ("more time", {"timeoutSeconds": 61}),
    ("more params", {"params": {"b": 2}}),
    ("fewer params", {"params": {"a": None}}),
    ("no params", {"params": None}),
    ("params of another content", {"params": {"a": 2}}),
    ("params of another content, deep in them", {"params": {"deep": {"list": [1, {"c": 4}]}}}),
    ("a cancel along with a change", {"cancel": True, "message": "n"}),
]


@pytest.mark.parametrize("changes", table(CHANGES))
def test_a_run_cannot_be_changed(control_plane: Cluster, namespace: str, changes: Manifest) -> None:
    params = {"params": {"a": 1, "deep": {"list": [1, {"c": 3}]}}}
    create(control_plane, namespace, changed(RUN, {"spec": RUN["spec"] | OVERRIDES | params}))
    with pytest.raises(KubectlError) as refused:
        patch_run(control_plane, namespace, changes)
    assert "a run cannot be changed: make a new one" in refused.value.message


def test_params_in_which_one_field_gives_way_to_another_are_what_the_rule_does_not_see(
    control_plane: Cluster, namespace: str
) -> None:
    """CEL's own comparison: of fields that it has no schema for, it passes over those that only one side has. A server
    that has learned better lets this test fail, and a sentence in api/run.py go."""
    create(control_plane, namespace, changed(RUN, {"spec": RUN["spec"] | {"params": {"a": 1}}}))
    patch_run(control_plane, namespace, {"params": {"a": None, "b": 2}})
    assert control_plane.get("srun", "report-now", "-n", namespace)["spec"]["params"] == {"b": 2}


def test_a_run_can_be_cancelled_once_and_for_good(control_plane: Cluster, namespace: str) -> None:
    create(control_plane, namespace, changed(RUN, {"spec": RUN["spec"] | OVERRIDES}))
    patch_run(control_plane, namespace, {"cancel": False})
    patch_run(control_plane, namespace, {"cancel": True})
    patch_run(control_plane, namespace, {"cancel": True})
    for back in (False, None):
        with pytest.raises(KubectlError) as refused:
            patch_run(control_plane, namespace, {"cancel": back})
        assert "a run that is cancelled stays so: make a new one" in refused.value.message
    spec = control_plane.get("srun", "report-now", "-n", namespace)["spec"]
    assert (spec["cancel"], spec["params"]) == (True, OVERRIDES["params"])


def patch_run(cluster: Cluster, namespace: str, spec: Manifest) -> None:
    patch_body = json.dumps({"spec": spec})
    cluster.kubectl("patch", "srun", "report-now", "-n", namespace, "--type=merge", "-p", patch_body)
