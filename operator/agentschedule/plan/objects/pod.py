"""The agent's pod: the author's podTemplate, safe defaults, and the contract."""

from __future__ import annotations

from typing import Any

from agentschedule import names
from agentschedule.api.agent import Agent
from agentschedule.api.policies import MessageFrom, Retry
from agentschedule.api.schedule import AgentSchedule
from agentschedule.names import Env, SessionMode, Trigger
from agentschedule.plan.objects.http import http_parts
from agentschedule.plan.observed import Unreadable
from agentschedule.plan.spec.env import compact_json, escape

Body = dict[str, Any]


def agent_name(schedule: AgentSchedule | Unreadable) -> str:
    named = schedule.spec.agent.name if isinstance(schedule, AgentSchedule) else None
    return named or schedule.metadata.name


def labels(schedule: AgentSchedule | Unreadable) -> dict[str, str]:
    """The labels on everything that a schedule makes."""
    return {
        names.LABEL_MANAGED_BY: names.MANAGER,
        names.LABEL_SCHEDULE: schedule.metadata.name,
        names.LABEL_AGENT: agent_name(schedule),
    }


def pod_template(schedule: AgentSchedule) -> Body:
    """The author's podTemplate, with safe defaults below it and the typed fields above it."""
    agent = schedule.spec.agent
    template = agent.pod_template.wire() if agent.pod_template else {}
    meta = template.setdefault("metadata", {})
    meta["labels"] = {**meta.get("labels", {}), **labels(schedule)}
    # Where the chart's policy is not there to tell scheduled runs from others, most runs are scheduled.
    meta["annotations"] = {
        names.ANNOTATION_RUN_TRIGGER: Trigger.SCHEDULE.value,
        **meta.get("annotations", {}),
    }
    pod = template.setdefault("spec", {})
    pod.setdefault("automountServiceAccountToken", False)
    pod["securityContext"] = {
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
        **pod.get("securityContext", {}),
    }
    pod |= {"restartPolicy": "Never", "activeDeadlineSeconds": schedule.spec.timeout_seconds}
    pod |= _typed(agent, "image_pull_secrets", "service_account_name", "node_selector", "volumes")
    if source := schedule.spec.message_from:
        pod["volumes"] = _and(pod.get("volumes"), _message_volume(source))
    for volume in http_parts(agent.http).volumes:
        pod["volumes"] = _and(pod.get("volumes"), volume)
    others = [c for c in pod.get("containers", []) if c["name"] != names.AGENT_CONTAINER]
    pod["containers"] = [agent_container(schedule), *others]
    return template


def agent_container(schedule: AgentSchedule) -> Body:
    """The agent's container: the author's own, merged with the typed fields, the contract and safe defaults."""
    agent = schedule.spec.agent
    given = _containers(agent)
    container = next((c for c in given if c["name"] == names.AGENT_CONTAINER), {})
    container |= {"name": names.AGENT_CONTAINER}
    container |= _typed(
        agent, "image", "command", "args", "env_from", "resources", "image_pull_policy", "volume_mounts"
    )
    if schedule.spec.message_from:
        mount = {"name": names.MESSAGE_VOLUME, "mountPath": names.MESSAGE_DIRECTORY, "readOnly": True}
        container["volumeMounts"] = _and(container.get("volumeMounts"), mount)
    http = http_parts(agent.http)
    for mount in http.volume_mounts:
        container["volumeMounts"] = _and(container.get("volumeMounts"), mount)
    container |= {"command": http.command} if http.command else {}
    own = [item.wire() for item in agent.env or ()]
    container["env"] = contract(schedule) + http.env + container.get("env", []) + own
    container |= {
        "terminationMessagePath": names.RESULT_PATH,
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    container["securityContext"] = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        **container.get("securityContext", {}),
    }
    return container


def _message_volume(source: MessageFrom) -> Body:
    """The one key of the ConfigMap, under the name that the contract promises."""
    ref = source.config_map_key_ref
    item = {"key": ref.key, "path": names.MESSAGE_FILE.removeprefix(f"{names.MESSAGE_DIRECTORY}/")}
    return {"name": names.MESSAGE_VOLUME, "configMap": {"name": ref.name, "items": [item]}}


def _and(given: Any, ours: Body) -> Any:
    """The author's list with one of ours; what is no list is left for the API to refuse."""
    return [*(given or []), ours] if isinstance(given or [], list) else given


def _containers(agent: Agent) -> list[Body]:
    pod = agent.pod_template.spec if agent.pod_template else None
    return [container.wire() for container in (pod.containers if pod else None) or ()]


def _typed(agent: Agent, *fields: str) -> Body:
    """The typed fields that the author set, under their names on the wire."""
    return agent.model_dump(mode="json", by_alias=True, exclude_none=True, include=set(fields))


def contract(schedule: AgentSchedule) -> list[Body]:
    """The agent's environment. It comes first, so that the author's args and variables can refer to it; and always all
    of it: where it is empty, $(NAME) is too, and nothing from the image or an envFrom takes its place."""
    spec = schedule.spec
    params = None if spec.params is None else compact_json(spec.params)
    literals = {
        Env.SCHEDULE_NAME: schedule.metadata.name,
        Env.NAME: agent_name(schedule),
        Env.RETRY_LIMIT: str((spec.retry or Retry()).limit),
        Env.TIMEOUT_SECONDS: str(spec.timeout_seconds),
        Env.SESSION_ID: session_id(schedule),
        Env.MESSAGE: spec.message or "",
        Env.MESSAGE_FILE: names.MESSAGE_FILE if spec.message_from else "",
        Env.PARAMS: params or "{}",
        Env.MODEL: spec.agent.model or "",
        Env.ALLOWED_TOOLS: ",".join(spec.agent.allowed_tools or ()),
        Env.RESULT_PATH: names.RESULT_PATH,
    }
    fields = {
        Env.RUN_NAME: f"metadata.labels['{names.LABEL_JOB_NAME}']",
        Env.RUN_NAMESPACE: "metadata.namespace",
        Env.TRIGGER: f"metadata.annotations['{names.ANNOTATION_RUN_TRIGGER}']",
        Env.SCHEDULED_TIME: f"metadata.annotations['{names.ANNOTATION_SCHEDULED_TIME}']",
        Env.RETRY_COUNT: f"metadata.annotations['{names.INDEX_FAILURE_COUNT}']",
        # The Job's uid: the same on every attempt.
        Env.IDEMPOTENCY_KEY: f"metadata.labels['{names.LABEL_JOB_UID}']",
    }
    by_field = [{"name": k.value, "valueFrom": {"fieldRef": {"fieldPath": path}}} for k, path in fields.items()]
    return by_field + [{"name": k.value, "value": escape(value)} for k, value in literals.items()]


def session_id(schedule: AgentSchedule) -> str:
    """The session that a run made now belongs to; empty for one of its own."""
    session = schedule.spec.session
    if session is None or session.mode is SessionMode.NEW:
        return ""
    if session.mode is SessionMode.FIXED:
        return session.id or ""
    return (schedule.status.last_session_id if schedule.status else None) or ""
