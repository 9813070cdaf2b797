"""The CRDs say all that the models say, in words that the API server takes."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any, get_args

import pytest
import yaml
from pydantic import ConfigDict, Field

from agentschedule.api.base import Model, ObjectMeta, Time, rules
from agentschedule.api.crd import KINDS, RUN, SCHEDULE, Column, Kind, SchemaError, add_rules, crd, structural_schema

# etcd and `kubectl apply` (its annotation: 256 KiB) take more; a reader of a diff does not.
MAX_BYTES = 60_000
# Fields that the API server defaults: at the top of spec, and nowhere else.
DEFAULTS: dict[str, dict[str, Any]] = {
    "AgentSchedule": {
        "timeZone": "Etc/UTC",
        "suspend": False,
        "startingDeadlineSeconds": 300,
        "concurrencyPolicy": "Forbid",
        "timeoutSeconds": 3600,
    },
    "ScheduleRun": {"trigger": "Manual"},
}

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)


class Mood(StrEnum):
    """A docstring for programmers."""

    CALM = "Calm"
    LOUD = "Loud"


class Part(Model):
    """One part."""

    size: Annotated[int, Field(ge=1)] = 3
    mood: Mood = Mood.CALM


class ToySpec(Model):
    """What is wanted."""

    at: Time
    mood: Annotated[Mood, Field(description="How.")] = Mood.CALM
    free: dict[str, Any] | None = None
    labels: dict[str, str] | None = None
    parts: tuple[Part, ...] = ()
    amount: int | str | None = None
    text: Annotated[str | None, Field(json_schema_extra=rules(("self != ''", "say something")))] = None


class Toy(Model):
    """A toy."""

    model_config = ConfigDict(json_schema_extra=rules(("self.metadata.name != 'x'", "not x")))

    metadata: ObjectMeta
    spec: ToySpec


PART = {
    "description": "One part.",
    "type": "object",
    "properties": {
        "size": {"type": "integer", "minimum": 1},
        "mood": {"type": "string", "enum": ["Calm", "Loud"]},
    },
}
TOY = {
    "description": "A toy.",
    "type": "object",
    "x-kubernetes-validations": [{"rule": "self.metadata.name != 'x'", "message": "not x"}],
    "required": ["spec"],
    "properties": {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"type": "object"},
        "spec": {
            "description": "What is wanted.",
            "type": "object",
            "required": ["at"],
            "properties": {
                "at": {"type": "string", "format": "date-time"},
                "mood": {"type": "string", "enum": ["Calm", "Loud"], "default": "Calm", "description": "How."},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "parts": {"type": "array", "items": PART},
                "amount": {"x-kubernetes-int-or-string": True},
                "text": {
                    "type": "string",
                    "x-kubernetes-validations": [{"rule": "self != ''", "message": "say something"}],
                },
            },
        },
    },
}


def test_a_model_becomes_a_structural_schema() -> None:
    assert structural_schema(Toy) == TOY


def test_a_model_that_is_used_twice_changes_nothing_else() -> None:
    fields = {"one": Part, "other": Part, "suspend": bool}
    spec = type("Spec", (Model,), {"__annotations__": fields, "suspend": False, "__module__": __name__})
    root = type("Root", (Model,), {"__annotations__": {"metadata": ObjectMeta, "spec": spec}})
    properties = structural_schema(root)["properties"]["spec"]["properties"]
    assert properties["suspend"] == {"type": "boolean", "default": False}
    assert properties["one"] == properties["other"]


@every_kind
def test_every_field_of_the_models_is_in_the_crd(kind: Kind) -> None:
    schema = schema_of(kind)
    for path, owner in model_fields(kind.model):
        assert dig(schema, path) is not None, f"{owner.__name__} {'.'.join(path)}"


@every_kind
def test_nothing_is_in_it_that_a_structural_schema_forbids(kind: Kind) -> None:
    for path, node in nodes(schema_of(kind)):
        assert not {"$ref", "anyOf", "oneOf", "allOf", "title", "nullable"} & node.keys(), path
        assert node.get("type") != "null", path
        assert node.get("type") or any(key.startswith("x-kubernetes-") for key in node), path
        assert not ({"properties", "additionalProperties"} <= node.keys()), path


@every_kind
def test_only_scalars_at_the_top_of_spec_have_defaults(kind: Kind) -> None:
    defaults = {path: node["default"] for path, node in nodes(schema_of(kind)) if "default" in node}
    assert defaults == {f".spec.{name}": value for name, value in DEFAULTS[kind.kind].items()}


@every_kind
def test_spec_is_required_and_every_field_in_it_says_what_to_write(kind: Kind) -> None:
    schema = schema_of(kind)
    assert schema["required"] == ["spec"]
    for section in ("spec", "status"):
        assert schema["properties"][section]["description"]
    for name, node in schema["properties"]["spec"]["properties"].items():
        assert node.get("description"), name


@every_kind
def test_every_column_and_selectable_field_reads_a_field_that_exists(kind: Kind) -> None:
    schema = schema_of(kind)
    for path in (*(column.path for column in kind.columns), *kind.selectable):
        parts = path.strip(".").split(".")
        assert parts[0] == "metadata" or dig(schema, parts) is not None, path


@every_kind
def test_the_rules_on_names_stand_at_the_root(kind: Kind) -> None:
    assert all("self.metadata.name" in rule["rule"] for rule in schema_of(kind)["x-kubernetes-validations"])


@every_kind
def test_the_crd_is_small(kind: Kind) -> None:
    assert len(yaml.safe_dump(crd(kind))) < MAX_BYTES


def test_every_field_of_a_run_s_spec_is_fixed_but_for_cancel() -> None:
    spec = schema_of(RUN)["properties"]["spec"]
    fixed = spec["x-kubernetes-validations"][0]["rule"]
    assert {name for name in spec["properties"] if f"self.{name} == oldSelf.{name}" not in fixed} == {"cancel"}


def test_a_run_can_be_selected_by_schedule_trigger_and_phase() -> None:
    (version,) = crd(RUN)["spec"]["versions"]
    selected = [field["jsonPath"] for field in version["selectableFields"]]
    assert selected == [".spec.scheduleName", ".spec.trigger", ".status.phase"]


def test_rules_for_a_field_come_after_those_of_the_model() -> None:
    schema = structural_schema(Toy)
    add_rules(schema, "spec.text", (("self.size() > 1", "say more"),))
    messages = [rule["message"] for rule in dig(schema, ["spec", "text"])["x-kubernetes-validations"]]
    assert messages == ["say something", "say more"]


def test_rules_for_a_field_that_is_gone_are_refused() -> None:
    with pytest.raises(SchemaError, match=r"no field spec\.cron"):
        crd(SCHEDULE, {"spec.cron": (("true", "never"),)})


class Looping(Model):
    again: Looping | None = None


@pytest.mark.parametrize(
    ("annotation", "sentence"),
    [
        pytest.param(int | bool, r"no union of \['bool', 'int'\]", id="a union"),
        pytest.param(Part | ToySpec, "no union of", id="a union of models"),
        pytest.param(tuple[int, str], "no prefixItems", id="a tuple of mixed types"),
        pytest.param(Looping, "Looping contains itself", id="a recursion"),
    ],
)
def test_a_model_that_a_crd_cannot_express_is_refused(annotation: Any, sentence: str) -> None:
    spec = type("Spec", (Model,), {"__annotations__": {"field": annotation}, "__module__": __name__})
    broken = type("Broken", (Model,), {"__annotations__": {"metadata": ObjectMeta, "spec": spec}})
    with pytest.raises(SchemaError, match=sentence):
        structural_schema(broken)


def schema_of(kind: Kind) -> dict[str, Any]:
    (version,) = crd(kind)["spec"]["versions"]
    schema: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    return schema


def dig(schema: dict[str, Any], path: list[str]) -> Any:
    """The node at a path; a list is passed through to its items."""
    node: Any = schema
    for name in path:
        node = node.get("items", node)
        node = node.get("properties", {}).get(name)
        if node is None:
            return None
    return node


def nodes(node: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema in a schema."""
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in node:
            yield from nodes(node[key], f"{path}[]")


def model_fields(model: type[Model], path: tuple[str, ...] = ()) -> Iterator[tuple[list[str], type[Model]]]:
    """Every field of a model and of the models in it, by its name on the wire."""
    for name, field in model.model_fields.items():
        here = (*path, field.alias or name)
        yield list(here), model
        for inner in models_in(field.annotation):
            if inner is not ObjectMeta:
                yield from model_fields(inner, here)


def models_in(annotation: Any) -> Iterator[type[Model]]:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        yield annotation
    for argument in get_args(annotation):
        yield from models_in(argument)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"status": {"usage": {"costUSD": "0.045"}}}, "0.045"),
        ({"status": {"usage": {}}}, None),
        ({"status": None}, None),
        ({"status": {"usage": "much"}}, None),
        ({}, None),
    ],
    ids=["there", "not yet", "null", "odd", "new"],
)
def test_a_column_reads_what_stands_at_its_path(body: dict[str, Any], found: str | None) -> None:
    assert Column("Cost", ".status.usage.costUSD").read(body) == found
