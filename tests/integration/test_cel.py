"""One grammar in three places: the rules of the CRD, the operator's parser, and what the API takes in a CronJob.

Generated and mutated schedules go to the real API server as dry runs, and so does the CronJob that each would become.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any
from zoneinfo import available_timezones

import pytest
from kubernetes.client import ApiException

from agentschedule import names
from agentschedule.api.schedule import AgentSchedule
from agentschedule.plan import cron
from agentschedule.plan.objects import build
from agentschedule.plan.spec.timing import timing
from tests.fixtures import Api
from tests.oracle import cases
from tests.world import FULL, Body, agent_schedule

pytestmark = [
    pytest.mark.usefixtures("crds"),
    pytest.mark.timeout(400),
    pytest.mark.xdist_group("cel"),
    pytest.mark.turn(-4),
]

VALID = MUTATED = 1000 if FULL else 400
THREADS = 8
NEVER = ("0 0 30-31 2 *", "0 8 30 feb-feb *", "0 0 31 4-4,jun *", "0 12 31/31 Feb ?")  # what no rule of the CRD sees
ZONES = ("PST", "CEST", "Mars/Phobos", "local", "UTC+2", "europe/berlin", "posix/Europe/Berlin", "EST", "Etc/GMT+5")
SENTENCES = [message for _, message in cron.SCHEDULE_RULES]
CHRISTMAS, NEW_YEAR = "2026-12-24T18:00:00Z", "2027-01-01T00:00:00Z"


@dataclass(frozen=True)
class Answer:
    """What became of one AgentSchedule at the three places: None where it was taken, else a sentence."""

    written: str
    crd: str | None
    operator: str | None
    cronjob: str | None


@pytest.fixture(scope="module")
def answers(api: Api) -> list[Answer]:
    """Schedules as people write them, and with slips of the pen, in zones of all kinds."""
    random = Random(20261)
    texts = dict.fromkeys(cases.schedule(random, ours=True) for _ in range(2 * VALID))
    texts = dict.fromkeys([text for text in texts if len(text) <= 128][:VALID])
    texts |= dict.fromkeys(cases.mutated(random) for _ in range(MUTATED))
    texts |= dict.fromkeys(NEVER)
    zones = sorted(available_timezones())
    specs: list[Body] = []
    for text in texts:
        zone = random.choice(ZONES if random.random() < 0.1 else zones) if random.random() < 0.5 else "Etc/UTC"
        specs.append({"schedule": text, "timeZone": zone})
    specs += [{"interval": _interval(random)} for _ in range(100)]
    specs += [{"runAt": _moment(random)} for _ in range(100)]
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(partial(_ask, api), specs))


def test_what_the_crd_and_the_operator_take_the_api_takes_as_a_cronjob(answers: list[Answer]) -> None:
    taken = [answer for answer in answers if answer.crd is None and answer.operator is None]
    assert len(answers) >= VALID
    assert len(taken) >= VALID
    assert [answer for answer in taken if answer.cronjob] == []


def test_what_the_operator_refuses_by_grammar_the_crd_refuses_with_a_sentence(answers: list[Answer]) -> None:
    """Only zones and dates that never come are left to the operator."""
    late = [answer for answer in answers if answer.crd is None and answer.operator]
    zones = [answer for answer in late if answer.operator and answer.operator.startswith("timeZone")]
    never = [answer for answer in late if answer.operator and "never fires" in answer.operator]
    print(f"{len(answers)} asked; only the operator refuses {len(zones)} zones and {len(never)} dates")
    assert [answer for answer in late if answer not in zones + never] == []
    assert zones
    assert len(never) >= len(NEVER)
    refused = [answer for answer in answers if answer.crd and json.loads(answer.written).get("schedule") is not None]
    assert len(refused) >= MUTATED / 5
    assert [answer for answer in refused if not any(said in (answer.crd or "") for said in SENTENCES)] == []


def test_the_crd_refuses_no_schedule_that_the_operator_takes(answers: list[Answer]) -> None:
    narrower = [answer for answer in answers if answer.crd and not answer.operator]
    assert [answer for answer in narrower if "schedule" in json.loads(answer.written)] == []


def test_what_we_refuse_is_often_what_the_api_refuses(answers: list[Answer]) -> None:
    """The comparison would prove nothing if the server took any CronJob."""
    refused = [answer for answer in answers if answer.operator]
    assert sum(answer.cronjob is not None for answer in refused) > len(refused) / 2


def _ask(api: Api, spec: Body) -> Answer:
    written = agent_schedule("report", **spec)
    if "schedule" not in spec:
        del written["spec"]["schedule"]
    create = api.custom.create_namespaced_custom_object
    kind = (names.GROUP, names.VERSION, "default", names.SCHEDULE_PLURAL)
    crd, stored = _refusal(lambda: create(*kind, written, dry_run="All"))
    try:
        parsed = AgentSchedule.model_validate(stored or _as_stored(written))
        body = build.cronjob(parsed, timing(parsed.spec, "default/report"), suspend=False)
        operator = None
    except cron.ScheduleError as error:
        body, operator = _as_cronjob(written), str(error)
    except ValueError as error:  # what the schema refuses, the models refuse
        return Answer(json.dumps(spec), crd, str(error), "not asked")
    refused, _ = _refusal(lambda: api.batch.create_namespaced_cron_job("default", body, dry_run="All"))
    return Answer(json.dumps(spec), crd, operator, refused)


def _as_stored(written: Body) -> Body:
    return written | {"metadata": written["metadata"] | {"namespace": "default", "uid": "uid-of-report"}}


def _as_cronjob(written: Body) -> Body:
    """A CronJob of what the operator refuses, as somebody would write it."""
    spec = written["spec"]
    valid = AgentSchedule.model_validate(_as_stored(agent_schedule("report")))
    body = build.cronjob(valid, timing(valid.spec, "default/report"), suspend=False)
    text = spec.get("schedule") or f"@every {spec.get('interval')}"
    return body | {"spec": body["spec"] | {"schedule": text, "timeZone": spec.get("timeZone", "Etc/UTC")}}


def _refusal(ask: Any) -> tuple[str | None, Any]:
    """The server's sentence, or its answer."""
    try:
        return None, ask()
    except ApiException as error:
        if error.status != 422:
            raise
        return str(json.loads(error.body or "")["message"]), None


def _interval(random: Random) -> str:
    parts = [f"{random.randint(0, 99)}{unit}" for unit in "hms" if random.random() < 0.6]
    if random.random() < 0.3:
        random.shuffle(parts)
    return random.choice(("", "", "", "", "-", " ", "1d")) + "".join(parts)


def _moment(random: Random) -> str:
    day, second = random.randint(1, 29), random.choice(("00", "00", "00", "00.5", "30"))
    zone = random.choice(("Z", "+02:00", "-05:30", "+14:00"))
    return (
        f"{random.randint(2020, 2100)}-02-{day:02}T{random.randint(0, 23):02}:{random.randint(0, 59):02}:{second}{zone}"
    )


ONE_OF = "write exactly one of schedule, interval and runAt"
UNITS = "interval takes hours, minutes and seconds, such as 6h or 1h30m; a day is 24h"
WINDOW = "startAt must be before endAt"
MOMENT = "runAt is one moment: leave startAt and endAt out"
DAILY = {"schedule": "0 8 * * *"}
YEARS = "must lie in the years 1970 to 8999"
MISTAKES = [
    pytest.param({}, ONE_OF, id="no time at all"),
    pytest.param(DAILY | {"interval": "6h"}, ONE_OF, id="schedule and interval"),
    pytest.param(DAILY | {"runAt": CHRISTMAS}, ONE_OF, id="schedule and runAt"),
    pytest.param({"interval": "6h", "runAt": CHRISTMAS}, ONE_OF, id="interval and runAt"),
    pytest.param({"runAt": "0001-01-01T00:00:00Z"}, YEARS, id="the zero time of Go"),
    pytest.param(DAILY | {"startAt": "9999-12-31T00:00:00Z"}, YEARS, id="a start that never comes"),
    pytest.param(DAILY | {"endAt": "9999-12-31T00:00:00Z"}, YEARS, id="an end that never comes"),
    pytest.param({"interval": "30s"}, "interval must be at least 60s", id="half a minute"),
    pytest.param({"interval": "0h"}, "interval must be at least 60s", id="no hours"),
    pytest.param({"interval": "59s"}, "interval must be at least 60s", id="almost a minute"),
    pytest.param({"interval": "1 day"}, UNITS, id="a day in words"),
    pytest.param({"interval": "1d"}, UNITS, id="a day"),
    pytest.param({"interval": "90"}, UNITS, id="a bare number"),
    pytest.param({"interval": ""}, UNITS, id="an empty interval"),
    pytest.param({"interval": "-1h"}, UNITS, id="a negative interval"),
    pytest.param({"interval": "1.5h"}, UNITS, id="a fraction"),
    pytest.param({"interval": "30m1h"}, UNITS, id="minutes before hours"),
    pytest.param({"interval": "6H"}, UNITS, id="a capital unit"),
    pytest.param({"interval": "PT6H"}, UNITS, id="an ISO 8601 duration"),
    pytest.param({"runAt": "2026-12-24T18:00:30Z"}, "runAt must be a full minute: end it in :00Z", id="runAt, seconds"),
    pytest.param({"runAt": "2026-12-24"}, "spec.runAt", id="runAt, a date only"),
    pytest.param({"runAt": "tomorrow"}, "spec.runAt", id="runAt, in words"),
    pytest.param({"runAt": "2026-12-24T18:00:00"}, "spec.runAt", id="runAt without a zone"),
    pytest.param({"runAt": CHRISTMAS, "startAt": CHRISTMAS}, MOMENT, id="runAt and startAt"),
    pytest.param({"runAt": CHRISTMAS, "endAt": NEW_YEAR}, MOMENT, id="runAt and endAt"),
    pytest.param(DAILY | {"startAt": NEW_YEAR, "endAt": CHRISTMAS}, WINDOW, id="startAt after endAt"),
    pytest.param(DAILY | {"startAt": CHRISTMAS, "endAt": CHRISTMAS}, WINDOW, id="startAt at endAt"),
    pytest.param(
        DAILY | {"startAt": "2027-01-01T00:30:00+01:00", "endAt": "2026-12-31T23:15:00Z"},
        WINDOW,
        id="startAt after endAt, in another zone",
    ),
    pytest.param(DAILY | {"startAt": "2027-01-01"}, "spec.startAt", id="startAt, a date only"),
]
TAKEN = [
    pytest.param({"interval": "60s"}, id="sixty seconds"),
    pytest.param({"interval": "1m"}, id="a minute"),
    pytest.param({"interval": "1h30m15s"}, id="hours, minutes and seconds"),
    pytest.param({"interval": "99999h"}, id="eleven years"),
    pytest.param({"interval": "6h", "startAt": CHRISTMAS, "endAt": NEW_YEAR}, id="an interval in a window"),
    pytest.param({"runAt": "2020-01-01T00:00:00Z"}, id="runAt, past"),
    pytest.param({"runAt": "2026-12-24T18:00:00+05:30"}, id="runAt in another zone"),
    pytest.param(DAILY | {"startAt": "2027-01-01T00:00:59Z"}, id="startAt with seconds"),
    pytest.param(DAILY | {"endAt": "2020-01-01T00:00:00Z"}, id="endAt, past"),
]


@pytest.mark.parametrize(("spec", "sentence"), MISTAKES)
def test_a_mistake_in_the_times_is_refused_with_a_sentence(api: Api, spec: Body, sentence: str) -> None:
    answer = _ask(api, spec)
    assert answer.crd
    assert sentence in answer.crd
    if not sentence.startswith("spec."):
        assert answer.crd.count("Invalid value: ") == 1, "one mistake, one sentence"


@pytest.mark.parametrize("spec", TAKEN)
def test_times_are_taken_and_make_a_cronjob(api: Api, spec: Body) -> None:
    answer = _ask(api, spec)
    assert (answer.crd, answer.operator, answer.cronjob) == (None, None, None)
