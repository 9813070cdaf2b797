"""The operator with Roles in some namespaces only: it does its whole work there, and none elsewhere."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from agentschedule.cluster.permissions import OPERATOR
from tests.fixtures import Api
from tests.integration.rights import Release
from tests.integration.steps import answer, at_work, ended, finish, job_names, phase, settled, started
from tests.world import World, agent_schedule, stays, wait_for
from tools.cluster.base import Cluster
from tools.cluster.operator_process import OperatorProcess, SharedOperator

pytestmark = [pytest.mark.usefixtures("crds"), pytest.mark.xdist_group("watch-namespaces"), pytest.mark.turn(-1)]

RESYNC_SECONDS = "10"
# As long as it takes to notice that a namespace is shut, or open again.
NOTICE = 60.0


@dataclass(frozen=True)
class Part:
    """An operator that works in part of a cluster."""

    release: Release
    operator: OperatorProcess
    mine: World
    other: World
    foreign: World
    absent: World

    def grant(self, *worlds: World) -> None:
        self.release.grant(*(world.namespace for world in worlds))

    def says(self, sentence: str) -> int:
        return self.operator.log.read_text().count(sentence)


@pytest.fixture(scope="module")
def part(
    control_plane: Cluster, api: Api, shared_operator: SharedOperator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Part]:
    shared_operator.rest()  # it works everywhere
    prefix = f"part-{uuid.uuid4().hex[:6]}"
    release = Release(control_plane, f"agentschedule-{prefix}", f"{prefix}-system")
    worlds = [World(control_plane, api, f"{prefix}-{name}") for name in ("mine", "other", "foreign", "absent")]
    for world in worlds[:3]:
        control_plane.kubectl("create", "namespace", world.namespace)
    place = tmp_path_factory.mktemp("part")
    names = [world.namespace for world in (worlds[0], worlds[1], worlds[3])]
    release.grant(*names[:2])
    access = control_plane.service_account_kubeconfig(release.namespace, release.account, place / "kubeconfig")
    env = {"AGENTSCHEDULE_WATCH_NAMESPACES": ",".join(names), "AGENTSCHEDULE_RESYNC_SECONDS": RESYNC_SECONDS}
    worlds[2].apply(agent_schedule("untouched", "* * * * *"))
    with OperatorProcess(access, place / "operator.log", env) as operator:
        yield Part(release, operator, *worlds)
        operator.check_end()
    for namespace in (release.namespace, *(world.namespace for world in worlds)):
        control_plane.kubectl("delete", "namespace", namespace, "--wait=false", "--ignore-not-found")
    control_plane.kubectl("-n", "kube-system", "delete", "role,rolebinding", f"{release.name}-assist")
    policy = ("validatingadmissionpolicy", "validatingadmissionpolicybinding")
    for kind in policy:
        control_plane.kubectl("delete", kind, f"{release.name}-operator")


def test_the_operators_whole_work_is_done_with_roles_only(part: Part) -> None:
    world, minutely = part.mine, part.other
    at_work(minutely, "minutely", "* * * * *")
    at_work(world, "report")

    run = answer(world, "report", "now")["run"]
    assert finish(world, run)["phase"] == "Succeeded"

    run = answer(world, "report", "cancelled")["run"]
    started(world, run)
    world.start_pod(run)
    world.cancel(run)
    wait_for(lambda: _stopped(world, run), "the end of the run", 40)
    ended(world, run, "Cancelled")

    world.kubectl("create", "job", "copy", "--from=cronjob/report")
    finish(world, "copy")

    world.patch("report", suspend=True)
    settled(world, "report")
    wait_for(lambda: world.cronjob("report").spec.suspend, "a suspended CronJob")
    wait_for(lambda: len(world.events("report")) > 1, "events")

    due = wait_for(lambda: job_names(minutely, "minutely"), "a scheduled run", 75)[0]
    finish(minutely, due)

    world.kubectl("delete", "agentschedule", "report", "--wait")
    wait_for(lambda: not world.kubectl("get", "cronjobs,jobs,scheduleruns", "-o", "name"), "nothing left", 40)
    told = [line for line in part.operator.log.read_text().splitlines() if part.absent.namespace not in line]
    assert [line for line in told if " cannot " in line or "ERROR" in line] == []


def _stopped(world: World, run: str) -> bool:
    world.stop_pods("report")
    return phase(world, run) == "Cancelled"


def test_a_schedule_elsewhere_is_not_touched(part: Part) -> None:
    assert part.foreign.schedule("untouched").get("status") is None
    assert part.foreign.kubectl("get", "cronjobs,jobs,scheduleruns", "-o", "name") == ""
    assert part.says(part.foreign.namespace) == 0


def test_the_operators_account_has_no_right_elsewhere(part: Part, control_plane: Cluster) -> None:
    def may(verb: str, resource: str, group: str, *scope: str) -> bool:
        name, _, sub = resource.partition("/")
        what = [f"{name}.{group}" if group else name, *([f"--subresource={sub}"] if sub else [])]
        said = control_plane.kubectl("auth", "can-i", verb, *what, f"--as={part.release.user}", *scope, check=False)
        return said.strip().endswith("yes")

    assert part.foreign.namespace not in _seen(control_plane, part, part.foreign.namespace)
    assert part.mine.namespace in _seen(control_plane, part, part.mine.namespace)
    for right in OPERATOR:
        if right.resource == "namespaces":  # no question about it has the namespace that a request has
            continue
        verb = right.verbs[0]
        assert may(verb, right.resource, right.group, "-n", part.mine.namespace), right
        assert not may(verb, right.resource, right.group, "-n", part.foreign.namespace), right


def _seen(cluster: Cluster, part: Part, namespace: str) -> str:
    get = ("get", "namespace", namespace, f"--as={part.release.user}", "-o", "jsonpath={.metadata.name}")
    said = cluster.kubectl(*get, check=False)
    return "" if "Forbidden" in said else said


def test_a_namespace_that_is_not_there_is_named_once_and_watched_as_soon_as_it_is(part: Part) -> None:
    absent = part.absent
    sentence = f"namespace {absent.namespace} of watchNamespaces is not watched"
    assert part.says(sentence) == 1
    absent.cluster.kubectl("create", "namespace", absent.namespace)
    absent.apply(agent_schedule("late"))
    part.grant(part.mine, part.other, absent)
    wait_for(lambda: part.says(f"namespace {absent.namespace} is watched"), "the namespace is watched", NOTICE)
    settled(absent, "late")
    at_work(absent, "later")  # by its watch


def test_a_namespace_that_shuts_the_operator_out_costs_the_others_nothing(part: Part) -> None:
    shut, sentence = part.other, f"namespace {part.other.namespace} of watchNamespaces is not watched"
    at_work(shut, "before")
    shut.kubectl("delete", "rolebinding", part.release.name)
    wait_for(lambda: part.says(sentence), "the sentence", NOTICE)
    shut.apply(agent_schedule("meanwhile"))
    at_work(part.mine, "goes-on")
    time.sleep(2 * float(RESYNC_SECONDS))
    assert part.says(sentence) == 1
    stays(lambda: part.operator.running, "the operator runs", 2)

    part.grant(part.mine, part.other, part.absent)
    wait_for(lambda: part.says(f"namespace {shut.namespace} is watched") == 2, "the namespace is watched again", NOTICE)
    settled(shut, "meanwhile")
    at_work(shut, "after")
