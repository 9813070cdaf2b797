"""kubectl delete: what a schedule made goes with it, with the operator there or not."""

from __future__ import annotations

from kubernetes.client import ApiException

from agentschedule import names
from tests.integration.steps import answer, at_work, create_manual_run, finish, settled, started
from tests.world import World, agent_schedule, wait_for
from tools.cluster.operator_process import OperatorProcess


def left(world: World) -> list[str]:
    """Everything of a schedule that is still there."""
    cronjobs = world.api.batch.list_namespaced_cron_job(world.namespace).items
    found = [f"cronjob/{item.metadata.name}" for item in cronjobs]
    found += [f"job/{item.metadata.name}" for item in world.jobs()]
    found += [f"pod/{item.metadata.name}" for item in world.pods()]
    found += [f"srun/{item['metadata']['name']}" for item in world.runs()]
    return found


def busy_schedule(world: World) -> None:
    """One run that ended, one at work by annotation, one by hand, one from the CronJob."""
    at_work(world, "report", concurrencyPolicy="Allow")
    finish(world, answer(world, "report", "one")["run"])
    started(world, answer(world, "report", "two")["run"])
    create_manual_run(world, "now", "report")
    started(world, "now")
    world.kubectl("create", "job", "mine", "--from=cronjob/report")
    wait_for(lambda: len(world.runs()) == 4 and len(world.pods()) == 4, "four runs with a pod each", 30)


def test_deleting_a_schedule_removes_cronjob_jobs_runs_and_pods(world: World) -> None:
    busy_schedule(world)
    world.kubectl("delete", "agentschedule", "report", "--timeout=20s")
    wait_for(lambda: not left(world), "nothing left", 60)


def test_with_the_operator_gone_a_schedule_is_deleted_all_the_same(world: World, operator: OperatorProcess) -> None:
    busy_schedule(world)
    operator.terminate()
    world.kubectl("delete", "agentschedule", "report", "--timeout=20s")
    wait_for(lambda: not left(world), "nothing left", 60)


def test_with_the_operator_gone_a_namespace_is_deleted_all_the_same(world: World, operator: OperatorProcess) -> None:
    name = f"{world.namespace}-too"
    world.kubectl("create", "namespace", name)
    other = World(world.cluster, world.api, name)
    busy_schedule(other)
    operator.kill()

    world.kubectl("delete", "namespace", name, "--wait=false")

    wait_for(lambda: _gone(world, name), f"namespace {name} gone", 120)


def test_with_the_operator_at_work_a_namespace_is_deleted(world: World) -> None:
    name = f"{world.namespace}-too"
    world.kubectl("create", "namespace", name)
    busy_schedule(World(world.cluster, world.api, name))
    world.kubectl("delete", "namespace", name, "--wait=false")
    wait_for(lambda: _gone(world, name), f"namespace {name} gone", 120)


def _gone(world: World, namespace: str) -> bool:
    try:
        world.api.core.read_namespace(namespace)
    except ApiException as error:
        return bool(error.status == 404)
    return False


def test_a_schedule_that_comes_again_begins_anew(world: World) -> None:
    busy_schedule(world)
    first = world.cronjob("report").metadata.uid
    world.kubectl("delete", "agentschedule", "report")
    world.apply(agent_schedule("report"))

    status = settled(world, "report")
    wait_for(lambda: world.cronjob("report").metadata.uid != first, "a CronJob of its own", 60)
    wait_for(lambda: left(world) == ["cronjob/report"], "nothing of the former one", 60)
    status = settled(world, "report")

    assert status["counts"] == dict.fromkeys(status["counts"], 0)
    assert "lastRun" not in status
    owner = world.cronjob("report").metadata.owner_references[0]
    assert (owner.kind, owner.uid) == (names.SCHEDULE_KIND, world.schedule("report")["metadata"]["uid"])
