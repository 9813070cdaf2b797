"""Whose mistake is it? Answers of the API server, and what the operator makes of them."""

from __future__ import annotations

from typing import Any

import pytest

from agentschedule.cluster.client import error_of
from agentschedule.errors import AlreadyExists, ClusterError, Conflict, NamespaceTerminating, NotFound, Refused

NO_RIGHTS = 'cronjobs.batch is forbidden: User "x" cannot create resource "cronjobs" in API group "batch"'
QUOTA = 'pods "x" is forbidden: exceeded quota: small, requested: count/jobs.batch=1, used: 1, limited: 1'
TERMINATING = {"causes": [{"reason": "NamespaceTerminating", "message": "namespace x is being terminated"}]}


@pytest.mark.parametrize(
    ("status", "answer", "kind"),
    [
        pytest.param(404, {"message": "not found"}, NotFound, id="gone"),
        pytest.param(409, {"reason": "AlreadyExists"}, AlreadyExists, id="the name is taken"),
        pytest.param(409, {"reason": "Conflict"}, Conflict, id="someone wrote in between"),
        pytest.param(422, {"message": "spec: Invalid value"}, Refused, id="an invalid object is the author's to mend"),
        pytest.param(400, {"message": "cannot unmarshal"}, Refused, id="so is one that cannot be read"),
        pytest.param(403, {"message": QUOTA}, Refused, id="and one that a quota or a policy refuses"),
        pytest.param(403, {"message": NO_RIGHTS}, ClusterError, id="missing rights are ours to mend"),
        pytest.param(403, {"details": TERMINATING}, NamespaceTerminating, id="a namespace that goes is no mistake"),
        pytest.param(429, {"message": "too many requests"}, ClusterError, id="a busy server is asked again"),
        pytest.param(500, {}, ClusterError, id="so is a broken one"),
    ],
)
def test_an_answer_is_the_error_of_whoever_can_mend_it(
    status: int, answer: dict[str, Any], kind: type[ClusterError]
) -> None:
    assert type(error_of(status, answer, "POST /x")) is kind
