"""When a test run is told that the operator has a right too many, or one too few."""

from __future__ import annotations

from pathlib import Path

from tests.proof import GRANTED, faults
from tools.cluster import audit
from tools.cluster.audit import Right
from tools.cluster.base import Cluster

UNUSED = Right("batch", "jobs", "delete")
USER = "system:serviceaccount:x:y"


def test_a_right_that_was_refused_is_a_fault_of_any_run() -> None:
    said = faults(GRANTED, {Right("", "secrets", "get")}, whole=False)
    assert said == ["the operator asked for a right that the chart does not grant: get secrets"]


def test_a_right_that_nothing_used_is_a_fault_of_a_whole_run() -> None:
    used = GRANTED - {UNUSED}
    assert faults(used, (), whole=False) == []
    assert faults(used, (), whole=True) == ["the chart grants a right that no test used: delete jobs.batch"]
    assert faults(GRANTED, (), whole=True) == []


LINE = (
    '{{"verb":"{verb}","user":{{"username":"system:serviceaccount:x:y"}},"requestReceivedTimestamp":'
    '"2027-01-01T00:00:00.000000Z","objectRef":{{"resource":"pods","subresource":"log"}},'
    '"annotations":{{"authorization.k8s.io/decision":"{decision}"}}}}\n'
)


class Logged(Cluster):
    """A cluster of which only the log is asked."""

    up = down = load_image = stop_controller_manager = start_controller_manager = kubeconfig = None  # type: ignore[assignment]

    def __init__(self, log: Path) -> None:
        self.audit_log = log


def test_the_log_tells_used_rights_from_refused_ones_and_reads_are_no_writes(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    lines = [("get", "allow"), ("list", "forbid"), ("patch", "allow")]
    log.write_text("".join(LINE.format(verb=verb, decision=decision) for verb, decision in lines) + '{"half')
    used, refused = audit.rights(Logged(log), USER)
    assert used == {Right("", "pods/log", "get"), Right("", "pods/log", "patch")}
    assert refused == {Right("", "pods/log", "list")}
    assert [write.verb for write in audit.writes(Logged(log), USER)] == ["patch"]
