"""JSON that is nested deep, or long, or has many parts: wherever a tenant may put JSON."""

from __future__ import annotations

from functools import partial

from agentschedule.names import Env, Reason
from tests.hostile.tenant.accounts import JOBS, RUNS, SCHEDULES, Body, Who, Write, create, patch
from tests.hostile.tenant.attack import Attack, Scene, Then, answers, refused, skipped, told
from tests.hostile.tenant.making import AGENT, OVERRIDES, annotated, job_of, nested, run_of, schedule_of, with_raw

MEGABYTE = 1_300_000
DEPTHS = (101, 1_200, 3_000)
ODD_PARAMS = {
    "a number of 5,000 digits": b"1" * 5_000,
    "a number below all floats": b"-1e308",
    "a number beyond 64 bits": b"18446744073709551617",
    "a number with 5,000 zeros": b"0.%s1" % (b"0" * 5_000),
    "half a character": rb'"\ud800"',
    "a null byte": rb'"\u0000"',
    "escape sequences": b'"' + rb"\u001b[2J\r\nFORGED " * 500 + b'"',
}
TOO_MUCH = {
    "nested 1,200 deep": nested(1_200),
    "of a megabyte": b'{"a":"%s"}' % (b"x" * MEGABYTE),
    "of 30,000 empty objects": b'{"a":[%s{}]}' % (b"{}," * 30_000),
}


def _with_params(raw: bytes, scene: Scene) -> list[Write]:
    return [create(RUNS, with_raw(run_of(scene.schedule, scene.run), "params", raw))]


def _run(what: str, raw: bytes, then: Then) -> Attack:
    return Attack(f"a run with params {what}", Who.STARTER, partial(_with_params, raw), then, at_work=OVERRIDES)


def _schedule(what: str, raw: bytes) -> Attack:
    def writes(scene: Scene) -> list[Write]:
        return [create(SCHEDULES, with_raw(schedule_of(scene.schedule), "params", raw))]

    return Attack(f"a schedule with params {what}", Who.EDITOR, writes, _refused_by_operator(raw))


def _refused_by_operator(raw: bytes) -> Then:
    """What is large is not taken in at all."""
    return told("Accepted", "False", Reason.INVALID_SPEC if len(raw) > MEGABYTE else Reason.INVALID_AGENT)


def _pod_template(what: str, raw: bytes) -> Attack:
    def writes(scene: Scene) -> list[Write]:
        agent = b'{"image":"i","podTemplate":{"spec":{"affinity":%s}}}' % raw
        return [create(SCHEDULES, with_raw(schedule_of(scene.schedule), "agent", agent))]

    return Attack(f"a schedule with a podTemplate {what}", Who.EDITOR, writes, _refused_by_operator(raw))


def _status(levels: int) -> Attack:
    def writes(scene: Scene) -> list[Write]:
        scene.job_made()
        return [patch(RUNS, scene.run, b'{"status":{"requirements":[%s]}}' % nested(levels), "status")]

    return Attack(f"a run's status nested {levels} deep", Who.CONTROLLER, writes, answers)


def _job(what: str, params: bytes) -> Attack:
    def writes(scene: Scene) -> list[Write]:
        body: Body = job_of(f"{scene.schedule}-job", scene.schedule)
        agent = AGENT | {"env": [{"name": Env.PARAMS, "value": params.decode()}]}
        body["spec"]["template"]["spec"]["containers"] = [agent]
        return [create(JOBS, body)]

    return Attack(f"a Job of ours with params {what}", Who.ADMIN, writes, answers, at_work={})


def _trigger(what: str, **annotations: str) -> Attack:
    def writes(scene: Scene) -> list[Write]:
        return [patch(SCHEDULES, scene.schedule, annotated(**{"trigger": "1"} | annotations))]

    return Attack(f"a trigger with {what}", Who.EDITOR, writes, answers, at_work=OVERRIDES)


def _eight(scene: Scene) -> list[Write]:
    params = {"a": "x" * MEGABYTE}
    return [create(RUNS, run_of(scene.schedule, f"{scene.run}-{n}", params=params)) for n in range(8)]


ATTACKS = (
    *(_run(f"nested {levels} deep", nested(levels), skipped(Reason.INVALID_OVERRIDE, "params")) for levels in DEPTHS),
    *(_run(f"with {what}", b'{"a":%s}' % raw, answers) for what, raw in ODD_PARAMS.items()),
    *(_run(what, raw, skipped(Reason.INVALID_OVERRIDE, "params")) for what, raw in list(TOO_MUCH.items())[1:]),
    _run("of 20,000 fields", b"{%s}" % b",".join(b'"f%d":1' % n for n in range(20_000)), refused("params")),
    *(_schedule(what, raw) for what, raw in TOO_MUCH.items()),
    *(_pod_template(what, raw) for what, raw in list(TOO_MUCH.items())[:2]),
    *map(_status, DEPTHS[:2]),
    _job("nested 9,000 deep", nested(9_000)),
    _job("of a megabyte", b'{"a":"%s"}' % (b"x" * 1_000_000)),
    _trigger("a token of 200 kB", trigger="x" * 200_000),
    _trigger("a message of 200 kB", trigger_message="x" * 200_000),
    _trigger("params of 200 kB that are no JSON", trigger_params="[" * 200_000),
    _trigger("params nested 20,000 deep", trigger_params=nested(20_000).decode()),
    _trigger("params with numbers of 5,000 digits", trigger_params='{"a":%s}' % ("9" * 5_000)),
    Attack("eight runs with 1.3 MB of params each", Who.STARTER, _eight, answers, at_work=OVERRIDES, burst=True),
    Attack(
        "a run with a message beyond its limit",
        Who.STARTER,
        lambda scene: [create(RUNS, run_of(scene.schedule, scene.run, message="x" * 32_001))],
        refused("message"),
    ),
)
