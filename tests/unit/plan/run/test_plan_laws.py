"""Laws of a run's life, whatever is seen, in any order, twice, or never: once it has ended it stays so, and it ends."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from agentschedule.api.run import ScheduleRunStatus
from agentschedule.names import RunPhase
from agentschedule.plan import actions
from agentschedule.plan.answers import Answer, LogTail, NamespaceState, PodsListed, WaitingReason
from agentschedule.plan.observed import Job, Observed, Pod
from agentschedule.plan.run.plan import plan_run
from tests.unit.builders import a_cronjob, a_job, a_pod, a_run, a_schedule, at, listed

LIMIT = 2
BEGIN = at("07:30:00")
FAILURES = (RunPhase.FAILED, RunPhase.TIMED_OUT)


@dataclass(frozen=True)
class Look:
    """What one look at the cluster shows; None: the watch does not show it."""

    job: Job | None
    pods: tuple[Pod, ...]


def pod(number: int, state: str) -> Pod:
    """A pod of the n-th attempt, minutes after the one before it."""
    begin = BEGIN + timedelta(minutes=number)
    end = begin + timedelta(seconds=30)
    states: dict[str, dict[str, object]] = {
        "pending": {},
        "image": {"waiting_reason": "ImagePullBackOff", "waiting_message": "not found"},
        "running": {"phase": "Running", "started_at": begin},
        "going": {"phase": "Running", "started_at": begin, "deletion_time": begin},
        "good": {"phase": "Succeeded", "started_at": begin, "ended_at": end, "exit_code": 0},
        "bad": {"phase": "Failed", "started_at": begin, "ended_at": end, "exit_code": 1},
        "late": {"phase": "Failed", "started_at": begin, "ended_at": end, "reason": "DeadlineExceeded"},
        "evicted": {"phase": "Failed", "started_at": begin, "ended_at": end, "disrupted": "Eviction"},
        "hopeless": {
            "phase": "Failed",
            "started_at": begin,
            "ended_at": end,
            "exit_code": 1,
            "termination_message": '{"error":{"message":"no","retryable":false}}',
        },
    }
    return a_pod(f"pod-{number}", attempt=number, created=begin, **states[state])


STATES = ("pending", "image", "running", "going", "good", "bad", "late", "evicted", "hopeless")
JOBS = (
    a_job(retry_limit=LIMIT),
    a_job(retry_limit=LIMIT, retry_delay_seconds=300),
    a_job(retry_limit=LIMIT, suspended=True),
    a_job(retry_limit=LIMIT, suspended=True, held_until=BEGIN + timedelta(minutes=4)),
    a_job(retry_limit=LIMIT, ending=True),
    a_job(retry_limit=LIMIT, succeeded=True, finished_at=BEGIN + timedelta(minutes=9)),
    a_job(retry_limit=LIMIT, succeeded=False, reason="FailedIndexes", finished_at=BEGIN + timedelta(minutes=9)),
    a_job(retry_limit=LIMIT, succeeded=False, reason="DeadlineExceeded", finished_at=BEGIN + timedelta(minutes=9)),
    a_job(retry_limit=LIMIT, succeeded=False, reason="Cancelled", finished_at=BEGIN + timedelta(minutes=9)),
)
pods = st.lists(st.sampled_from(STATES), max_size=4).map(
    lambda states: tuple(pod(number, state) for number, state in enumerate(states, 1))
)
look = st.builds(Look, st.sampled_from(JOBS) | st.none(), pods)
stories = st.lists(st.tuples(look, st.booleans(), st.integers(0, 600)), min_size=1, max_size=12)


@dataclass
class Record:
    """One run's record, as it is written."""

    status: ScheduleRunStatus = field(
        default_factory=lambda: ScheduleRunStatus(job_uid="uid-of-report-now", phase=RunPhase.PENDING)
    )
    cancel: bool = False
    written: list[ScheduleRunStatus] = field(default_factory=list)

    def see(self, look: Look, seconds: int) -> None:
        """Plan until nothing is to be done, as the reconciler does; of an action only its answer comes back."""
        answers: tuple[Answer, ...] = ()
        for _ in range(5):
            run = a_run(spec={"cancel": True} if self.cancel else None).model_copy(update={"status": self.status})
            jobs = (look.job,) if look.job else ()
            world = Observed(a_cronjob(active=listed(*jobs)), jobs, look.pods, (run,), answers)
            plan = plan_run(run, a_schedule(), world, BEGIN + timedelta(seconds=seconds))
            if plan.status:
                self.status = plan.status
                self.written.append(plan.status)
            asked = [_answer(action) for action in plan.actions]
            if not any(asked):
                return
            answers += tuple(answer for answer in asked if answer)


def _answer(action: actions.Action) -> Answer | None:
    match action:
        case actions.ReadLog(pod=pod):
            return LogTail(pod.uid, "the last line")
        case actions.AskWhyWaiting(uid=uid):
            return WaitingReason(uid, "")
        case actions.LookAtPods(job=job):
            return PodsListed(job.uid)
        case actions.AskNamespace(name=name):
            return NamespaceState(name, terminating=False)
    return None


def tell(story: list[tuple[Look, bool, int]]) -> Record:
    record = Record()
    for seen, cancel, seconds in story:
        record.cancel = record.cancel or cancel
        record.see(seen, seconds)
    return record


@given(stories)
def test_once_a_run_has_ended_nothing_is_written_any_more(story: list[tuple[Look, bool, int]]) -> None:
    phases = [status.phase for status in tell(story).written]
    ends = [phase for phase in phases if phase and phase.final]
    assert len(ends) <= 1
    assert not ends or phases[-1] == ends[0]


@given(stories)
def test_the_same_state_twice_changes_nothing(story: list[tuple[Look, bool, int]]) -> None:
    twice = [seen for seen in story for _ in range(2)]
    assert tell(twice).status == tell(story).status


@given(stories, st.sampled_from([job for job in JOBS if job.finished]), pods)
def test_a_finished_job_ends_its_run_whatever_came_before(
    story: list[tuple[Look, bool, int]], job: Job, left: tuple[Pod, ...]
) -> None:
    record = tell(story)
    record.see(Look(job, left), 3600)
    assert record.status.phase is not None
    assert record.status.phase.final
    kinds = {c.type: c.status for c in record.status.conditions or ()}
    assert kinds["Finished"] == "True"
    assert (kinds["Complete"] == "True") == (record.status.phase is RunPhase.SUCCEEDED)
    assert (kinds["Failed"] == "True") == (record.status.phase in FAILURES)
    assert all(attempt.phase.final for attempt in record.status.attempts or ())


@given(stories)
def test_no_attempt_is_forgotten_and_none_changes_its_number(story: list[tuple[Look, bool, int]]) -> None:
    record, known = Record(), dict[str, int]()
    for seen, cancel, seconds in story:
        record.cancel = record.cancel or cancel
        record.see(seen, seconds)
        numbers = {attempt.pod: attempt.attempt for attempt in record.status.attempts or ()}
        assert known.items() <= numbers.items()
        known = numbers


@given(pods)
def test_the_end_does_not_depend_on_what_was_seen_on_the_way(left: tuple[Pod, ...]) -> None:
    end = Look(JOBS[6], left)
    at_once, watched = Record(), Record()
    at_once.see(end, 3600)
    for number in range(len(left) + 1):
        watched.see(Look(JOBS[0], left[:number]), 60 * (number + 1))
    watched.see(end, 3600)
    assert replace_moments(watched.status) == replace_moments(at_once.status)


def replace_moments(status: ScheduleRunStatus) -> ScheduleRunStatus:
    """Without what tells when it was seen."""
    return status.model_copy(update={"conditions": None})


def test_a_replaced_pod_is_not_a_new_attempt() -> None:
    record = Record()
    record.see(Look(JOBS[0], (pod(1, "evicted"),)), 120)
    record.see(Look(JOBS[0], (replace(pod(1, "running"), name="again", created=BEGIN + timedelta(minutes=3)),)), 200)
    assert [(a.pod, a.attempt) for a in record.status.attempts or ()] == [("pod-1", 1), ("again", 1)]
