"""Of Leases, the operator's account writes its own, and of that who leads."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fixtures import Api
from tests.integration.operator_policy.account import Account, by_policy
from tests.integration.operator_policy.bodies import owner
from tests.world import Body
from tools.cluster import chart
from tools.cluster.base import Cluster

# With the tests of leaders, on a cluster that all workers share.
pytestmark = [pytest.mark.usefixtures("operator_kubeconfig"), pytest.mark.xdist_group("leader")]
OWN, FOREIGN = chart.RELEASE, "foreign"
TIME = "2026-11-28T12:00:00.000000Z"


def lease(name: str = OWN, **metadata: object) -> Body:
    spec = {"holderIdentity": "me", "leaseDurationSeconds": 10, "leaseTransitions": 0, "acquireTime": TIME}
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name, **metadata},
        "spec": spec | {"renewTime": TIME},
    }


@pytest.fixture(scope="module")
def account(api: Api) -> Account:
    return Account(api, chart.OPERATOR_NAMESPACE)


@pytest.fixture
def without_lease(control_plane: Cluster) -> None:
    control_plane.kubectl("-n", chart.OPERATOR_NAMESPACE, "delete", "lease", OWN, "--ignore-not-found")


@pytest.fixture
def leases(control_plane: Cluster, without_lease: None) -> Iterator[None]:  # noqa: ARG001
    control_plane.apply(*(lease(name, namespace=chart.OPERATOR_NAMESPACE) for name in (OWN, FOREIGN)))
    yield
    control_plane.kubectl("-n", chart.OPERATOR_NAMESPACE, "delete", "lease", OWN, FOREIGN)


@pytest.mark.usefixtures("without_lease")
def test_it_makes_its_own_and_no_other(account: Account, shared_namespace: str) -> None:
    assert account.make(lease()) == ""
    assert "own Lease only" in by_policy(account.make(lease(FOREIGN)))
    assert "own Lease only" in by_policy(account.make(lease(ownerReferences=[owner("Deployment", "x", "apps/v1")])))
    assert "own Lease only" in by_policy(account.make(lease(finalizers=["a.b/c"])))
    for elsewhere in (shared_namespace, "kube-system", "kube-node-lease"):
        assert " cannot create " in account.make(lease(), elsewhere)


@pytest.mark.usefixtures("leases")
def test_it_writes_who_leads_and_nothing_else_of_it(account: Account) -> None:
    assert account.patch(f"Lease/{OWN}", {"spec": {"holderIdentity": "other", "renewTime": TIME}}) == ""
    for change in ({"labels": {"a": "b"}}, {"annotations": {"a": "b"}}, {"finalizers": ["a.b/c"]}):
        assert "own Lease only" in by_policy(account.patch(f"Lease/{OWN}", {"metadata": change}))


@pytest.mark.usefixtures("leases")
def test_it_has_no_right_to_others_nor_to_delete(account: Account) -> None:
    assert " cannot patch " in account.patch(f"Lease/{FOREIGN}", {"spec": {"holderIdentity": "me"}})
    assert " cannot delete " in account.delete(f"Lease/{OWN}")
