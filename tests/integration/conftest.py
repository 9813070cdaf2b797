"""Fixtures of the integration tests: a control plane, the operator as a process under the chart's own rights."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agentschedule import names
from agentschedule.handlers.login import Connection, connect
from agentschedule.settings import Settings
from tests import proof
from tests.fixtures import Api
from tests.integration import timeline
from tests.integration.rights import Release
from tests.world import FULL, World
from tools.cluster.base import Cluster
from tools.cluster.operator_process import OperatorProcess, SharedOperator


@pytest.fixture(scope="session")
def operator_kubeconfig(
    request: pytest.FixtureRequest,
    control_plane: Cluster,
    crds: None,  # noqa: ARG001
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Path]:
    """Access with exactly the rights that the chart gives the operator, and under its policy: no more."""
    release = Release(control_plane)
    release.grant()
    target = tmp_path_factory.mktemp("operator") / "kubeconfig"
    yield control_plane.service_account_kubeconfig(release.namespace, release.account, target)
    proof.note(request.config, control_plane)


@pytest.fixture(scope="session")
def operator_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the operator says during one test."""
    return tmp_path_factory.mktemp("shared") / "operator.log"


@pytest.fixture(autouse=True)
def alone(request: pytest.FixtureRequest, shared_operator: SharedOperator) -> None:
    """A test that asks for no operator has none."""
    if "operator" not in request.fixturenames:
        shared_operator.rest()


@pytest.fixture
def operator(
    operator_kubeconfig: Path, operator_log: Path, shared_operator: SharedOperator
) -> Iterator[OperatorProcess]:
    """The operator, ready; kill it and start it again at will: the next test finds one at work all the same."""
    process = shared_operator.work(operator_kubeconfig, operator_log)
    yield process
    process.check_log()
    if FULL:
        shared_operator.rest()


@pytest.fixture
def world(control_plane: Cluster, api: Api, namespace: str, operator: OperatorProcess) -> Iterator[World]:  # noqa: ARG001
    """A namespace of the test's own, with the operator at work; its schedules go first, so that nothing is put back."""
    yield World(control_plane, api, namespace)
    everything = (names.GROUP, names.VERSION, namespace, names.SCHEDULE_PLURAL)
    api.custom.delete_collection_namespaced_custom_object(*everything)


@pytest.fixture
def place(control_plane: Cluster, api: Api, namespace: str) -> World:
    """A namespace without an operator."""
    return World(control_plane, api, namespace)


@pytest.fixture
def logged_in(operator_kubeconfig: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    """Sessions of an operator in this process, with the operator's rights."""

    @asynccontextmanager
    async def login() -> AsyncIterator[Connection]:
        with monkeypatch.context() as env:
            env.setenv("KUBECONFIG", str(operator_kubeconfig))
            connection = await connect(Settings())
        try:
            yield connection
        finally:
            await connection.session.close()

    return login


@pytest.fixture(scope="session")
def story(
    control_plane: Cluster,
    api: Api,
    operator_kubeconfig: Path,
    shared_operator: SharedOperator,
    tmp_path_factory: pytest.TempPathFactory,
) -> timeline.Story:
    """Four minutes of many schedules, lived through once; its tests belong to one xdist group."""
    shared_operator.rest()
    log = tmp_path_factory.mktemp("timeline") / "operator.log"
    with (
        timeline.own_namespace(lambda namespace: World(control_plane, api, namespace)) as world,
        OperatorProcess(operator_kubeconfig, log) as operator,
    ):
        return timeline.tell(world, operator)
