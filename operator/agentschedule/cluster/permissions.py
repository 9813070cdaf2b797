"""What the operator may do in a cluster, and what its users get. ``generate`` makes the chart's roles of it.

One truth: a call that is not covered here is refused in the cluster, so a new call starts with a line here.
"""

from __future__ import annotations

from dataclasses import dataclass

from agentschedule.names import CONTROLLER_MANAGER, GROUP, RUN_PLURAL, SCHEDULE_PLURAL

READ = ("get", "list", "watch")
WRITE = ("create", "update", "patch", "delete", "deletecollection")


@dataclass(frozen=True)
class Permission:
    """One rule of a role, and why it is there."""

    group: str
    resource: str
    verbs: tuple[str, ...]
    why: str
    named: str = ""  # the only object that it is about: as the chart's templates write it


OPERATOR = (
    Permission(GROUP, SCHEDULE_PLURAL, READ, "the schedules to act on; never written but for their status"),
    Permission(GROUP, f"{SCHEDULE_PLURAL}/status", ("patch",), "the answer to their authors"),
    Permission(GROUP, RUN_PLURAL, (*READ, "create", "patch", "delete"), "the records: made, claimed, pruned"),
    Permission(GROUP, f"{RUN_PLURAL}/status", ("patch",), "what became of a run"),
    Permission("batch", "cronjobs", (*READ, "create", "update", "patch"), "one a schedule; owner references delete it"),
    Permission("batch", "cronjobs/status", ("patch",), "the mark in lastScheduleTime, and manual runs in active"),
    Permission("batch", "jobs", (*READ, "create", "patch", "delete"), "the runs: started by hand, released, pruned"),
    Permission("", "namespaces", ("get",), "whether one is being deleted: it waits for Jobs that we hold"),
    Permission("batch", "jobs/status", ("patch",), "to end a run that waits for its next attempt, or has no pod"),
    Permission(
        "", "pods", (*READ, "patch"), "attempts, results, why a pod waits; activeDeadlineSeconds, to cancel one"
    ),
    Permission("", "pods/status", ("patch",), "the condition that stops retries"),
    Permission("", "pods/log", ("get",), "the result of an agent that left none but printed it"),
    Permission("events.k8s.io", "events", ("create",), "one event for each answer"),
    Permission(
        "", "events", ("list",), "why a due time was missed, or a run waits: the controllers say so in events only"
    ),
)

# In the operator's own namespace alone. RBAC cannot say which one may be created: the chart's policy does.
LEASE = '{{ include "agentschedule.fullname" . }}'
LEADER = (
    Permission("coordination.k8s.io", "leases", ("get", "patch"), "who leads: seen, renewed, let go", named=LEASE),
    Permission("coordination.k8s.io", "leases", ("create",), "the first time"),
)
# In kube-system alone.
ASSIST = (
    Permission(
        "coordination.k8s.io", "leases", ("get",), "whether the CronJob controller is alive", named=CONTROLLER_MANAGER
    ),
)

# For people: added to the cluster's own roles view, edit and admin by aggregation.
VIEW = (
    Permission(GROUP, SCHEDULE_PLURAL, READ, "see schedules"),
    Permission(GROUP, RUN_PLURAL, READ, "see runs and their output"),
)
EDIT = (
    Permission(GROUP, SCHEDULE_PLURAL, WRITE, "write schedules, and run now by annotation"),
    Permission(GROUP, RUN_PLURAL, WRITE, "run now by creating a run, and tidy up"),
)
