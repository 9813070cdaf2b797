"""Objects that pass for the operator's, for Kopf's, or for the neighbour's; and what is nobody's business."""

from __future__ import annotations

from agentschedule import names
from agentschedule.names import Reason
from tests.hostile.tenant.accounts import CRONJOBS, JOBS, PODS, RUNS, SCHEDULES, Body, Who, Write, create, delete, patch
from tests.hostile.tenant.attack import Attack, Scene, answers, ends, lives, refused, skipped, told
from tests.hostile.tenant.making import (
    ESCAPES,
    OVERRIDES,
    annotated,
    cronjob_of,
    job_of,
    owned_by,
    pod_of,
    run_of,
    schedule_of,
)

KOPF = "kopf.zalando.org"
KOPF_NOTES = {
    f"{KOPF}/{key}": text
    for key, text in {
        "last-handled-configuration": "{",
        "progress": "[[[",
        "touch-dummy": ESCAPES,
        "heard": '{"started":"0000-01-01","purpose":"delete","retries":"x"}',
        "agentschedules": '{"retries": -1, "delayed": "never"}',
    }.items()
}
KOPF_PLACES = (SCHEDULES, RUNS, CRONJOBS, JOBS, PODS)
STAYS = ["attacker.test/stays"]
FORGED_LABELS = ("", "x" * 63, "A.b_c", "0", "report")


def _kopf(plural: str) -> Attack:
    def writes(scene: Scene) -> list[Write]:
        pod = scene.pod_made()["metadata"]["name"]
        name = {SCHEDULES: scene.schedule, CRONJOBS: scene.schedule, PODS: pod}.get(plural, scene.run)
        return [patch(plural, name, {"metadata": {"annotations": KOPF_NOTES, "finalizers": [f"{KOPF}/finalizer"]}})]

    return Attack(f"annotations of Kopf's on {plural}", Who.CONTROLLER, writes, answers)


def _controlled_cronjob(scene: Scene) -> list[Write]:
    """Its controller exists: the garbage collector leaves it alone."""
    job = f"{scene.schedule}-job"
    scene.send(Who.ADMIN, [create(JOBS, job_of(job, job))])
    owner = owned_by("Job", job, scene.seen(JOBS, job)["metadata"]["uid"])
    return [
        create(CRONJOBS, cronjob_of(scene.schedule, metadata=owner)),
        create(SCHEDULES, schedule_of(scene.schedule)),
    ]


def _victims_owner(plural: str) -> Attack:
    """Owners are looked up in the object's own namespace: this one belongs to nobody."""

    def writes(scene: Scene) -> list[Write]:
        victims, name = scene.victims, f"{scene.schedule}-forged"
        schedule = owned_by("AgentSchedule", victims.schedule, victims.schedule_uid)
        cronjob = owned_by("CronJob", victims.schedule, victims.cronjob_uid)
        bodies = {
            RUNS: run_of(victims.schedule, name, schedule),
            CRONJOBS: cronjob_of(name, metadata=schedule | {"labels": {names.LABEL_SCHEDULE: victims.schedule}}),
            JOBS: job_of(name, victims.schedule, cronjob),
            PODS: pod_of(name, victims.schedule, cronjob),
            SCHEDULES: schedule_of(name, schedule),
        }
        return [create(plural, bodies[plural])]

    return Attack(f"{plural} that the neighbour's schedule seems to own", Who.ADMIN, writes, answers, at_work={})


def _labels(plural: str) -> Attack:
    def writes(scene: Scene) -> list[Write]:
        made = {JOBS: job_of, PODS: pod_of}[plural]
        return [create(plural, made(f"{scene.schedule}-{n}", label)) for n, label in enumerate(FORGED_LABELS)]

    return Attack(f"{plural} with labels that name no schedule", Who.ADMIN, writes, answers)


def _into_the_neighbours(title: str, who: Who, write: Write) -> Attack:
    return Attack(title, who, lambda _scene: [write], refused("403", "forbidden"))


def _run(title: str, metadata: Body | None = None, **spec: object) -> Attack:
    def writes(scene: Scene) -> list[Write]:
        return [create(RUNS, run_of(scene.schedule, scene.run, metadata, **spec))]

    return Attack(title, Who.STARTER, writes, answers, at_work=OVERRIDES)


def _owned_run(scene: Scene, job_uid: str) -> Body:
    uid = scene.eyes.get(SCHEDULES, scene.schedule)["metadata"]["uid"]
    notes = {"annotations": {names.ANNOTATION_JOB_UID: job_uid, names.ANNOTATION_TOKEN: "0" * 5_000}}
    return run_of(scene.schedule, scene.run, owned_by("AgentSchedule", scene.schedule, uid) | notes)


def _held(scene: Scene) -> list[Write]:
    scene.job_made()
    held = {"metadata": {"finalizers": STAYS}}
    everything = [(SCHEDULES, scene.schedule), (CRONJOBS, scene.schedule), (JOBS, scene.run), (RUNS, scene.run)]
    return [*(patch(*one, held) for one in everything), *(delete(*one) for one in everything)]


def _remade(scene: Scene) -> list[Write]:
    scene.schedule_made()
    one = [delete(CRONJOBS, scene.schedule), create(CRONJOBS, cronjob_of(scene.schedule))]
    return [*one * 10, delete(CRONJOBS, scene.schedule)]


def _listed(scene: Scene) -> list[Write]:
    active = [{"name": f"n{n}", "namespace": "theirs", "uid": f"u{n}"} for n in range(1_000)]
    return [patch(CRONJOBS, scene.schedule, {"status": {"active": active}}, "status")]


ATTACKS = (
    *map(_kopf, KOPF_PLACES),
    *map(_victims_owner, KOPF_PLACES),
    *map(_labels, (JOBS, PODS)),
    *(
        _into_the_neighbours(f"{plural} in the neighbour's namespace", who, create(plural, body, namespace="theirs"))
        for who, plural, body in (
            (Who.STARTER, RUNS, run_of("report", "stolen")),
            (Who.EDITOR, SCHEDULES, schedule_of("stolen")),
            (Who.ADMIN, JOBS, job_of("stolen", "report")),
        )
    ),
    _into_the_neighbours(
        "a trigger of the neighbour's schedule",
        Who.CONTROLLER,
        patch(SCHEDULES, "report", annotated(trigger="stolen"), namespace="theirs"),
    ),
    _into_the_neighbours(
        "a status of the neighbour's schedule",
        Who.CONTROLLER,
        patch(SCHEDULES, "report", {"status": {"phase": "Invalid"}}, "status", "theirs"),
    ),
    Attack(
        "a run that says it is the record of the neighbour's Job",
        Who.STARTER,
        lambda scene: [create(RUNS, _owned_run(scene, scene.victims.cronjob_uid))],
        ends("Skipped", "Cancelled"),
        at_work={},
    ),
    Attack(
        "a run that says it is the record of a Job whose uid is a path",
        Who.STARTER,
        lambda scene: [create(RUNS, _owned_run(scene, f"../../{ESCAPES}"))],
        ends("Skipped", "Cancelled"),
        at_work={},
    ),
    Attack(
        "a run of the neighbour's schedule by its name",
        Who.STARTER,
        lambda scene: [create(RUNS, run_of("report", scene.run))],
        skipped(Reason.SCHEDULE_NOT_FOUND),
    ),
    Attack(
        "a CronJob that somebody else controls, in the place of ours",
        Who.ADMIN,
        _controlled_cronjob,
        told("Ready", "False", Reason.CRONJOB_NAME_TAKEN),
    ),
    Attack("a CronJob deleted and put back ten times", Who.ADMIN, _remade, answers),
    Attack("everything deleted, and held by finalizers", Who.CONTROLLER, _held, lives),
    _run("a run with 5,000 labels of others", {"labels": {f"l{n}": "x" * 60 for n in range(5_000)}}),
    _run("a run with a model that is no name", model=ESCAPES),
    _run("a run with a message for terminals", message=ESCAPES),
    _run("a record of year 9999", trigger="Schedule", scheduledTime="9999-12-31T23:59:00Z"),
    _run("a run that is cancelled from the start", cancel=True),
    _run("a run with annotations of ours", annotated(replaced_by=ESCAPES, job_uid="", token_hash=ESCAPES)["metadata"]),
    Attack(
        "a token for terminals",
        Who.EDITOR,
        lambda scene: [patch(SCHEDULES, scene.schedule, annotated(trigger=ESCAPES, trigger_message=ESCAPES))],
        answers,
        at_work=OVERRIDES,
    ),
    Attack(
        "an empty token with params that are a list",
        Who.EDITOR,
        lambda scene: [patch(SCHEDULES, scene.schedule, annotated(trigger="", trigger_params='["\x1b[2J", NaN]'))],
        answers,
        at_work=OVERRIDES,
    ),
    Attack(
        "a reason to suspend for terminals",
        Who.EDITOR,
        lambda scene: [create(SCHEDULES, schedule_of(scene.schedule, suspend=True, suspendReason=ESCAPES))],
        answers,
    ),
    Attack(
        "a schedule whose schedule is for terminals",
        Who.EDITOR,
        lambda scene: [create(SCHEDULES, schedule_of(scene.schedule, schedule=f"0 0 {ESCAPES} * *"[:128]))],
        answers,
    ),
    Attack(
        "an image and environment for terminals",
        Who.EDITOR,
        lambda scene: [create(SCHEDULES, schedule_of(scene.schedule, agent={"image": ESCAPES}, message=ESCAPES))],
        answers,
    ),
    Attack(
        "tokens that were handled, and runs that were counted, of 2 kB each",
        Who.CONTROLLER,
        lambda scene: [
            patch(SCHEDULES, scene.schedule, {"status": {field: [f"{n}{'x' * 2_000}" for n in range(400)]}}, "status")
            for field in ("handledTriggers", "countedRuns", "activeRuns")
        ],
        answers,
        at_work={},
    ),
    Attack(
        "counts beyond 64 bits",
        Who.CONTROLLER,
        lambda scene: [
            patch(SCHEDULES, scene.schedule, {"status": {"counts": {"due": 2**63 - 1, "manual": -(2**63)}}}, "status"),
            patch(SCHEDULES, scene.schedule, {"status": {"consecutiveFailures": 2**63 - 1}}, "status"),
        ],
        answers,
        at_work={},
    ),
    Attack("a CronJob that lists a thousand Jobs of the neighbour's", Who.CONTROLLER, _listed, answers, at_work={}),
)
