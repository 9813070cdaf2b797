"""Fixtures of the integration tests: a control plane, the operator as a process under the chart's own rights."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agentschedule import names
from agentschedule.handlers.login import Connection, connect
from agentschedule.settings import Settings
from tests.fixtures import Api
from tests.integration import timeline
from tests.world import FULL, World
from tools.cluster import chart
from tools.cluster.base import Cluster
from tools.cluster.operator_process import OperatorProcess, SharedOperator

ACCOUNT = "agentschedule"
RIGHTS = ("serviceaccount", "clusterrole")


@pytest.fixture(scope="session")
def operator_kubeconfig(
    control_plane: Cluster,
    crds: None,  # noqa: ARG001
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Access with exactly the rights that the chart gives the operator, and no more."""
    namespace = chart.OPERATOR_NAMESPACE
    shown = [f"--show-only=templates/{name}.yaml" for name in RIGHTS]
    version = json.loads(control_plane.kubectl("version", "-o", "json"))["serverVersion"]["gitVersion"]
    render = ["template", chart.RELEASE, str(chart.CHART), "--namespace", namespace, "--kube-version", version]
    rights = chart.helm(control_plane, *render, *shown)
    if namespace not in control_plane.kubectl("get", "namespaces"):
        control_plane.kubectl("create", "namespace", namespace)
    control_plane.kubectl("apply", "-f", "-", stdin=rights)
    target = tmp_path_factory.mktemp("operator") / "kubeconfig"
    return control_plane.service_account_kubeconfig(namespace, ACCOUNT, target)


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
