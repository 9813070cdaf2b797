"""From the API's JSON to ``plan``'s terms: where raw dicts stop.

A spec that the models do not take becomes an ``Unreadable``, that of a run a ``FaultyRun``. What raises here is put
aside by the store: a status that does not say what has been counted and handled. To take such a status for an empty
one would count anew, and start anew.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypedDict, TypeVar

from pydantic import ValidationError

from agentschedule import names
from agentschedule.api.base import EARLIEST, LATEST, Model, ObjectMeta
from agentschedule.api.policies import Retry
from agentschedule.api.run import ScheduleRun, ScheduleRunStatus
from agentschedule.api.schedule import AgentSchedule, AgentScheduleStatus
from agentschedule.cluster import slim
from agentschedule.cluster.parse_input import run_input
from agentschedule.plan.observed import NEVER_RAN, CronJob, FaultyRun, Job, Pod, Reference, Unreadable
from agentschedule.plan.spec.timing import JUST_BEFORE

Body = dict[str, Any]
D = TypeVar("D")
M = TypeVar("M", bound=Model)
MAX_DIGITS = 9
# What a later version may have put in words that are not known here, and that decides nothing.
UNDECISIVE_IN_A_SCHEDULE = frozenset({"phase", "lastRun", "lastTrigger"})
UNDECISIVE_IN_A_RUN = frozenset({"attempts"})
# What of a run's spec is more than how its Job is made.
DECISIVE_IN_A_RUN = ("scheduleName", "trigger", "scheduledTime", "cancel")


def schedule(body: Body, bundled_image: str = "") -> AgentSchedule | Unreadable:
    """An AgentSchedule; ``bundled_image`` is what runs agents behind HTTP in this installation."""
    status = _status(AgentScheduleStatus, body.get("status"), UNDECISIVE_IN_A_SCHEDULE)
    meta = slim.metadata(body["metadata"])
    if problem := slim.spec_problem(body["spec"]):
        return Unreadable(ObjectMeta.model_validate(meta), status, problem)
    try:
        return _with_image(AgentSchedule.model_validate(body | {"metadata": meta, "status": status}), bundled_image)
    except ValidationError as error:
        return Unreadable(ObjectMeta.model_validate(meta), status, sentence(error))


def _with_image(schedule: AgentSchedule, bundled: str) -> AgentSchedule:
    agent = schedule.spec.agent
    if agent.http is None or agent.image:
        return schedule
    spec = schedule.spec.model_copy(update={"agent": agent.model_copy(update={"image": bundled})})
    return schedule.model_copy(update={"spec": spec})


def _status(model: type[M], status: Body | None, undecisive: frozenset[str]) -> M | None:
    """A status, without those of the fields ``undecisive`` that cannot be read."""
    if not status:
        return None
    try:
        return model.model_validate(status)
    except ValidationError as error:
        odd = {item["loc"][0] for item in error.errors()}
        if not odd <= undecisive:
            raise
        return model.model_validate({field: value for field, value in status.items() if field not in odd})


def sentence(error: ValidationError) -> str:
    """The first few mistakes, each with its field, as ``kubectl`` would say them."""
    wrong = [f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()[:3]]
    return "; ".join(wrong)


def run(body: Body) -> ScheduleRun:
    """A ScheduleRun, as far as it is kept."""
    raw = body.get("status") or {}
    # A phase that is not known here: where the run has its Job and has not ended, the Job tells how it stands.
    open_ = raw.get("jobUID") and not any(c["type"] == names.Condition.FINISHED for c in _conditions(raw))
    undecisive = UNDECISIVE_IN_A_RUN | {"phase"} if open_ else UNDECISIVE_IN_A_RUN
    status = _status(ScheduleRunStatus, raw, undecisive)
    if status and status.phase and status.phase.final:
        status = ScheduleRunStatus.model_validate(slim.ended_status(raw))
        spec, problem = slim.ended_spec(body["spec"]), None
    else:
        spec, problem = slim.open_spec(body["spec"])
    kept: Body = {"metadata": slim.metadata(body["metadata"]), "status": status}
    if problem:
        return _faulty(kept, spec, names.Reason.INVALID_OVERRIDE, problem)
    try:
        return ScheduleRun.model_validate(kept | {"spec": spec})
    except ValidationError as error:
        return _faulty(kept, spec, names.Reason.INVALID_SPEC, f"{sentence(error)}; make a new run.")


def _faulty(kept: Body, spec: Body, reason: names.Reason, problem: str) -> FaultyRun:
    """A run that is answered by what is beyond doubt in its spec."""
    return FaultyRun.model_validate(kept | {"spec": _least(spec), "reason": reason, "problem": problem})


def _least(spec: Body) -> Body:
    """Whose it is, and that it is to be cancelled; what has no known trigger starts nothing."""
    manual = spec.get("trigger", names.Trigger.MANUAL) == names.Trigger.MANUAL
    trigger = names.Trigger.MANUAL if manual else names.Trigger.SCHEDULE
    return {"scheduleName": spec["scheduleName"], "trigger": trigger, "cancel": spec.get("cancel") is True}


def moment(text: str | None) -> datetime | None:
    """A time of the API, in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def created(meta: Body) -> datetime:
    return datetime.fromisoformat(meta["creationTimestamp"]).astimezone(UTC)


def controller_uid(meta: Body) -> str | None:
    return next((ref["uid"] for ref in meta.get("ownerReferences") or () if ref.get("controller")), None)


def cronjob(body: Body) -> CronJob:
    meta, spec, status = body["metadata"], body["spec"], body.get("status") or {}
    annotations = meta.get("annotations") or {}
    return CronJob(
        name=meta["name"],
        namespace=meta["namespace"],
        uid=meta["uid"],
        resource_version=meta["resourceVersion"],
        generation=meta.get("generation", 0),
        created=created(meta),
        controller_uid=controller_uid(meta),
        labels=frozenset((meta.get("labels") or {}).items()),
        deleting=bool(meta.get("deletionTimestamp")),
        finalizers=tuple(meta.get("finalizers") or ()),
        ours=(meta.get("labels") or {}).get(names.LABEL_SCHEDULE) == meta["name"],
        schedule=spec["schedule"],
        time_zone=spec.get("timeZone") or "Etc/UTC",
        suspend=bool(spec.get("suspend")),
        concurrency_policy=_policy(spec.get("concurrencyPolicy")),
        deadline_seconds=spec.get("startingDeadlineSeconds"),
        last_schedule_time=moment(status.get("lastScheduleTime")),
        active=tuple(Reference(ref["name"], ref["uid"]) for ref in status.get("active") or ()),
        spec_hash=annotations.get(names.ANNOTATION_SPEC_HASH),
        spec_generation=small_int(annotations.get(names.ANNOTATION_SPEC_GENERATION), None),
        not_before=_annotated(annotations.get(names.ANNOTATION_NOT_BEFORE)),
        in_force_since=_annotated(annotations.get(names.ANNOTATION_EFFECTIVE_FROM)),
    )


def _policy(text: str | None) -> names.ConcurrencyPolicy:
    """Kubernetes' own default for none, and for a policy of a later Kubernetes that is not known here."""
    try:
        return names.ConcurrencyPolicy(text or names.ConcurrencyPolicy.ALLOW)
    except ValueError:
        return names.ConcurrencyPolicy.ALLOW


def _annotated(text: str | None) -> datetime | None:
    """A moment in an annotation, of those that can come from a spec: anything else is somebody's edit."""
    try:
        found = moment(text)
    except (ValueError, OverflowError):
        return None
    # Whole seconds, as the API's own times: what a record says is compared with it.
    return found.replace(microsecond=0) if found and EARLIEST - JUST_BEFORE <= found < LATEST else None


def small_int(text: str | None, default: D) -> int | D:
    """A count in an annotation; what no count can be is somebody's edit."""
    return int(text) if text and text.isdecimal() and len(text) <= MAX_DIGITS else default


def job(body: Body) -> Job:
    meta, spec, status = body["metadata"], body["spec"], body.get("status") or {}
    annotations = meta.get("annotations") or {}
    ends = {c["type"]: c for c in status.get("conditions") or () if c["status"] == "True"}
    failed, complete = ends.get("Failed"), ends.get("Complete")
    end = failed or complete or {}
    return Job(
        name=meta["name"],
        namespace=meta["namespace"],
        uid=meta["uid"],
        resource_version=meta["resourceVersion"],
        created=created(meta),
        controller_uid=controller_uid(meta),
        owner_uids=frozenset(ref["uid"] for ref in meta.get("ownerReferences") or ()),
        due=_annotated(annotations.get(names.CRONJOB_TIMESTAMP)),
        suspended=bool(spec.get("suspend")),
        deleting=bool(meta.get("deletionTimestamp")),
        succeeded=False if failed else True if complete else None,
        ending=names.FAILURE_TARGET in ends,
        reason=end.get("reason") or "",
        message=end.get("message") or "",
        started_at=moment(status.get("startTime")),
        finished_at=moment(status.get("completionTime") or end.get("lastTransitionTime")),
        input=run_input(spec),
        timeout_seconds=spec["template"]["spec"].get("activeDeadlineSeconds"),
        retry_limit=spec.get("backoffLimitPerIndex") or 0,
        retry_delay_seconds=small_int(annotations.get(names.ANNOTATION_RETRY_DELAY), Retry().delay_seconds),
        held_until=_annotated(annotations.get(names.ANNOTATION_HELD_UNTIL)),
    )


class _AgentState(TypedDict):
    """The fields of a ``Pod`` that its agent's container decides."""

    started_at: datetime | None
    ended_at: datetime | None
    exit_code: int | None
    termination_message: str | None
    container_reason: str
    waiting_reason: str
    waiting_message: str


def pod(body: Body) -> Pod:
    meta, status = body["metadata"], body.get("status") or {}
    annotations = meta.get("annotations") or {}
    set_ = {c["type"]: c.get("reason") or c["type"] for c in _conditions(status) if c["status"] == "True"}
    return Pod(
        name=meta["name"],
        namespace=meta["namespace"],
        uid=meta["uid"],
        resource_version=meta["resourceVersion"],
        # A Job adopts any pod whose labels fit, and does not count one without an index.
        job_uid=(controller_uid(meta) or "") if names.COMPLETION_INDEX in annotations else "",
        created=created(meta),
        attempt=small_int(annotations.get(names.INDEX_FAILURE_COUNT), 0) + 1,
        ignored=small_int(annotations.get(names.INDEX_IGNORED_COUNT), 0),
        phase=status.get("phase") or "Pending",
        reason=status.get("reason") or "",
        message=_first_line(status.get("message") or "") or _other_failure(status),
        on_node=bool(status.get("startTime")),
        deadline_seconds=body["spec"].get("activeDeadlineSeconds"),
        deletion_time=moment(meta.get("deletionTimestamp")),
        disrupted=set_.get(names.DISRUPTION_TARGET, ""),
        no_retry=set_.get(names.NO_RETRY, ""),
        **_agent_state(status),
    )


def _agent_state(status: Body) -> _AgentState:
    """How the agent's container stands, or why it does not run yet."""
    statuses = status.get("containerStatuses") or ()
    agent: Body = next((c for c in statuses if c["name"] == names.AGENT_CONTAINER), {})
    state = agent.get("state") or {}
    end, running = state.get("terminated") or {}, state.get("running") or {}
    reason, message = _waiting(status, state.get("waiting") or {})
    return _AgentState(
        # Of a container that could not be started, the kubelet says 1970.
        started_at=None if end.get("reason") in NEVER_RAN else moment(end.get("startedAt") or running.get("startedAt")),
        ended_at=moment(end.get("finishedAt")),
        exit_code=end.get("exitCode"),
        termination_message=end.get("message"),
        container_reason=end.get("reason") or "",
        waiting_reason=reason,
        waiting_message=message,
    )


def _conditions(status: Body) -> list[Body]:
    return status.get("conditions") or []


def _other_failure(status: Body) -> str:
    """How another container than the agent's failed: after that of an init container the agent's never runs."""
    for container in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        end = (container.get("state") or {}).get("terminated") or {}
        if end.get("exitCode") and container["name"] != names.AGENT_CONTAINER:
            words = _first_line((end.get("message") or "").strip())
            return f"container {container['name']} exited with code {end['exitCode']}" + (f": {words}" if words else "")
    return ""


# While these last, there is nothing to tell: the kubelet is at work.
QUIET_WAITS = frozenset({"ContainerCreating", "PodInitializing"})


def _waiting(status: Body, waiting: Body) -> tuple[str, str]:
    """Why a pod does not run yet, if there is something to mend."""
    reason = waiting.get("reason") or ""
    if reason and reason not in QUIET_WAITS:
        # The kubelet alternates between the two; one of them is shown, so that the status stays put.
        reason = "ImagePullBackOff" if reason == "ErrImagePull" else reason
        return reason, _first_line(waiting.get("message") or "")
    unscheduled = next((c for c in _conditions(status) if c["type"] == "PodScheduled" and c["status"] == "False"), {})
    return unscheduled.get("reason") or "", _first_line(unscheduled.get("message") or "")


def _first_line(text: str) -> str:
    return text.partition("\n")[0][:512]
