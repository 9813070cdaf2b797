"""`make demo`: from a bare machine to an agent that has run, by schedule and by annotation."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import Any

from tools.cluster import chart, images
from tools.cluster.base import Cluster, NotPossibleError
from tools.cluster.daemons import wait_until
from tools.cluster.paths import IMAGE, ROOT
from tools.cluster.progress import say, step

SAMPLES = ROOT / "manifests" / "samples"
NAMESPACE = "agents"  # the samples' own
# the first runs each minute; the second at 08:00, so that nothing is in the way of a run by hand
SCHEDULED, BY_HAND = "hello", "daily-report"
FINAL = {"Succeeded", "Failed", "TimedOut", "Cancelled", "Skipped"}
TOKEN = "agentschedule.dev/trigger"
SEEN_TIMEOUT = 30.0  # seconds
MANUAL_TIMEOUT = 90.0
SCHEDULED_TIMEOUT = 180.0  # up to a minute until the next full one, then the run


def run(cluster: Cluster) -> None:
    """Every step on a cluster that is up; ends with the cluster as the steps left it."""
    started = time.monotonic()
    _install(cluster)
    with step("applying manifests/samples"):
        cluster.kubectl("apply", "-f", str(SAMPLES))
        _until(lambda: _accepted(cluster), SEEN_TIMEOUT, cluster, "the operator does not answer")
    _run_by_hand(cluster)
    with step(f"waiting for a scheduled run of {SCHEDULED} (up to a minute until the next one)"):
        scheduled = _final_run(cluster, SCHEDULED, "Schedule", SCHEDULED_TIMEOUT)
    _show(cluster, scheduled)
    say(f"\nThe demo took {time.monotonic() - started:.0f} s after the cluster was up.")
    print(_next_steps(cluster))


def remove(cluster: Cluster) -> None:
    """Take the demo off a cluster that stays: samples first, the operator cleans up after nobody."""
    with step("removing the demo from the cluster"):
        cluster.kubectl("delete", "--ignore-not-found", "-f", str(SAMPLES), check=False)
        chart.helm_uninstall(cluster)
        for kind, *names in (("namespace", chart.OPERATOR_NAMESPACE), ("crd", *chart.CRD_NAMES)):
            cluster.kubectl("delete", kind, *names, "--ignore-not-found")


def _install(cluster: Cluster) -> None:
    archive = images.archive()
    try:
        with step(f"loading {IMAGE} into the cluster"):
            cluster.load_image(archive)
    except NotPossibleError as reason:
        say(f"{reason}: its nodes must find {IMAGE} themselves")
    with step("installing the chart, and waiting for the operator"):
        chart.helm_install(cluster)


def _accepted(cluster: Cluster) -> bool:
    """Whether the operator has seen the sample: a token that is there before that starts nothing."""
    conditions = cluster.get("agentschedule", BY_HAND, "-n", NAMESPACE).get("status", {}).get("conditions", [])
    return any(c["type"] == "Accepted" and c["status"] == "True" for c in conditions)


def _run_by_hand(cluster: Cluster) -> None:
    with step(f"kubectl annotate agentschedule {BY_HAND} {TOKEN}=…, and waiting for its run"):
        token = f"{TOKEN}={time.time():.0f}"
        cluster.kubectl("annotate", "agentschedule", BY_HAND, token, "-n", NAMESPACE, "--overwrite")
        _final_run(cluster, BY_HAND, "Manual", MANUAL_TIMEOUT)


def _final_run(cluster: Cluster, schedule: str, trigger: str, timeout: float) -> dict[str, Any]:
    found: list[dict[str, Any]] = []

    def ended() -> bool:
        runs = cluster.get("scheduleruns", "-n", NAMESPACE)["items"]
        wanted = {"scheduleName": schedule, "trigger": trigger}
        found[:] = [run for run in runs if wanted.items() <= run["spec"].items()]
        return any(run.get("status", {}).get("phase") in FINAL for run in found)

    _until(ended, timeout, cluster, f"no {trigger} run of {schedule} has ended")
    return next(run for run in found if run.get("status", {}).get("phase") in FINAL)


def _until(condition: Callable[[], bool], timeout: float, cluster: Cluster, otherwise: str) -> None:
    if wait_until(condition, timeout, 0.5):
        return
    objects = "agentschedules,scheduleruns,cronjobs,jobs,pods,events"
    state = cluster.kubectl("get", objects, "-n", NAMESPACE, check=False)
    raise TimeoutError(f"{otherwise} after {timeout:.0f} s\n{state}\n{chart.operator_state(cluster)}")


def _show(cluster: Cluster, scheduled: dict[str, Any]) -> None:
    listing = ("get", "agentschedules,scheduleruns,cronjobs,jobs", "-n", NAMESPACE)
    print(f"\n$ kubectl {' '.join(listing)}\n{cluster.kubectl(*listing)}")
    job = scheduled["status"].get("job") or scheduled["metadata"]["name"]
    log = cluster.kubectl("logs", "-n", NAMESPACE, f"job/{job}")
    print(f"$ kubectl logs -n {NAMESPACE} job/{job}\n{log}", flush=True)


def _next_steps(cluster: Cluster) -> str:
    kubectl = "kubectl" if shutil.which("kubectl") else cluster.kubectl_path
    return f"""
Go on with:
  export KUBECONFIG={cluster.kubeconfig}
  {kubectl} get agentschedules,scheduleruns -n {NAMESPACE} --watch
  {kubectl} annotate agentschedule {SCHEDULED} -n {NAMESPACE} {TOKEN}="$(date +%s)" --overwrite
`make down` removes everything."""
