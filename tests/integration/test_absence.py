"""The operator is killed, or away for a while: Kubernetes goes on with what has begun, and nothing counts twice."""

from __future__ import annotations

import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from agentschedule import names
from tests.integration.rights import Release
from tests.integration.steps import (
    QUIET_SECONDS,
    at_work,
    counted,
    create_manual_run,
    ended,
    job_names,
    phase,
    run_names,
    started,
)
from tests.world import FULL, World, schedule_run, stays, wait_for
from tools.cluster import audit
from tools.cluster.operator_process import OperatorProcess

DEATHS = 5 if FULL else 3
GOOD, BAD, AGAIN = "good", "bad", "again"  # 'again' fails first, and then succeeds
EXIT_CODES = {GOOD: 0, BAD: 64, AGAIN: 1}  # 64 is never tried again


def test_runs_that_end_at_once_count_once_though_the_operator_is_killed_again_and_again(
    world: World, operator: OperatorProcess
) -> None:
    seed = random.randrange(10_000)
    print(f"seed {seed}")
    chance = random.Random(seed)
    fates = {f"run-{n}": chance.choice((GOOD, GOOD, BAD, AGAIN)) for n in range(24)}
    at_work(world, "report", concurrencyPolicy="Allow", retry={"limit": 1}, history={"succeeded": 100, "failed": 100})
    early, late = list(fates)[:16], list(fates)[16:]
    world.create(*(schedule_run(name, "report") for name in early))
    for name in early:
        started(world, name)

    with ThreadPoolExecutor(30) as threads:
        lives = [threads.submit(_live, world, name, fates[name], chance.uniform(0, 8)) for name in early]
        for death in range(DEATHS):
            world.create(*(schedule_run(name, "report") for name in late[death::DEATHS]))
            lives += [threads.submit(_live, world, name, fates[name], 0.0) for name in late[death::DEATHS]]
            time.sleep(chance.uniform(0, 1.5))
            operator.kill()
            time.sleep(chance.uniform(0, 1))
            operator.start()
        for life in lives:
            life.result()

    failed = sum(fate == BAD for fate in fates.values())
    for name, fate in fates.items():
        ended(world, name, "Failed" if fate == BAD else "Succeeded")
    counted(world, "report", manual=len(fates), succeeded=len(fates) - failed, failed=failed, due=0)
    assert run_names(world) == job_names(world) == sorted(fates)
    ends = Counter(
        end.type for job in world.jobs() for end in job.status.conditions if end.type in ("Complete", "Failed")
    )
    assert ends == {"Complete": len(fates) - failed, "Failed": failed}
    pods = Counter(pod.metadata.labels[names.LABEL_JOB_NAME] for pod in world.pods())
    assert pods == {name: 2 if fate == AGAIN else 1 for name, fate in fates.items()}
    for name, fate in fates.items():
        attempts = [attempt["phase"] for attempt in world.run(name)["status"]["attempts"]]
        assert attempts == {GOOD: ["Succeeded"], BAD: ["Failed"], AGAIN: ["Failed", "Succeeded"]}[fate], name
    assert _jobs_made(world) == Counter(fates.keys())
    assert len(world.status("report")["countedRuns"]) == len(fates)


def _live(world: World, run: str, fate: str, delay: float) -> None:
    """The agent's part in a run. What is asked for while the operator is killed starts after its last death."""
    started(world, run, 60)
    time.sleep(delay)
    world.play_kubelet(run, EXIT_CODES[fate])
    if fate == AGAIN:
        world.play_kubelet(run)


def _jobs_made(world: World) -> Counter[str]:
    """How often each Job was made, by the API server's own log."""
    user = Release(world.cluster).user
    writes = audit.writes(world.cluster, user)
    made = (w for w in writes if (w.verb, w.resource, w.namespace, w.code) == ("create", "jobs", world.namespace, 201))
    return Counter(write.name for write in made)


def test_retries_keep_kubernetes_own_pace_without_the_operator_and_are_recorded_on_its_return(
    world: World, operator: OperatorProcess
) -> None:
    at_work(world, "report", concurrencyPolicy="Allow", retry={"limit": 2})
    at_work(world, "once")
    for name, schedule in (("third", "report"), ("none", "report"), ("drained", "once")):
        create_manual_run(world, name, schedule)
        started(world, name)
        world.start_pod(name)
        wait_for(lambda name=name: phase(world, name) == "Running", f"{name} running")  # type: ignore[misc]
    operator.kill()

    world.evict_pod("drained")
    for attempt in range(3):
        for name in ("third", "none"):
            wait_for(lambda name=name: world.open_pods(name), f"attempt {attempt + 1} of {name}", 40)  # type: ignore[misc]
            world.play_kubelet(name, exit_code=int(name == "none" or attempt < 2), message=f"attempt {attempt + 1}")
    wait_for(lambda: world.open_pods("drained"), "the pod that takes the place of the evicted one", 40)
    world.start_pod("drained")
    wait_for(lambda: len(world.pods("once")) == 1, "the end of the evicted one")
    operator.start()

    status = ended(world, "third", "Succeeded")
    assert [(a["attempt"], a["phase"]) for a in status["attempts"]] == [(1, "Failed"), (2, "Failed"), (3, "Succeeded")]
    assert (status["attempt"], status["output"]["content"]) == (3, "attempt 3")
    times = [attempt["completionTime"] for attempt in status["attempts"]]
    assert times == sorted(times)
    status = ended(world, "none", "Failed")
    assert [(a["attempt"], a["phase"]) for a in status["attempts"]] == [(n, "Failed") for n in (1, 2, 3)]
    assert status["message"] == "Attempt 3 of 3: The agent exited with code 1: attempt 3"
    counted(world, "report", manual=2, succeeded=1, failed=1)

    attempts = [(a["attempt"], a["phase"]) for a in world.run("drained")["status"]["attempts"]]
    assert attempts == [(1, "Cancelled"), (1, "Running")], "an eviction is no failure of the agent's"
    stays(lambda: phase(world, "drained") == "Running", "it runs, in its second pod", QUIET_SECONDS)
    world.play_kubelet("drained")
    ended(world, "drained", "Succeeded")
    counted(world, "once", manual=1, succeeded=1, failed=0)


def test_what_is_left_of_the_retries_is_done_on_the_operators_return(world: World, operator: OperatorProcess) -> None:
    """A longer delay needs the operator to begin and to end it: it may be away in the middle."""
    at_work(world, "report", retry={"limit": 1, "delaySeconds": 14})
    create_manual_run(world, "now", "report")
    started(world, "now")
    world.play_kubelet("now", exit_code=1)
    wait_for(lambda: world.jobs()[0].spec.suspend, "the Job held")
    operator.kill()
    stays(lambda: not world.open_pods("now"), "no other attempt while nobody resumes it", 14)
    operator.start()
    world.play_kubelet("now")
    status = ended(world, "now", "Succeeded")
    assert [a["phase"] for a in status["attempts"]] == ["Failed", "Succeeded"]
    counted(world, "report", manual=1, succeeded=1, failed=0)


def test_a_run_whose_job_ended_and_was_deleted_meanwhile_ends_cancelled_and_others_may_start(
    world: World, operator: OperatorProcess
) -> None:
    at_work(world, "report")
    create_manual_run(world, "now", "report")
    started(world, "now")
    operator.kill()
    world.play_kubelet("now")
    world.kubectl("wait", "job/now", "--for=condition=Complete", "--timeout=30s")
    world.kubectl("delete", "job", "now")
    operator.start()

    status = ended(world, "now", "Cancelled")

    assert status["reason"] == "JobDeleted"
    counted(world, "report", manual=1, succeeded=0, failed=0)
    create_manual_run(world, "next", "report")
    started(world, "next")


def test_a_cancel_that_is_asked_for_meanwhile_is_heeded(world: World, operator: OperatorProcess) -> None:
    at_work(world, "report", retry={"limit": 3})
    create_manual_run(world, "now", "report")
    started(world, "now")
    world.start_pod("now")
    operator.kill()
    world.cancel("now")
    operator.start()
    wait_for(lambda: world.open_pods("now")[0].spec.active_deadline_seconds == 1, "the pod told to stop")

    world.stop_pods("report")

    assert ended(world, "now", "Cancelled")["reason"] == "Cancelled"
    assert len(world.pods()) == 1
    counted(world, "report", manual=1, succeeded=0, failed=0)


def test_a_run_that_is_made_meanwhile_starts_on_the_operators_return_and_only_once(
    world: World, operator: OperatorProcess
) -> None:
    at_work(world, "report")
    operator.kill()
    create_manual_run(world, "now", "report")
    stays(lambda: not job_names(world), "nothing starts without the operator", 2)
    operator.start()
    uid = started(world, "now").metadata.uid
    operator.kill()
    operator.start()
    world.play_kubelet("now")
    ended(world, "now", "Succeeded")
    operator.kill()
    operator.start()
    counted(world, "report", manual=1, succeeded=1)
    assert [job.metadata.uid for job in world.jobs()] == [uid]
    assert _jobs_made(world) == {"now": 1}
    assert len(world.pods()) == 1
