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
from agentschedule.api.base import Model, ObjectMeta
from agentschedule.api.bounds import EARLIEST, LATEST
from agentschedule.api.policies import Retry
from agentschedule.api.run import ScheduleRun, ScheduleRunStatus
from agentschedule.api.schedule import AgentSchedule, AgentScheduleStatus
from agentschedule.cluster import fields, slim
from agentschedule.cluster.parse_input import run_input
from agentschedule.cluster.parse_pod import agent_state, first_line, other_failure, true_conditions
from agentschedule.plan.cron import MAX_SCHEDULE
from agentschedule.plan.observed import CronJob, FaultyRun, Job, Pod, Reference, Unreadable
from agentschedule.plan.spec.depth import MAX_PARAMS_DEPTH, is_deeper
from agentschedule.plan.spec.timing import JUST_BEFORE

Body = dict[str, Any]
D = TypeVar("D")
M = TypeVar("M", bound=Model)
MAX_DIGITS = 9
# What a later version may have put in words that are not known here, and that decides nothing.
UNDECISIVE_IN_A_SCHEDULE = frozenset({"phase", "lastRun", "lastTrigger"})
UNDECISIVE_IN_A_RUN = frozenset({"attempts"})
# What of a run's status takes any JSON, and how deep that nests at the most where the operator wrote it.
FREE_IN_A_RUN, MAX_STATUS_DEPTH = ("input", "requirements"), MAX_PARAMS_DEPTH + 5


def schedule(body: Body, bundled_image: str = "") -> AgentSchedule | Unreadable:
    """An AgentSchedule; ``bundled_image`` is what runs agents behind HTTP in this installation."""
    status = _status(AgentScheduleStatus, fields.part(body, "status"), UNDECISIVE_IN_A_SCHEDULE)
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


def _status(model: type[M], status: Body, undecisive: frozenset[str]) -> M | None:
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


def run(body: Body, whole: bool = False) -> ScheduleRun:
    """A ScheduleRun, as far as the operator keeps it; or ``whole``, for people to read."""
    raw = _shallow(fields.part(body, "status"))
    # A phase that is not known here: where the run has its Job and has not ended, the Job tells how it stands.
    open_ = raw.get("jobUID") and not any(_is_finished(c) for c in fields.parts(raw, "conditions"))
    undecisive = UNDECISIVE_IN_A_RUN | {"phase"} if open_ else UNDECISIVE_IN_A_RUN
    status = _status(ScheduleRunStatus, raw, undecisive)
    spec, problem = body["spec"], None
    if not whole and status and status.phase and status.phase.final:
        status, spec = ScheduleRunStatus.model_validate(slim.ended_status(raw)), slim.ended_spec(spec)
    elif not whole:
        spec, problem = slim.open_spec(spec)
    kept: Body = {"metadata": body["metadata"] if whole else slim.metadata(body["metadata"]), "status": status}
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


def _is_finished(condition: Body) -> bool:
    return condition.get("type") == names.Condition.FINISHED


def _shallow(status: Body) -> Body:
    """A run's status without what nests deeper than we write it, in the fields that take any JSON: serializers give up
    on it."""
    deep = {field for field in FREE_IN_A_RUN if is_deeper(status.get(field), MAX_STATUS_DEPTH)}
    return {field: value for field, value in status.items() if field not in deep} if deep else status


def _created(meta: Body) -> datetime:
    found = fields.moment(meta, "creationTimestamp")
    if found is None:
        raise fields.Odd("creationTimestamp is missing")
    return found


def controller_uid(meta: Body) -> str | None:
    owners = fields.parts(meta, "ownerReferences")
    return next((fields.text(ref, "uid") for ref in owners if fields.flag(ref, "controller")), None)


class _Meta(TypedDict):
    """What every object says of itself."""

    name: str
    namespace: str
    uid: str
    resource_version: str
    created: datetime


def _meta(meta: Body) -> _Meta:
    return _Meta(
        name=fields.text(meta, "name"),
        namespace=fields.text(meta, "namespace"),
        uid=fields.text(meta, "uid"),
        resource_version=fields.text(meta, "resourceVersion"),
        created=_created(meta),
    )


def cronjob(body: Body) -> CronJob:
    meta, spec, status = (fields.part(body, part) for part in ("metadata", "spec", "status"))
    annotations, labels = fields.texts(meta, "annotations"), fields.texts(meta, "labels")
    created = _created(meta)
    return CronJob(
        **_meta(meta),
        generation=fields.count(meta, "generation", 0),
        controller_uid=controller_uid(meta),
        labels=frozenset(labels.items()),
        deleting=bool(meta.get("deletionTimestamp")),
        finalizers=fields.words(meta, "finalizers"),
        ours=labels.get(names.LABEL_SCHEDULE) == meta["name"],
        schedule=_schedule(fields.text(spec, "schedule")),
        time_zone=fields.text(spec, "timeZone") or "Etc/UTC",
        suspend=fields.flag(spec, "suspend"),
        concurrency_policy=_policy(fields.text(spec, "concurrencyPolicy")),
        deadline_seconds=fields.seconds(spec, "startingDeadlineSeconds"),
        last_schedule_time=fields.moment(status, "lastScheduleTime"),
        active=tuple(_reference(ref) for ref in fields.parts(status, "active")),
        spec_hash=annotations.get(names.ANNOTATION_SPEC_HASH),
        spec_generation=small_int(annotations.get(names.ANNOTATION_SPEC_GENERATION), None),
        not_before=_annotated(annotations.get(names.ANNOTATION_NOT_BEFORE)),
        in_force_since=_since(annotations.get(names.ANNOTATION_EFFECTIVE_FROM), created),
    )


def _reference(ref: Body) -> Reference:
    """The API asks for neither."""
    return Reference(fields.text(ref, "name"), fields.text(ref, "uid"))


def _schedule(text: str) -> str:
    """What is cut ends in a sign that no schedule has: the rest is not taken for the whole."""
    return text if len(text) <= MAX_SCHEDULE else f"{text[:MAX_SCHEDULE]}…"


def _since(text: str | None, created: datetime) -> datetime | None:
    """When the schedule in force took effect: not before its CronJob was made."""
    found = _annotated(text)
    return max(found, created) if found else None


def _policy(text: str | None) -> names.ConcurrencyPolicy:
    """Kubernetes' own default for none, and for a policy of a later Kubernetes that is not known here."""
    try:
        return names.ConcurrencyPolicy(text or names.ConcurrencyPolicy.ALLOW)
    except ValueError:
        return names.ConcurrencyPolicy.ALLOW


def _annotated(text: str | None) -> datetime | None:
    """A moment in an annotation, of those that can come from a spec: anything else is somebody's edit."""
    try:
        found = datetime.fromisoformat(text).astimezone(UTC) if text else None
    except (ValueError, OverflowError):
        return None
    # Whole seconds, as the API's own times: what a record says is compared with it.
    return found.replace(microsecond=0) if found and EARLIEST - JUST_BEFORE <= found < LATEST else None


def small_int(text: str | None, default: D) -> int | D:
    """A count in an annotation; what no count can be is somebody's edit."""
    return int(text) if text and text.isdecimal() and len(text) <= MAX_DIGITS else default


def job(body: Body) -> Job:
    meta, spec, status = (fields.part(body, part) for part in ("metadata", "spec", "status"))
    annotations = fields.texts(meta, "annotations")
    ends = true_conditions(status)
    failed, complete = ends.get("Failed"), ends.get("Complete")
    end = failed or complete or {}
    pod = fields.part(fields.part(spec, "template"), "spec")
    return Job(
        **_meta(meta),
        controller_uid=controller_uid(meta),
        owner_uids=frozenset(fields.text(ref, "uid") for ref in fields.parts(meta, "ownerReferences")),
        due=_annotated(annotations.get(names.CRONJOB_TIMESTAMP)),
        suspended=fields.flag(spec, "suspend"),
        deleting=bool(meta.get("deletionTimestamp")),
        succeeded=False if failed else True if complete else None,
        ending=names.FAILURE_TARGET in ends,
        reason=fields.text(end, "reason"),
        message=fields.text(end, "message"),
        started_at=fields.moment(status, "startTime"),
        finished_at=fields.moment(status, "completionTime") or fields.moment(end, "lastTransitionTime"),
        input=run_input(pod),
        timeout_seconds=fields.seconds(pod, "activeDeadlineSeconds"),
        retry_limit=fields.seconds(spec, "backoffLimitPerIndex") or 0,
        retry_delay_seconds=small_int(annotations.get(names.ANNOTATION_RETRY_DELAY), Retry().delay_seconds),
        held_until=_annotated(annotations.get(names.ANNOTATION_HELD_UNTIL)),
    )


def made_by_controller(body: Body) -> datetime | None:
    """When a Job of a due time was created, if kube-controller-manager has made it: by its name as the manager of
    fields. Where its process has another name, nothing can be told."""
    meta = fields.part(body, "metadata")
    managers = {fields.text(entry, "manager") for entry in fields.parts(meta, "managedFields")}
    if names.CRONJOB_TIMESTAMP not in fields.texts(meta, "annotations") or managers != {names.CONTROLLER_MANAGER}:
        return None
    return _created(meta)


def pod(body: Body) -> Pod:
    meta, spec, status = (fields.part(body, part) for part in ("metadata", "spec", "status"))
    annotations = fields.texts(meta, "annotations")
    said = {kind: fields.text(c, "reason") or kind for kind, c in true_conditions(status).items()}
    return Pod(
        **_meta(meta),
        # A Job adopts any pod whose labels fit, and does not count one without an index.
        job_uid=(controller_uid(meta) or "") if names.COMPLETION_INDEX in annotations else "",
        attempt=small_int(annotations.get(names.INDEX_FAILURE_COUNT), 0) + 1,
        ignored=small_int(annotations.get(names.INDEX_IGNORED_COUNT), 0),
        phase=fields.text(status, "phase") or "Pending",
        reason=fields.text(status, "reason"),
        message=first_line(fields.text(status, "message")) or other_failure(status),
        on_node=bool(fields.text(status, "startTime")),
        deadline_seconds=fields.seconds(spec, "activeDeadlineSeconds"),
        deletion_time=fields.moment(meta, "deletionTimestamp"),
        disrupted=said.get(names.DISRUPTION_TARGET, ""),
        no_retry=said.get(names.NO_RETRY, ""),
        **agent_state(status),
    )
