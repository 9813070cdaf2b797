"""The whole product on a real node: the chart's operator in the cluster, with the rights that the chart gives it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from tests import proof
from tests.e2e.agents import new_world
from tests.e2e.installation import Installation
from tests.e2e.minutes import Minutes, two_minutes
from tests.e2e.race import Aftermath, race
from tests.fixtures import Api
from tests.world import World
from tools.cluster.base import Cluster

# A right that the chart's role lacks, as the API server puts it; and bugs. (Kopf calls each of its retries an ERROR.)
TROUBLE = ('forbidden: User "', "Traceback", " ERROR   agentschedule", "no end after", "is being terminated")


@pytest.fixture(scope="session")
def installation(
    request: pytest.FixtureRequest,
    node_cluster: Cluster,
    image: str,  # noqa: ARG001
) -> Iterator[Installation]:
    """The chart, installed once. At the end, its log must speak of no missing right and of no bug."""
    installed = Installation(node_cluster)
    installed.install()
    yield installed
    restarts = installed.restarts()
    installed.uninstall()
    proof.note(request.config, node_cluster)
    assert all("listed everything" in log for log in installed.logs)
    output = "\n".join(installed.logs)
    for trouble in TROUBLE:
        assert trouble not in output, _around(output, trouble)
    assert set(restarts.split()) == {"0"}


@pytest.fixture
def world(node_cluster: Cluster, node_api: Api, node_namespace: str, installation: Installation) -> World:  # noqa: ARG001
    """A namespace of the test's own, with the operator at work."""
    return World(node_cluster, node_api, node_namespace)


@pytest.fixture(scope="module")
def shared(node_cluster: Cluster, node_api: Api, installation: Installation) -> Iterator[World]:  # noqa: ARG001
    """A namespace for all tests of a module, which wait for the same runs."""
    made = new_world(node_cluster, node_api)
    yield made
    node_api.core.delete_namespace(made.namespace)


@dataclass(frozen=True)
class UnderWay:
    """What waits for full minutes, while other tests go on."""

    race: Future[Aftermath]
    minutes: Future[Minutes]


@pytest.fixture(scope="session")
def under_way(node_cluster: Cluster, node_api: Api, installation: Installation) -> Iterator[UnderWay]:  # noqa: ARG001
    """Each in a namespace of its own, begun with the first test that asks for it: what is late in the group judges."""
    one, other = new_world(node_cluster, node_api), new_world(node_cluster, node_api)
    with ThreadPoolExecutor(2) as threads:
        yield UnderWay(threads.submit(race, one), threads.submit(two_minutes, other))
    for world in (one, other):
        node_api.core.delete_namespace(world.namespace)


def _around(text: str, word: str) -> str:
    at = text.find(word)
    return text[max(0, at - 1000) : at + 4000]
