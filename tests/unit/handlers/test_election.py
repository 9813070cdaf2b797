"""When there is an election: in a cluster, or where the settings say where the Lease is; and who stands in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agentschedule.handlers import election
from agentschedule.handlers.login import Connection
from agentschedule.settings import Settings

NOWHERE: Any = None


def connection() -> Connection:
    return Connection("https://server", NOWHERE, NOWHERE, apart=lambda: NOWHERE)


@pytest.fixture
def pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the kubelet gives each pod."""
    (tmp_path / "namespace").write_text("system\n")
    monkeypatch.setattr(election, "SERVICE_ACCOUNT", tmp_path)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")


def test_a_laptop_needs_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(election, "SERVICE_ACCOUNT", tmp_path)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    assert election.candidate(connection(), Settings()) is None


@pytest.mark.usefixtures("pod")
def test_in_a_pod_the_lease_is_in_the_pods_namespace() -> None:
    leader = election.candidate(connection(), Settings())
    assert leader
    assert str(leader.leases) == "system/agentschedule"


@pytest.mark.usefixtures("pod")
def test_it_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTSCHEDULE_LEADER_ELECTION", "false")
    assert election.candidate(connection(), Settings()) is None


@pytest.mark.usefixtures("pod")
def test_the_settings_say_which_lease_for_how_long_and_who(monkeypatch: pytest.MonkeyPatch) -> None:
    named = {"NAMESPACE": "tools", "LEASE_NAME": "mine", "LEASE_SECONDS": "15", "POD_NAME": "mine-x7k2p"}
    for name, value in named.items():
        monkeypatch.setenv(f"AGENTSCHEDULE_{name}", value)
    leader = election.candidate(connection(), Settings())
    assert leader
    assert (str(leader.leases), leader.terms.duration) == ("tools/mine", 15)
    assert leader.me.startswith("mine-x7k2p_")


@pytest.mark.usefixtures("pod")
def test_a_container_that_begins_again_is_another_candidate() -> None:
    identities = {leader.me for _ in range(2) if (leader := election.candidate(connection(), Settings()))}
    assert len(identities) == 2
