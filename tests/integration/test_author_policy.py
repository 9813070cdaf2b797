"""policy.requirePodRights: who may write AgentSchedules, judged with real accounts under the chart's own roles."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from agentschedule import names
from tests.fixtures import Api
from tests.integration.rights import WAIT, Release
from tests.world import Body, World, agent_schedule, schedule_run
from tools.cluster.base import Cluster
from tools.cluster.daemons import wait_until

pytestmark = [pytest.mark.usefixtures("crds"), pytest.mark.xdist_group("author-policy")]

SENTENCE = "it needs the right to create CronJobs in this namespace"
# Who has only the chart's own role; and who has Kubernetes' own, to which the chart adds its role.
SCHEDULER, AUTHOR = "scheduler", "author"
Do = Callable[..., str]


@pytest.fixture(scope="module")
def people(
    control_plane: Cluster, shared_namespace: str, worker_id: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Do]]:
    """kubectl as each of the two, with tokens of their own."""
    release = Release(control_plane, f"agentschedule-people-{worker_id}")
    roles = release.render(["clusterroles-users"])
    control_plane.kubectl("apply", "-f", "-", stdin=roles)
    target = tmp_path_factory.mktemp("people")
    did = {}
    for name, bound in ((SCHEDULER, [f"{release.name}-edit", f"{release.name}-view"]), (AUTHOR, ["edit"])):
        control_plane.kubectl("-n", shared_namespace, "create", "serviceaccount", name)
        for role in bound:
            subject = f"--serviceaccount={shared_namespace}:{name}"
            control_plane.kubectl(
                "-n", shared_namespace, "create", "rolebinding", f"{name}-{role}", f"--clusterrole={role}", subject
            )
        access = control_plane.service_account_kubeconfig(shared_namespace, name, target / name)
        did[name] = _as(control_plane, access, shared_namespace)
    mine = ("create", "--dry-run=server", "-f", "-")
    for do in did.values():  # roles are added up within moments
        assert wait_until(lambda: "created" in do(*mine, body=agent_schedule("probe")), WAIT)  # noqa: B023
    yield did
    control_plane.kubectl("delete", "-f", "-", stdin=roles)


def _as(cluster: Cluster, access: Path, namespace: str) -> Do:
    def do(*args: str, body: Body | None = None) -> str:
        command = [f"--kubeconfig={access}", "-n", namespace, *args]
        return cluster.kubectl(*command, stdin=yaml.safe_dump(body) if body else None, check=False)

    return do


@pytest.fixture(scope="module")
def policy(control_plane: Cluster, people: dict[str, Do], worker_id: str) -> Iterator[None]:
    release = Release(control_plane, f"agentschedule-people-{worker_id}")
    manifest = release.render(["author-policy"], "policy.requirePodRights=true")
    control_plane.kubectl("apply", "-f", "-", stdin=manifest)
    create = ("create", "--dry-run=server", "-f", "-")
    assert wait_until(lambda: SENTENCE in people[SCHEDULER](*create, body=agent_schedule("probe")), WAIT)
    yield
    control_plane.kubectl("delete", "-f", "-", stdin=manifest)


@pytest.fixture(scope="module")
def report(control_plane: Cluster, api: Api, shared_namespace: str) -> World:
    world = World(control_plane, api, shared_namespace)
    world.apply(agent_schedule("report"))
    return world


def test_without_it_whoever_may_write_schedules_runs_any_pod(people: dict[str, Do]) -> None:
    thief = agent_schedule("thief", agent={"serviceAccountName": "admin"})
    assert "created" in people[SCHEDULER]("create", "--dry-run=server", "-f", "-", body=thief)


@pytest.mark.usefixtures("policy", "report")
def test_who_may_not_create_cronjobs_writes_no_schedule(people: dict[str, Do]) -> None:
    do = people[SCHEDULER]
    assert SENTENCE in do("create", "-f", "-", body=agent_schedule("mine"))
    spec = json.dumps({"spec": {"agent": {"serviceAccountName": "admin"}}})
    assert SENTENCE in do("patch", "agentschedule", "report", "--type=merge", "-p", spec)
    assert SENTENCE in do("patch", "agentschedule", "report", "--type=merge", "-p", '{"spec": {"suspend": true}}')


@pytest.mark.usefixtures("policy", "report")
def test_but_starts_what_others_wrote(people: dict[str, Do]) -> None:
    do = people[SCHEDULER]
    assert "annotated" in do("annotate", "agentschedule", "report", f"{names.ANNOTATION_TRIGGER}=1")
    assert "created" in do("create", "--dry-run=server", "-f", "-", body=schedule_run("now", "report"))
    assert "deleted" in do("delete", "agentschedule", "report", "--dry-run=server")


@pytest.mark.usefixtures("policy", "report")
def test_who_may_create_cronjobs_writes_schedules(people: dict[str, Do]) -> None:
    do = people[AUTHOR]
    assert "created" in do("create", "--dry-run=server", "-f", "-", body=agent_schedule("mine"))
    assert "patched" in do("patch", "agentschedule", "report", "--type=merge", "-p", '{"spec": {"suspend": false}}')
