"""pytest fixtures over the harness: loaded by tests/conftest.py.

Every test worker has a native control plane of its own. Clusters with a node are few: the tests that need one say which
with `node_group`, and `--dist loadgroup` gives all of a group to one worker.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from kubernetes import config
from kubernetes.client import (
    ApiClient,
    BatchV1Api,
    CoreV1Api,
    CustomObjectsApi,
    RbacAuthorizationV1Api,
    V1Namespace,
    V1ObjectMeta,
)

from tests import proof
from tools.cluster import chart, images
from tools.cluster.base import Cluster
from tools.cluster.daemons import wait_until
from tools.cluster.operator_process import OperatorProcess, SharedOperator
from tools.cluster.paths import CLUSTERS, IMAGE
from tools.cluster.progress import locked
from tools.cluster.providers import cluster, provider

SHARED = "test"  # the name of the kind cluster of a test run


@dataclass(frozen=True)
class Api:
    """The official Kubernetes client, as admin: an independent judge of what the operator did."""

    client: ApiClient

    @cached_property
    def core(self) -> CoreV1Api:
        """Pods, events, namespaces, secrets."""
        return CoreV1Api(self.client)

    @cached_property
    def batch(self) -> BatchV1Api:
        """CronJobs and Jobs."""
        return BatchV1Api(self.client)

    @cached_property
    def custom(self) -> CustomObjectsApi:
        """AgentSchedules and ScheduleRuns."""
        return CustomObjectsApi(self.client)

    @cached_property
    def rbac(self) -> RbacAuthorizationV1Api:
        """Roles and bindings."""
        return RbacAuthorizationV1Api(self.client)


def api_for(target: Cluster) -> Api:
    """Client objects for any cluster of the harness."""
    make_client: Callable[..., ApiClient] = config.new_client_from_config
    client = make_client(config_file=str(target.kubeconfig))
    client.rest_client.pool_manager.connection_pool_kw["maxsize"] = 40  # for tests that ask from many threads
    return Api(client)


@pytest.fixture(scope="session")
def control_plane(worker_id: str) -> Iterator[Cluster]:
    """A cluster whose controllers run; whether pods do is open."""
    yield from _session_cluster(f"control-{worker_id}", node=False)


@pytest.fixture(scope="session")
def node_cluster(worker_id: str) -> Iterator[Cluster]:
    """A cluster where pods run; its image comes with the fixture `image`."""
    yield from _session_cluster(f"node-{worker_id}", node=True)


@pytest.fixture(scope="session")
def image(node_cluster: Cluster) -> str:
    """The operator's and the sample agent's image, on the node of `node_cluster`: use the returned name."""
    images.load(node_cluster)
    return IMAGE


@pytest.fixture(scope="session")
def api(control_plane: Cluster) -> Api:
    """Client for `control_plane`."""
    return api_for(control_plane)


@pytest.fixture(scope="session")
def node_api(node_cluster: Cluster) -> Api:
    """Client for `node_cluster`."""
    return api_for(node_cluster)


@pytest.fixture(scope="session")
def crds(control_plane: Cluster) -> None:
    """crds/*.yaml, served by `control_plane`."""
    chart.apply_crds(control_plane)


@pytest.fixture(scope="session")
def node_crds(node_cluster: Cluster) -> None:
    """crds/*.yaml, served by `node_cluster`."""
    chart.apply_crds(node_cluster)


@pytest.fixture
def namespace(api: Api) -> Iterator[str]:
    """A namespace of the test's own on `control_plane`."""
    yield from _namespace(api)


@pytest.fixture(scope="module")
def shared_namespace(api: Api) -> Iterator[str]:
    """A namespace on `control_plane` for the tests of a module that store nothing there."""
    yield from _namespace(api)


@pytest.fixture
def node_namespace(node_api: Api) -> Iterator[str]:
    """A namespace of the test's own on `node_cluster`."""
    yield from _namespace(node_api)


@pytest.fixture(scope="session")
def shared_operator(control_plane: Cluster) -> Iterator[SharedOperator]:  # noqa: ARG001
    """The operator on `control_plane` that many tests share; whoever needs the cluster without one lets it rest."""
    shared = SharedOperator()
    yield shared
    shared.rest()


@pytest.fixture
def operator_process(tmp_path: Path, shared_operator: SharedOperator) -> Iterator[Callable[..., OperatorProcess]]:
    """Makes OperatorProcess objects (kubeconfig, **env) that do not outlive the test; the shared one rests."""
    shared_operator.rest()
    made: list[OperatorProcess] = []

    def make(kubeconfig: Path, **env: str) -> OperatorProcess:
        made.append(OperatorProcess(kubeconfig, tmp_path / f"operator-{len(made)}.log", env))
        return made[-1]

    yield make
    for process in made:
        process.kill()


def _session_cluster(name: str, node: bool) -> Iterator[Cluster]:
    """Native: one for this process, the pid keeps two test runs apart. Else: one for the whole run."""
    if provider() != "native":
        yield _shared()
        return
    own = cluster(f"{name}-{os.getpid()}", node)
    own.up()
    yield own
    own.down()


def _shared() -> Cluster:
    """The first worker of a run starts it; `remove_shared` removes it when the run ends."""
    shared = cluster(SHARED, node=True)
    with locked(SHARED):
        if not _marker().exists() or _marker().read_text() != _run_id():
            shared.up()
            CLUSTERS.mkdir(parents=True, exist_ok=True)
            _marker().write_text(_run_id())
    return shared


def node_group(name: str) -> pytest.MarkDecorator:
    """The tests that share a cluster with a node, and what is installed there. Only `native` can have several."""
    several = pytest_report_header().endswith("native")
    return pytest.mark.xdist_group(name if several else "node")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In the order of their turns. What waits long begins early, and leaves no worker alone with it at the end."""
    items.sort(key=lambda item: next((mark.args[0] for mark in item.iter_markers("turn")), 0))


def pytest_report_header() -> str:
    """Say which cluster the tests will use, before any of them starts one."""
    try:
        return f"cluster provider: {provider()}"
    except SystemExit as reason:  # unit tests need none
        return f"cluster provider: {reason}"


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker has ended: what it has seen of the operator's rights."""
    proof.collect(node.config, getattr(node, "workeroutput", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What is wrong with the operator's rights."""
    for sentence in config.stash.get(proof.FAULTS, []):
        terminalreporter.write_line(f"RIGHTS {sentence}", red=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The leading process outlives the workers: it judges what they saw, and removes what they shared."""
    proof.judge(session)
    if not hasattr(session.config, "workerinput") and _marker().exists() and _marker().read_text() == _run_id():
        cluster(SHARED, node=True).down()
        _marker().unlink()


def _marker() -> Path:
    return CLUSTERS / f"{SHARED}.run"


def _run_id() -> str:
    """The pid of the process that leads the test run: itself, or the parent of xdist's workers."""
    return str(os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid())


def _namespace(api: Api) -> Iterator[str]:
    name = f"t-{uuid.uuid4().hex[:8]}"
    api.core.create_namespace(V1Namespace(metadata=V1ObjectMeta(name=name)))
    # pods are refused until the controllers have made the account
    wait_until(lambda: bool(api.core.list_namespaced_service_account(name).items), 30)
    yield name
    api.core.delete_namespace(name)
