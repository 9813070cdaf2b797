"""What all models share: camelCase on the wire, snake_case here, frozen, and unknown fields ignored.

A field's description is what ``kubectl explain`` prints.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel

from agentschedule.api import bounds
from agentschedule.api.bounds import EARLIEST, LATEST

# Free-form JSON below this point: the API server keeps what it does not know.
PRESERVE_UNKNOWN: dict[str, Any] = {"x-kubernetes-preserve-unknown-fields": True}
FreeForm = Annotated[dict[str, Any], Field(json_schema_extra=PRESERVE_UNKNOWN)]


def rules(*pairs: tuple[str, str]) -> dict[str, Any]:
    """CEL rules for ``json_schema_extra``: pairs of (rule over ``self``, sentence for the author)."""
    return {"x-kubernetes-validations": [{"rule": rule, "message": message} for rule, message in pairs]}


def out_of_calendar(field: str) -> str:
    """What is wrong with a moment outside of these."""
    return f"{field} must lie in the years 1970 to 8999"


def calendar_rule(field: str) -> tuple[str, str]:
    """The CEL rule of a field that names a moment, with its sentence."""
    first, last = rfc3339(EARLIEST), rfc3339(LATEST)
    return f"self >= timestamp('{first}') && self < timestamp('{last}')", out_of_calendar(field)


class Model(BaseModel):
    """Base of everything that is parsed at the door."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore", use_enum_values=False
    )

    def wire(self) -> dict[str, Any]:
        """The JSON form: camelCase keys, RFC 3339 times, nothing that is unset."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def rfc3339(moment: datetime) -> str:
    """A moment as Kubernetes writes it: UTC, whole seconds, ``Z``."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _in_utc(moment: datetime) -> datetime:
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("in UTC, this moment lies outside of the years 1 to 9999") from error


def _drawn(value: Any) -> Any:
    return bounds.moment(value) if isinstance(value, str) else value


_AS_TEXT = PlainSerializer(rfc3339, return_type=str, when_used="json")
# An aware moment in UTC with whole seconds, as metav1.Time. What lies beyond the bounds is drawn to them.
Time = Annotated[datetime, BeforeValidator(_drawn), AfterValidator(bounds.within), _AS_TEXT]
# The same in a spec, where its author is told of what lies beyond.
SpecTime = Annotated[datetime, AfterValidator(_in_utc), _AS_TEXT]
# A whole number in a status.
Count = Annotated[int, BeforeValidator(bounds.count)]


class Condition(Model):
    """One observation of an object's state, as in Kubernetes' own kinds (metav1.Condition)."""

    type: str
    status: str
    observed_generation: Count | None = None
    last_transition_time: Time
    reason: str
    message: str = ""


# What Kubernetes calls an object, or a key in one, as far as a CRD need say it.
Name = Annotated[str, Field(min_length=1, max_length=253)]


class KeyRef(Model):
    """A key of a Secret or ConfigMap in the schedule's namespace."""

    name: Name
    key: Name


class OwnerReference(Model):
    """metav1.OwnerReference."""

    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool | None = None


class ObjectMeta(Model):
    """The part of metav1.ObjectMeta that decisions read."""

    name: str
    namespace: str
    uid: str = ""
    resource_version: str = ""
    generation: Count = 0
    creation_timestamp: Time | None = None
    deletion_timestamp: Time | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    owner_references: tuple[OwnerReference, ...] = ()

    def controller_uid(self) -> str | None:
        """The uid of the owner that controls this object."""
        return next((ref.uid for ref in self.owner_references if ref.controller), None)
