"""Pydantic model → structural schema → CustomResourceDefinition, as plain data.

Pure: the same models give the same bytes. What a CRD cannot say is refused here, with the name of the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import core_schema

from agentschedule.api.base import PRESERVE_UNKNOWN, Model, rules
from agentschedule.api.run import ScheduleRun
from agentschedule.api.schedule import AgentSchedule
from agentschedule.names import GROUP, RUN_KIND, RUN_PLURAL, SCHEDULE_KIND, SCHEDULE_PLURAL, VERSION

Schema = dict[str, Any]
Rules = tuple[tuple[str, str], ...]

CATEGORY = "agents"
REFS = "#/$defs/{model}"
# Keywords that a structural schema forbids; the hooks below leave none behind for the types that we use.
FORBIDDEN = ("$ref", "$defs", "anyOf", "oneOf", "allOf", "not", "prefixItems", "patternProperties", "const")
# What every object has. The API server knows their schema, describes them itself and refuses any other here.
TYPE_META: Schema = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}}


class SchemaError(TypeError):
    """A model says something that a CRD cannot: a bug in the model."""


@dataclass(frozen=True)
class Column:
    """A column of ``kubectl get``. Priority 1 appears with ``-o wide`` only."""

    name: str
    path: str
    type: str = "string"
    priority: int = 0

    def wire(self) -> Schema:
        """The column as the CRD says it."""
        shown = {"priority": self.priority} if self.priority else {}
        return {"name": self.name, "type": self.type, "jsonPath": self.path, **shown}

    def read(self, body: Mapping[str, Any]) -> Any:
        """What stands in an object where the column looks; None if nothing does. Every object can be read so."""
        found: Any = body
        for key in self.path.strip(".").split("."):
            found = found.get(key) if isinstance(found, Mapping) else None
        return found


@dataclass(frozen=True)
class Kind:
    """What a CRD says beyond its schema."""

    model: type[Model]
    kind: str
    plural: str
    short_name: str
    columns: tuple[Column, ...]
    selectable: tuple[str, ...] = ()


# A column reads one path each. `date` prints an age, and <invalid> for the future: so NEXT RUN is a string.
SCHEDULE = Kind(
    AgentSchedule,
    SCHEDULE_KIND,
    SCHEDULE_PLURAL,
    "asched",
    (
        Column("Schedule", ".status.displaySchedule"),
        Column("TimeZone", ".spec.timeZone"),
        Column("Suspend", ".spec.suspend", "boolean"),
        Column("Active", ".status.active", "integer"),
        Column("Next Run", ".status.nextRunTime"),
        Column("Last Run", ".status.lastRunTime", "date"),
        Column("Last Status", ".status.lastRun.phase"),
        Column("Missed", ".status.counts.missed", "integer"),
        Column("Agent", ".spec.agent.name", priority=1),
        Column("Model", ".spec.agent.model", priority=1),
        Column("Started", ".status.counts.started", "integer", priority=1),
        Column("Succeeded", ".status.counts.succeeded", "integer", priority=1),
        Column("Failed", ".status.counts.failed", "integer", priority=1),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
)
RUN = Kind(
    ScheduleRun,
    RUN_KIND,
    RUN_PLURAL,
    "srun",
    (
        Column("Schedule", ".spec.scheduleName"),
        Column("Trigger", ".spec.trigger"),
        Column("Status", ".status.phase"),
        Column("Attempt", ".status.attempt", "integer"),
        Column("Started", ".status.startTime", "date"),
        Column("Duration", ".status.duration"),
        Column("Cost", ".status.usage.costUSD"),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
    (".spec.scheduleName", ".spec.trigger", ".status.phase"),
)
KINDS = (SCHEDULE, RUN)


class StructuralSchema(GenerateJsonSchema):
    """Pydantic's generator, taught Kubernetes' dialect: no null, no titles, no unions, few defaults."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._models: list[type[Any]] = []
        self._root: type[Any] | None = None

    def generate(self, schema: core_schema.CoreSchema, mode: JsonSchemaMode = "validation") -> JsonSchemaValue:
        # Models that are used twice come first, as definitions: the root is what they are definitions for.
        root: Any = schema["schema"] if schema["type"] == "definitions" else schema
        self._root = root.get("cls")
        return super().generate(schema, mode)

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        self._models.append(schema["cls"])
        result = super().model_schema(schema)
        self._models.pop()
        # A model that takes what it does not know: beside `properties`, a CRD says so in its own keyword.
        extra = PRESERVE_UNKNOWN if result.get("additionalProperties") else {}
        return {**_without(result, "title", "additionalProperties"), **extra}

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        # Optional is "not required" here; an explicit null is pruned by the API server.
        return self.generate_inner(schema["schema"])

    def any_schema(self, schema: core_schema.AnySchema) -> JsonSchemaValue:  # noqa: ARG002
        return dict(PRESERVE_UNKNOWN)

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        result = super().dict_schema(schema)
        if result.get("additionalProperties") in (True, PRESERVE_UNKNOWN):
            return {"type": "object", **PRESERVE_UNKNOWN}
        return _without(result, "propertyNames")

    def union_schema(self, schema: core_schema.UnionSchema) -> JsonSchemaValue:
        choices = {choice[0]["type"] if isinstance(choice, tuple) else choice["type"] for choice in schema["choices"]}
        if choices == {"int", "str"}:
            return {"x-kubernetes-int-or-string": True}
        raise SchemaError(f"{self._models[-1].__name__}: a CRD has no union of {sorted(choices)}")

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        result = super().default_schema(schema)
        keep = self._in_spec() and isinstance(result.get("default"), str | int | bool)
        return result if keep else _without(result, "default")

    def _in_spec(self) -> bool:
        """True while a field at the top of spec is generated: only there do defaults not show as GitOps drift."""
        spec = getattr(self._root, "model_fields", {}).get("spec")
        return bool(spec and self._models and self._models[-1] is spec.annotation)


def structural_schema(model: type[Model]) -> Schema:
    """The schema of one kind, ready for ``openAPIV3Schema``."""
    raw = model.model_json_schema(schema_generator=StructuralSchema, ref_template=REFS)
    schema: Schema = _inline({k: v for k, v in raw.items() if k != "$defs"}, raw.get("$defs", {}), ())
    schema["properties"] = {**TYPE_META, **_without(schema["properties"], "metadata")}
    schema["required"] = [name for name in schema["required"] if name != "metadata"]
    _refuse_forbidden(schema, model.__name__)
    return schema


def crd(kind: Kind, field_rules: Mapping[str, Rules] | None = None) -> Schema:
    """The whole CustomResourceDefinition. ``field_rules``: dotted path → more CEL rules for that field."""
    schema = structural_schema(kind.model)
    for path, pairs in (field_rules or {}).items():
        add_rules(schema, path, pairs)
    names = {
        "kind": kind.kind,
        "listKind": f"{kind.kind}List",
        "plural": kind.plural,
        "singular": kind.kind.lower(),
        "shortNames": [kind.short_name],
        "categories": [CATEGORY],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {"group": GROUP, "scope": "Namespaced", "names": names, "versions": [_version(kind, schema)]},
    }


def add_rules(schema: Schema, path: str, pairs: Rules) -> None:
    """Puts CEL rules on the field at a dotted path, after those of the model."""
    node = schema
    for name in path.split("."):
        if name not in node.get("properties", {}):
            raise SchemaError(f"no field {path}")
        node = node["properties"][name]
    if pairs:
        for key, more in rules(*pairs).items():
            node[key] = [*node.get(key, []), *more]


def _version(kind: Kind, schema: Schema) -> Schema:
    selectable = {"selectableFields": [{"jsonPath": path} for path in kind.selectable]} if kind.selectable else {}
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [column.wire() for column in kind.columns],
        **selectable,
        "schema": {"openAPIV3Schema": schema},
    }


def _without(schema: Mapping[str, Any], *keys: str) -> Schema:
    return {key: value for key, value in schema.items() if key not in keys}


def _inline(node: Any, definitions: Mapping[str, Any], above: tuple[str, ...]) -> Any:
    """The same schema with each reference replaced by what it names; what stands beside a reference wins."""
    if isinstance(node, list):
        return [_inline(item, definitions, above) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        name = node["$ref"].rsplit("/", 1)[1]
        if name in above:
            raise SchemaError(f"{name} contains itself: a CRD has no recursion")
        # An enum's docstring speaks to programmers; only the field's own description is for users.
        drop = ("title", "description") if "enum" in definitions[name] else ()
        target = _without(_inline(definitions[name], definitions, (*above, name)), *drop)
        return {**target, **_without(node, "$ref")}
    return {key: _inline(value, definitions, above) for key, value in node.items()}


def _refuse_forbidden(node: Any, path: str) -> None:
    """Walks schemas only: a property may be called ``not``."""
    for key in FORBIDDEN:
        if key in node:
            raise SchemaError(f"{path}: a CRD has no {key}")
    for name, child in node.get("properties", {}).items():
        _refuse_forbidden(child, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            _refuse_forbidden(node[key], f"{path}[]")
