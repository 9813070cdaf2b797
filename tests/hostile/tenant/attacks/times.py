"""Times and numbers that a date or an integer of some language cannot hold: in specs, statuses and annotations."""

from __future__ import annotations

from agentschedule import names
from tests.hostile.tenant.accounts import CRONJOBS, JOBS, PODS, RUNS, SCHEDULES, Body, Who, Write, create, patch
from tests.hostile.tenant.attack import Attack, Scene, answers, lives
from tests.hostile.tenant.making import (
    ESCAPES,
    YEARS,
    agent_state,
    annotated,
    cronjob_of,
    job_of,
    owned_by,
    schedule_of,
)

EDGES = tuple(year for year in YEARS if year.startswith(("0000", "9999")))
HUGE = 2**63 - 1
DIGITS = "9" * 4_400
# Kubernetes takes it for a second, in which no write finds a quiet moment: his own schedule waits, and nobody else's.
EVERY_SECOND: Body = {"schedule": "@every 1ns"}
CRONJOB_SPECS: dict[str, Body] = {
    "a deadline of 3,000 years": {"startingDeadlineSeconds": 100_000_000_000},
    "the longest deadline": {"startingDeadlineSeconds": HUGE},
    "an interval with 4,301 zeros": {"schedule": f"@every 1.{'0' * 4_301}h"},
    "the longest interval": {"schedule": "@every 2562047h47m16s"},
    "an interval of a nanosecond": EVERY_SECOND,
    "a schedule of 50,000 minutes": {"schedule": f"{'0,' * 50_000}0 * * * *"},
    "every second of a list": {"schedule": "*/1,*/1,*/1 */1,*/1 */1,1-31 */1 */1", "timeZone": "America/New_York"},
    "the zone Local": {"timeZone": "Local"},
    "a zone outside the zones": {"timeZone": "../../../etc/passwd"},
}
SPECS: dict[str, Body] = {
    "year 9999 in endAt": {"endAt": YEARS[4]},
    "year 0 in startAt": {"startAt": YEARS[0]},
    "year 10000 in startAt": {"startAt": YEARS[5]},
    "runAt in year 0": {"schedule": None, "runAt": YEARS[0]},
    "runAt at the end of all years": {"schedule": None, "runAt": "9999-12-31T23:59:00Z"},
    "an hour of 20 digits": {"schedule": f"0 {'9' * 20} * * *"},
    "a step of 100 digits": {"schedule": f"*/{'9' * 100} * * * *"},
    "a range of H of 20 digits": {"schedule": f"H(0-{'9' * 20}) * * * *"},
    "the 30th of February": {"schedule": "0 0 30 2 *"},
    "a zone outside the zones": {"timeZone": "../../../etc/passwd"},
    "the zone of this machine": {"timeZone": "Local"},
    "a zone with a null byte": {"timeZone": "Europe/Berlin\x00"},
    "a zone that is a folder": {"timeZone": "Europe"},
    "an interval of all digits": {"schedule": None, "interval": "99999h999999m9999999s"},
}
JOB_NOTES = {
    "batch.kubernetes.io/cronjob-scheduled-timestamp": (*YEARS, DIGITS, "\x1b[2J"),
    names.ANNOTATION_HELD_UNTIL: (*YEARS, DIGITS),
    names.ANNOTATION_RETRY_DELAY: (DIGITS, "999999999", "-1", "٣"),
}
CRONJOB_NOTES = {
    "effective_from": (*YEARS, DIGITS),
    "not_before": (*YEARS, DIGITS),
    "spec_generation": (DIGITS, "-1", "1e9"),
    "spec_hash": ("\x1b[2J\n" * 1_000,),
}


def _cronjob(what: str, spec: Body) -> Attack:
    return Attack(
        f"a CronJob with {what}",
        Who.ADMIN,
        lambda scene: [patch(CRONJOBS, scene.schedule, {"spec": spec})],
        lives if spec == EVERY_SECOND else answers,
        at_work={},
    )


def _own_cronjob(what: str, spec: Body) -> Attack:
    """Stored before the schedule is, so that nothing is put back."""

    def writes(scene: Scene) -> list[Write]:
        return [create(CRONJOBS, cronjob_of(scene.schedule, spec)), create(SCHEDULES, schedule_of(scene.schedule))]

    return Attack(f"a CronJob of his own with {what}, in the place of ours", Who.ADMIN, writes, answers)


def _schedule(what: str, spec: Body) -> Attack:
    def writes(scene: Scene) -> list[Write]:
        body = schedule_of(scene.schedule, **spec)
        body["spec"] = {field: value for field, value in body["spec"].items() if value is not None}
        return [create(SCHEDULES, body)]

    return Attack(f"a schedule with {what}", Who.EDITOR, writes, answers)


def _job_notes(key: str, texts: tuple[str, ...]) -> Attack:
    """A Job of the CronJob's, as far as anybody can see, for each of these texts."""

    def writes(scene: Scene) -> list[Write]:
        uid = scene.schedule_made()["metadata"]["uid"]
        owner = owned_by("CronJob", scene.schedule, uid)
        return [
            create(JOBS, job_of(f"{scene.schedule}-{n}", scene.schedule, owner | {"annotations": {key: text}}))
            for n, text in enumerate(texts)
        ]

    return Attack(f"Jobs whose {key.rpartition('/')[2]} is no such thing", Who.ADMIN, writes, answers)


def _cronjob_notes(key: str, texts: tuple[str, ...]) -> Attack:
    def writes(scene: Scene) -> list[Write]:
        return [patch(CRONJOBS, scene.schedule, annotated(**{key: text})) for text in texts]

    return Attack(f"a CronJob whose {key} is no such thing", Who.ADMIN, writes, answers, at_work={})


def _job_status(year: str) -> Attack:
    """What the API takes of it: it compares the times of an end with each other."""

    def writes(scene: Scene) -> list[Write]:
        scene.job_made()
        end = {"type": "FailureTarget", "status": "True", "lastTransitionTime": year, "reason": ESCAPES}
        bodies: list[Body] = [{"startTime": year}, {"conditions": [end]}]
        ended = [end, end | {"type": "Failed"}]
        bodies += [{"conditions": ended}, {"conditions": ended, "startTime": year}]
        return [patch(JOBS, scene.run, {"status": body}, "status") for body in bodies]

    return Attack(f"a Job's status of {year}", Who.CONTROLLER, writes, answers)


def _pod_status(year: str) -> Attack:
    def writes(scene: Scene) -> list[Write]:
        name = scene.pod_made()["metadata"]["name"]
        end = {"exitCode": 2**31 - 1, "startedAt": year, "finishedAt": year, "reason": ESCAPES, "message": ESCAPES}
        states: list[Body] = [
            agent_state({"running": {"startedAt": year}}, startTime=year),
            agent_state({"terminated": end}, "Failed", startTime=year, message=ESCAPES, reason=ESCAPES),
        ]
        return [patch(PODS, name, body, "status") for body in states]

    return Attack(f"a pod's status of {year}", Who.CONTROLLER, writes, answers)


def _cronjob_status(year: str) -> Attack:
    def writes(scene: Scene) -> list[Write]:
        status = {"lastScheduleTime": year, "lastSuccessfulTime": year}
        return [patch(CRONJOBS, scene.schedule, {"status": status}, "status")]

    # Beyond what JSON can say the API refuses each later write to it: his own schedule waits, and nobody else's.
    then = lives if "+" in year or year.endswith("-14:00") else answers
    return Attack(f"a CronJob's status of {year}", Who.CONTROLLER, writes, then, at_work={"schedule": "* * * * *"})


def _run_status(year: str) -> Attack:
    def writes(scene: Scene) -> list[Write]:
        scene.job_made()
        times = dict.fromkeys(("triggeredAt", "startTime", "completionTime"), year)
        attempt = {"attempt": HUGE, "pod": "../p", "phase": "Failed", "startTime": year, "completionTime": year}
        bodies: list[Body] = [times, {"attempts": [attempt]}, {"durationSeconds": HUGE, "exitCode": -HUGE}]
        bodies += [times | {"phase": "Succeeded", "reason": ESCAPES, "job": "../..", "pod": "?x#"}]
        return [patch(RUNS, scene.run, {"status": body}, "status") for body in bodies]

    return Attack(f"a run's status of {year}", Who.CONTROLLER, writes, answers)


def _schedule_status(year: str) -> Attack:
    """A ledger of another time: nothing of it can be put right, and nobody else may feel it."""

    def writes(scene: Scene) -> list[Write]:
        fields = ("accountedThrough", "effectiveFrom", "lastRunTime", "lastSuccessfulTime", "lastFailureTime")
        bodies: list[Body] = [{field: year} for field in fields]
        bodies += [{"nextRunTime": year, "nextRunTimes": [year], "observedGeneration": HUGE}]
        bodies += [{"lastMissed": {"scheduledTime": year, "reason": ESCAPES}}]
        return [patch(SCHEDULES, scene.schedule, {"status": body}, "status") for body in bodies]

    return Attack(f"a schedule's status of {year}", Who.CONTROLLER, writes, answers, at_work={"schedule": "* * * * *"})


ATTACKS = (
    *(_cronjob(what, spec) for what, spec in CRONJOB_SPECS.items()),
    *(_own_cronjob(what, spec) for what, spec in CRONJOB_SPECS.items()),
    *(_schedule(what, spec) for what, spec in SPECS.items()),
    *(_job_notes(key, texts) for key, texts in JOB_NOTES.items()),
    *(_cronjob_notes(key, texts) for key, texts in CRONJOB_NOTES.items()),
    *map(_job_status, EDGES),
    *map(_pod_status, EDGES),
    *map(_cronjob_status, EDGES),
    *map(_run_status, EDGES),
    *map(_schedule_status, EDGES),
)
