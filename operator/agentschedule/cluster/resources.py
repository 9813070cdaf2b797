"""The kinds that the operator works with, and the label that narrows what it watches."""

from __future__ import annotations

from agentschedule import names
from agentschedule.cluster.client import Resource

SCHEDULES = Resource(f"apis/{names.API_VERSION}", names.SCHEDULE_PLURAL)
RUNS = Resource(f"apis/{names.API_VERSION}", names.RUN_PLURAL)
CRONJOBS = Resource("apis/batch/v1", "cronjobs")
JOBS = Resource("apis/batch/v1", "jobs")
PODS = Resource("api/v1", "pods")
NAMESPACES = Resource("api/v1", "namespaces")
CORE_EVENTS = Resource("api/v1", "events")
EVENTS = Resource("apis/events.k8s.io/v1", "events")

# Sent to the server with LIST and WATCH: else every Job and pod of the cluster would arrive.
OURS = names.LABEL_SCHEDULE
