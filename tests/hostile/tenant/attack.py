"""An attack as data: who writes what, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tests.hostile.tenant.accounts import (
    CRONJOBS,
    JOBS,
    PODS,
    RUNS,
    SCHEDULES,
    Account,
    Answer,
    Body,
    Who,
    Write,
    create,
)
from tests.world import agent_schedule, schedule_run, wait_for

SECONDS = 60.0  # until an attack has its answer; under one is usual
MANY_AT_ONCE = 8


@dataclass(frozen=True)
class Victims:
    """What of the neighbour's an attacker may have learned: names and uids are no secrets."""

    namespace: str
    schedule: str
    schedule_uid: str
    cronjob_uid: str


@dataclass
class Scene:
    """Where one attack takes place: a schedule of its own in the tenant's namespace."""

    accounts: Mapping[Who, Account]
    schedule: str
    victims: Victims
    answers: list[Answer] = field(default_factory=list)

    @property
    def run(self) -> str:
        """The name of a run of the attack's."""
        return f"{self.schedule}-run"

    @cached_property
    def eyes(self) -> Account:
        """Sees all that is in the tenant's namespace."""
        return self.accounts[Who.CONTROLLER]

    def schedule_made(self, **spec: Any) -> Body:
        """The attack's own schedule, at work."""
        if not self.eyes.get(SCHEDULES, self.schedule):
            body = agent_schedule(self.schedule, **({"concurrencyPolicy": "Allow"} | spec))
            answer = self.accounts[Who.EDITOR].send(create(SCHEDULES, body))
            assert not answer.refused, answer.words
        return self.seen(CRONJOBS, self.schedule)

    def job_made(self) -> Body:
        """The Job of a run of the attack's, let go."""
        self.schedule_made()
        self.accounts[Who.EDITOR].send(create(RUNS, schedule_run(self.run, self.schedule)))
        return self.seen(JOBS, self.run, lambda job: not job["spec"].get("suspend"))

    def pod_made(self) -> Body:
        """The pod of that Job."""
        self.job_made()
        query = f"?labelSelector=batch.kubernetes.io/job-name%3D{self.run}"
        found: list[Body] = wait_for(lambda: self.eyes.get(PODS, query=query).get("items") or [], "a pod", SECONDS)
        return found[0]

    def seen(self, plural: str, name: str, so: Callable[[Body], bool] = bool) -> Body:
        """An object, once it is there and is so."""
        found: Body = {}

        def look() -> bool:
            nonlocal found
            found = self.eyes.get(plural, name)
            return bool(found) and so(found)

        try:
            wait_for(look, "so", SECONDS)
        except AssertionError:
            raise AssertionError(f"{plural} {name} is not as it should be: {str(found)[:2000]}") from None
        return found

    def send(self, who: Who, writes: Iterable[Write]) -> None:
        """One after the other: what comes later may lean on what came of those before."""
        for write in writes:
            self.answers.append(self.accounts[who].send(write))

    def burst(self, who: Who, writes: Iterable[Write]) -> None:
        """As many at once as a client sends."""
        with ThreadPoolExecutor(MANY_AT_ONCE) as pool:
            self.answers += pool.map(self.accounts[who].send, writes)


Then = Callable[[Scene], None]


@dataclass(frozen=True)
class Attack:
    """With a schedule ``at_work`` of this spec, if any, ``who`` sends what ``writes`` makes, one after the other or as
    a burst. Then ``then`` must hold."""

    title: str
    who: Who
    writes: Callable[[Scene], Iterable[Write]]
    then: Then
    at_work: Body | None = None
    burst: bool = False

    def run(self, scene: Scene) -> None:
        if self.at_work is not None:
            scene.schedule_made(**self.at_work)
        send = scene.burst if self.burst else scene.send
        send(self.who, self.writes(scene))
        self.then(scene)


def refused(*words: str) -> Then:
    """The API server takes none of it, and says why."""

    def check(scene: Scene) -> None:
        for answer in scene.answers:
            assert answer.refused, f"taken: {str(answer.body)[:500]}"
            assert all(word in answer.words for word in words), answer.words

    return check


def skipped(reason: str, *words: str) -> Then:
    """The run ends Skipped, with a sentence that a person can read."""

    def check(scene: Scene) -> None:
        taken(scene)
        run_is_skipped(scene, scene.run, reason, *words)

    return check


def run_is_skipped(scene: Scene, name: str, reason: str, *words: str) -> None:
    status = scene.seen(RUNS, name, has_ended)["status"]
    assert (status["phase"], status["reason"]) == ("Skipped", reason), status
    is_sentence(status["message"], *words)


def told(kind: str, value: str, reason: str, *words: str) -> Then:
    """The author of the schedule is told in a condition."""

    def check(scene: Scene) -> None:
        taken(scene)
        body = scene.seen(SCHEDULES, scene.schedule, lambda body: condition(body, kind).get("status") == value)
        found = condition(body, kind)
        assert found["reason"] == reason, found
        is_sentence(found["message"], *words)

    return check


def lives(_scene: Scene) -> None:
    """Nothing is to come of it; that the operator lives is looked at after each attack."""


def answers(scene: Scene) -> None:
    """Whatever the API made of it: the schedule that it is about gives an answer to a run made after it."""
    probe = f"{scene.schedule}-probe"
    answer = scene.accounts[Who.EDITOR].send(create(RUNS, schedule_run(probe, scene.schedule)))
    assert not answer.refused, answer.words
    status = scene.seen(RUNS, probe, lambda run: phase(run) != "" or "jobUID" in run.get("status", {}))["status"]
    assert status.get("reason") != "InternalError", status


def ends(*phases: str) -> Then:
    """The run comes to an end, as one of these phases."""

    def check(scene: Scene) -> None:
        taken(scene)
        status = scene.seen(RUNS, scene.run, has_ended)["status"]
        assert status["phase"] in phases, status

    return check


def taken(scene: Scene) -> None:
    """The API server took all of it."""
    for answer in scene.answers:
        assert not answer.refused, answer.words


def is_sentence(text: str, *words: str) -> None:
    """Of a length and of characters that a terminal can show."""
    assert 10 < len(text) <= 2000, text
    assert text.isprintable(), repr(text)
    for word in words:
        assert word in text, text


def condition(body: Body, kind: str) -> Body:
    found: list[Body] = body.get("status", {}).get("conditions") or []
    return next((item for item in found if item["type"] == kind), {})


def phase(run: Body) -> str:
    return str(run.get("status", {}).get("phase", ""))


def has_ended(run: Body) -> bool:
    return phase(run) not in ("", "Pending", "Running", "Retrying")
