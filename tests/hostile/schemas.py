"""What the API server takes for an object of the five kinds, as structural schemas: those of our CRDs, and of the
others the fields that we read. From these objects are made, and by these it is judged what is an object at all.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

Body = dict[str, Any]
Schema = dict[str, Any]
CRDS = Path(__file__).parents[2] / "crds"
# strfmt's grammar, by which the API server judges a date-time in a custom object; and what it makes of others' times.
DATE_TIME = re.compile(
    r"-?[0-9]{3,5}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](.[0-9]+)?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
# CEL's grammar for dates is Go's: a day that its month has.
LONG_MONTHS = (1, 3, 5, 7, 8, 10, 12)

TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
TIME: Schema = {"type": "string", "format": "date-time"}
INT32: Schema = {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1}
INT64: Schema = {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1}
TEXTS: Schema = {"type": "object", "additionalProperties": TEXT}
ANY: Schema = {"x-kubernetes-preserve-unknown-fields": True}


def thing(required: str = "", **properties: Schema) -> Schema:
    """An object with these fields."""
    return {"type": "object", "properties": properties, "required": required.split()}


def many(items: Schema) -> Schema:
    return {"type": "array", "items": items}


META = thing(
    "name namespace uid resourceVersion creationTimestamp",
    name=TEXT,
    namespace=TEXT,
    uid=TEXT,
    resourceVersion=TEXT,
    generation=INT64,
    creationTimestamp=TIME,
    deletionTimestamp=TIME,
    labels=TEXTS,
    annotations=TEXTS,
    finalizers=many(TEXT),
    ownerReferences=many(
        thing("apiVersion kind name uid", apiVersion=TEXT, kind=TEXT, name=TEXT, uid=TEXT, controller=FLAG)
    ),
)
CONDITION = thing("type status", type=TEXT, status=TEXT, reason=TEXT, message=TEXT, lastTransitionTime=TIME)
_KEYS = many(thing("key path", key=TEXT, path=TEXT))
POD_SPEC = thing(
    "",
    activeDeadlineSeconds=INT64,
    containers=many(thing("name", name=TEXT, env=many(thing("name", name=TEXT, value=TEXT)))),
    volumes=many(thing("name", name=TEXT, configMap=thing("", name=TEXT, items=_KEYS))),
)
JOB_SPEC = thing(
    "template", suspend=FLAG, backoffLimitPerIndex=INT32, template=thing("", metadata=thing(), spec=POD_SPEC)
)
_ENDED = thing("exitCode", exitCode=INT32, reason=TEXT, message=TEXT, startedAt=TIME, finishedAt=TIME)
_STATE = thing("", waiting=thing("", reason=TEXT, message=TEXT), running=thing("", startedAt=TIME), terminated=_ENDED)
_CONTAINERS = many(thing("name", name=TEXT, state=_STATE))
CRONJOB = thing(
    "metadata spec",
    metadata=META,
    spec=thing(
        "schedule jobTemplate",
        schedule=TEXT,
        timeZone=TEXT,
        suspend=FLAG,
        concurrencyPolicy=TEXT,
        startingDeadlineSeconds=INT64,
        jobTemplate=thing("", spec=JOB_SPEC),
    ),
    status=thing("", active=many(thing("", name=TEXT, uid=TEXT)), lastScheduleTime=TIME, lastSuccessfulTime=TIME),
)
JOB = thing(
    "metadata spec",
    metadata=META,
    spec=JOB_SPEC,
    status=thing("", conditions=many(CONDITION), startTime=TIME, completionTime=TIME),
)
POD = thing(
    "metadata spec",
    metadata=META,
    spec=POD_SPEC,
    status=thing(
        "",
        phase=TEXT,
        reason=TEXT,
        message=TEXT,
        startTime=TIME,
        conditions=many(CONDITION),
        initContainerStatuses=_CONTAINERS,
        containerStatuses=_CONTAINERS,
    ),
)


@cache
def schemas() -> dict[str, Schema]:
    """The schema of each table of the store."""
    ours = {kind: _custom(kind) for kind in ("agentschedules", "scheduleruns")}
    return {
        "schedules": ours["agentschedules"],
        "runs": ours["scheduleruns"],
        "cronjobs": CRONJOB,
        "jobs": JOB,
        "pods": POD,
    }


def _custom(kind: str) -> Schema:
    crd = yaml.safe_load((CRDS / f"{kind}.yaml").read_text())
    schema: Schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema | {"properties": schema["properties"] | {"metadata": META}, "required": ["metadata", "spec"]}


def conforms(schema: Schema, value: Any) -> bool:
    """True for a value that the API server sends. Rules in CEL are left out: objects of before a rule stay."""
    if schema.get("x-kubernetes-int-or-string"):
        return isinstance(value, int | str) and not isinstance(value, bool)
    judge = _JUDGES.get(schema.get("type", ""))
    return judge is None or judge(schema, value)


def _object(schema: Schema, value: Any) -> bool:
    if not isinstance(value, dict) or any(value.get(name) is None for name in schema.get("required", ())):
        return False
    known, rest = schema.get("properties", {}), schema.get("additionalProperties")
    given = ((known.get(name, rest), part) for name, part in value.items())
    return all(conforms(expected, part) for expected, part in given if isinstance(expected, dict))


def _array(schema: Schema, value: Any) -> bool:
    if not isinstance(value, list) or len(value) > schema.get("maxItems", 2**31):
        return False
    return all(conforms(schema["items"], item) for item in value)


def _string(schema: Schema, value: Any) -> bool:
    if not isinstance(value, str) or not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 2**31):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if "pattern" in schema and not re.search(schema["pattern"], value):
        return False
    return schema.get("format") != "date-time" or _is_date_time(value)


def _is_date_time(text: str) -> bool:
    if DATE_TIME.fullmatch(text) is None:
        return False
    year, month, day = (
        text[:10].lstrip("-").split("-")[0],
        text.lstrip("-").split("-")[1],
        text.lstrip("-").split("-")[2],
    )
    leap = int(year) % 4 == 0 and (int(year) % 100 != 0 or int(year) % 400 == 0)
    last = 31 if int(month) in LONG_MONTHS else 30 if int(month) != 2 else 28 + leap
    return int(day[:2]) <= last


def _integer(schema: Schema, value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        return False
    # Go's own: beyond it, the server keeps a number as a float, and takes one without a fraction for whole.
    return bool(schema.get("minimum", -(2.0**1000)) <= value <= schema.get("maximum", 2.0**1000))


_JUDGES = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": _integer,
    "boolean": lambda _schema, value: isinstance(value, bool),
    "number": lambda _schema, value: isinstance(value, int | float) and not isinstance(value, bool),
}
