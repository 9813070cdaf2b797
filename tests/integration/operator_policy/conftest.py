"""The operator's account, and what it finds in a namespace."""

from __future__ import annotations

import pytest
import yaml

from tests.fixtures import Api
from tests.integration.operator_policy.account import Account
from tests.integration.operator_policy.bodies import LABELS, cronjob, job, pod, run
from tools.cluster.base import Cluster


@pytest.fixture(scope="module")
def account(api: Api, shared_namespace: str) -> Account:
    return Account(api, shared_namespace)


@pytest.fixture(scope="module")
def stored(control_plane: Cluster, shared_namespace: str) -> None:
    """A schedule's CronJob, a Job and a pod of it, a run; and the same of somebody else's."""
    foreign_job, foreign_cronjob = job("foreign"), cronjob("foreign")
    for body in (foreign_job, foreign_cronjob):
        body["metadata"] = {"name": "foreign", "labels": {"app": "web"}}
    mine = [cronjob("stored"), job("by-hand"), pod("mine", LABELS), run("recorded")]
    for body in mine:
        body["metadata"].pop("ownerReferences", None)  # the garbage collector knows that there is no such owner
    bodies = [*mine, foreign_job, foreign_cronjob, pod("foreign", {})]
    control_plane.kubectl("-n", shared_namespace, "create", "-f", "-", stdin=yaml.safe_dump_all(bodies))
    suspended = ("-n", shared_namespace, "wait", "job/by-hand", "--for=condition=Suspended", "--timeout=30s")
    control_plane.kubectl(*suspended)
