"""kubectl agentschedule version: with and without a cluster."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.unit.cli.world import Run


def test_version_says_which_program_and_which_zone_data(run: Run) -> None:
    program, zones = run("version", "--client").out.splitlines()
    assert program == f"agentschedule {version('agentschedule')}"
    assert re.fullmatch(r"zone data: ([0-9]{4}[a-z]|unknown release) \(.+\).*", zones)


def test_version_needs_no_cluster(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "none"))
    ended = run("version")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[2].startswith("Kubernetes: unknown, no usable kubeconfig")


@pytest.mark.usefixtures("world")
def test_version_asks_the_cluster_for_its_own(run: Run) -> None:
    assert run("version").out.splitlines()[2] == "Kubernetes: v1.36.3"


def test_version_of_a_cluster_that_is_not_there_is_unknown(run: Run, kubeconfig: Callable[[str], None]) -> None:
    kubeconfig("http://127.0.0.1:1")
    unknown = "Kubernetes: unknown, cannot reach the cluster at http://127.0.0.1:1: connection refused"
    ended = run("version")
    assert (ended.code, ended.out.splitlines()[2]) == (0, unknown)
