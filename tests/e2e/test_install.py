"""Coming and going: Helm, the plain manifest, the samples as the README shows them, and what stays behind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.e2e.agents import (
    ended,
    is_final,
    left_of,
    new_world,
    next_minute,
    now,
    runner,
    seen,
    shell,
    sleep_until,
    trigger,
)
from tests.e2e.installation import SAMPLES, Installation
from tests.fixtures import node_group
from tests.world import Body, World, agent_schedule, schedule_run, wait_for
from tools.cluster import chart

pytestmark = [node_group("node"), pytest.mark.turn(3)]

AGENTS = "agents"  # the samples' namespace
GONE = 90.0


@pytest.fixture
def without_operator(installation: Installation) -> Iterator[Installation]:
    """The operator is installed again at the end, by Helm."""
    yield installation
    installation.install()


def test_uninstalling_first_leaves_nothing_stuck(shared: World, without_operator: Installation) -> None:
    world = new_world(shared.cluster, shared.api)
    busy = shell("sleep 300")
    world.apply(agent_schedule("deleted", agent=busy), agent_schedule("with-its-namespace", agent=busy))
    shared.apply(agent_schedule("stays", agent=runner(), params={"output": "Still here."}))
    seen(world, "deleted", "with-its-namespace")
    seen(shared, "stays")
    for name in ("deleted", "with-its-namespace"):
        trigger(world, name)
    before = ended(shared, trigger(shared, "stays", "before")["run"])
    wait_for(lambda: [pod.status.phase for pod in world.pods()] == ["Running"] * 2, "two agents at work", 60)

    without_operator.uninstall()

    assert "agentschedule" not in world.cluster.kubectl("get", "deployments", "-n", chart.OPERATOR_NAMESPACE)
    for name in chart.CRD_NAMES:  # the chart keeps the CRDs, and with them every object
        world.cluster.kubectl("get", "crd", name)
    assert shared.run(before["metadata"]["name"]) == before

    world.kubectl("delete", "agentschedule", "deleted", "--timeout=30s")
    wait_for(lambda: not left_of(world, "deleted"), "nothing left of the schedule", GONE)
    assert len(left_of(world, "with-its-namespace")) == 4  # run, CronJob, Job and pod
    world.cluster.kubectl("delete", "namespace", world.namespace, f"--timeout={GONE:.0f}s")

    # made while nobody was there
    shared.apply(schedule_run("meanwhile", "stays"))
    without_operator.install()

    assert ended(shared, "meanwhile")["status"]["output"]["content"] == "Still here."
    after = ended(shared, trigger(shared, "stays", "after")["run"])
    assert after["status"]["phase"] == "Succeeded"
    wait_for(lambda: shared.status("stays")["counts"]["manual"] == 3, "all three counted")
    assert len(shared.runs("stays")) == len(shared.jobs("stays")) == 3  # the token from before started nothing


def test_the_plain_manifest_installs_the_operator_and_the_samples_run(
    node_world: World, without_operator: Installation
) -> None:
    without_operator.uninstall()
    without_operator.apply_manifest()
    samples = node_world
    samples.cluster.kubectl("apply", "-f", str(SAMPLES))
    seen(samples, "hello", "daily-report")

    daily = trigger(samples, "daily-report", f"{now().timestamp():.0f}")
    by_annotation = ended(samples, daily["run"])
    sleep_until(next_minute())
    scheduled = wait_for(lambda: _ended_runs(samples, "hello"), "a scheduled run of hello")[0]
    _to_a_quiet_moment()
    wait_for(lambda: samples.status("hello")["active"] == 0, "the end of the scheduled run of this minute", 40)
    created = samples.cluster.kubectl("create", "-f", str(SAMPLES / "run-now" / "hello.yaml"), "-o", "name").strip()
    status = ended(samples, created.rpartition("/")[2])["status"]
    assert status["phase"] == "Succeeded", status
    samples.kubectl("wait", "--for=condition=Complete", created, "--timeout=10s")
    manual = samples.run(created.partition("/")[2])

    for run in (by_annotation, scheduled, manual):
        assert run["status"]["phase"] == "Succeeded"
    assert manual["spec"]["trigger"] == "Manual"
    assert scheduled["status"]["output"]["content"] == "hello-agent was asked: Say hello to the team."
    table = samples.kubectl("get", "agentschedules,scheduleruns")
    assert manual["metadata"]["name"] in table

    samples.cluster.kubectl("delete", "-f", str(SAMPLES), "--timeout=120s")
    without_operator.delete_manifest()
    assert "agentschedule" not in samples.cluster.kubectl("get", "crds,clusterroles,namespaces", "-o", "name")


@pytest.fixture
def node_world(world: World) -> Iterator[World]:
    """The namespace of the samples, which they bring themselves."""
    yield World(world.cluster, world.api, AGENTS)
    world.cluster.kubectl("delete", "namespace", AGENTS, "--ignore-not-found", "--timeout=120s")


def _ended_runs(world: World, schedule: str) -> list[Body]:
    return [run for run in world.runs(schedule) if run["spec"]["trigger"] == "Schedule" and is_final(run)]


def _to_a_quiet_moment() -> None:
    """Far from the next full minute, so that no scheduled run is in the way of one by hand."""
    if next_minute() - now() < timedelta(seconds=20):
        sleep_until(next_minute() + timedelta(seconds=15))
