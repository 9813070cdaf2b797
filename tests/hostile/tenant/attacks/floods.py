"""Much of what is allowed, at once."""

from __future__ import annotations

from agentschedule.names import Reason
from tests.hostile.tenant.accounts import JOBS, PODS, RUNS, SCHEDULES, Body, Who, Write, create, delete, patch
from tests.hostile.tenant.attack import Attack, Scene, answers, run_is_skipped
from tests.hostile.tenant.making import annotated, job_of, owned_by, pod_of, run_of, schedule_of
from tests.world import FULL

OPEN_RUNS, MORE = 30, 10  # of a schedule; and how many come on top
EDITS, TOKENS, OBJECTS = (300, 150, 100) if FULL else (150, 75, 50)
DENSE = ("* 0-3 * * *", "*/2 1-2 * * *", "1-59 * * * *", "* 1,2,3 * 3,10,11 0-6")
# Many end in one second, and of those no record is the oldest: else the probe's may be the first to go.
KEEP_ALL = {"history": {"succeeded": 100, "failed": 100}}
ZONES = ("America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "Africa/Casablanca")


def _runs(policy: str) -> Attack:
    def writes(scene: Scene) -> list[Write]:
        return [create(RUNS, run_of(scene.schedule, f"{scene.run}-{n}")) for n in range(OPEN_RUNS + MORE)]

    title = f"{OPEN_RUNS + MORE} runs at once under {policy}"
    return Attack(title, Who.STARTER, writes, answers, at_work=KEEP_ALL | {"concurrencyPolicy": policy}, burst=True)


def _too_many(scene: Scene) -> None:
    answers(scene)
    run_is_skipped(scene, f"{scene.schedule}-probe", Reason("TooManyOpenRuns"))


def _dense(scene: Scene) -> list[Write]:
    grid = [(cron, zone) for cron in DENSE for zone in ZONES]
    return [
        create(SCHEDULES, schedule_of(f"{scene.schedule}-{n}", schedule=cron, timeZone=zone))
        for n, (cron, zone) in enumerate([*grid, grid[0]])
    ] + [create(SCHEDULES, schedule_of(scene.schedule, schedule="* * * * *", timeZone="Europe/London"))]


def _edits(scene: Scene) -> list[Write]:
    return [patch(SCHEDULES, scene.schedule, {"spec": {"message": f"edit {n}"}}) for n in range(EDITS)]


def _tokens(scene: Scene) -> list[Write]:
    return [patch(SCHEDULES, scene.schedule, annotated(trigger=f"t{n}")) for n in range(TOKENS)]


def _come_and_go(plural: str) -> Attack:
    def writes(scene: Scene) -> list[Write]:
        def made(name: str) -> Body:
            return run_of(scene.schedule, name) if plural == RUNS else schedule_of(name)

        found = [f"{scene.schedule}-{n}" for n in range(60)]
        return [write for name in found for write in (create(plural, made(name)), delete(plural, name))]

    return Attack(f"60 {plural} that come and go", Who.EDITOR, writes, answers, at_work={})


def _jobs(scene: Scene) -> list[Write]:
    owner = owned_by("CronJob", scene.schedule, scene.schedule_made()["metadata"]["uid"])
    return [create(JOBS, job_of(f"{scene.schedule}-j{n}", scene.schedule, owner)) for n in range(OBJECTS)]


def _pods(scene: Scene) -> list[Write]:
    uid = scene.job_made()["metadata"]["uid"]
    labels: Body = {"agentschedule.dev/schedule": scene.schedule, "batch.kubernetes.io/controller-uid": uid}
    return [create(PODS, pod_of(f"{scene.schedule}-p{n}", scene.schedule, {"labels": labels})) for n in range(OBJECTS)]


ATTACKS = (
    *map(_runs, ("Replace", "Forbid")),
    Attack(
        f"{OPEN_RUNS + MORE} runs at once under Allow, and one more",
        Who.STARTER,
        _runs("Allow").writes,
        _too_many,
        at_work=KEEP_ALL,
        burst=True,
    ),
    Attack("20 dense schedules in zones with summer time", Who.EDITOR, _dense, answers, burst=True),
    Attack(f"{EDITS} edits of a schedule", Who.EDITOR, _edits, answers, at_work={}, burst=True),
    Attack(f"{TOKENS} tokens", Who.EDITOR, _tokens, answers, at_work={"concurrencyPolicy": "Forbid"}, burst=True),
    *map(_come_and_go, (RUNS, SCHEDULES)),
    Attack(f"{OBJECTS} Jobs that pass for the CronJob's", Who.ADMIN, _jobs, answers, burst=True),
    Attack(f"{OBJECTS} pods that pass for a Job's", Who.ADMIN, _pods, answers, burst=True),
)
