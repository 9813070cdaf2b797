"""The kinds that the operator works with, and the label that narrows what it watches."""

from __future__ import annotations

from agentschedule import names
from agentschedule.cluster.client import Resource

SCHEDULES = Resource(f"apis/{names.API_VERSION}", names.SCHEDULE_PLURAL, names.SCHEDULE_KIND)
RUNS = Resource(f"apis/{names.API_VERSION}", names.RUN_PLURAL, names.RUN_KIND)
CRONJOBS = Resource("apis/batch/v1", "cronjobs", "CronJob")
JOBS = Resource("apis/batch/v1", "jobs", "Job")
PODS = Resource("api/v1", "pods", "Pod")
NAMESPACES = Resource("api/v1", "namespaces", "Namespace")
CORE_EVENTS = Resource("api/v1", "events", "Event")
EVENTS = Resource("apis/events.k8s.io/v1", "events", "Event")
LEASES = Resource("apis/coordination.k8s.io/v1", "leases", "Lease")

# The kinds of this project: what people write, and may wait for an answer to.
OWN = (SCHEDULES, RUNS)
# Sent to the server with LIST and WATCH: else every Job and pod of the cluster would arrive.
OURS = names.LABEL_SCHEDULE


def selector(resource: Resource) -> str:
    """Of a kind of Kubernetes' own only what bears our label; of ours all."""
    return "" if resource in OWN else OURS
