"""What a run must survive: news that come late, a controller that is slow, an operator that was away."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from agentschedule.names import RunPhase
from agentschedule.plan.answers import LogTail, PodsListed, WaitingReason
from agentschedule.plan.observed import Observed
from agentschedule.plan.run.plan import plan_run
from tests.unit.builders import a_cronjob, a_job, a_pod, a_run, a_schedule, at
from tests.unit.plan.run.worlds import (
    END,
    LIMIT_1,
    ME,
    OLDER,
    World,
    at_work,
    cancelled,
    ended,
    failed_pod,
    good_pod,
    joining,
    made,
    play,
    running_pod,
    suspended_job,
)

PODS_SEEN = PodsListed("uid-of-report-now")


def later(world: World, **ahead: float) -> World:
    return replace(world, now=END + timedelta(**ahead))


def requeue(world: World) -> datetime | None:
    return plan_run(world.run, world.schedule, world.observed, world.now).requeue_at


def test_a_retry_that_was_held_longer_than_the_time_limit_is_no_late_start() -> None:
    resumed = a_job(retry_limit=3, retry_delay_seconds=900, timeout_seconds=300, started_at=None)
    world = later(at_work(resumed, failed_pod(), phase="Retrying"), seconds=900)
    assert play(world)[0] == []


def test_a_job_that_waited_to_be_let_go_has_its_whole_time_to_start() -> None:
    released = a_job(created=at("07:00:00"), timeout_seconds=60, started_at=at("07:39:58"))
    assert play(at_work(released))[0] == ["ask why report-now waits"]


def test_a_success_that_nobody_has_counted_yet_is_never_made_a_failure() -> None:
    world = at_work(a_job(timeout_seconds=60), good_pod())
    for seen in (world, cancelled(world)):
        assert play(later(seen, hours=5)) == ([], None)
        assert requeue(later(seen, hours=5)) is None  # the Job's end is news


def test_an_attempt_that_ends_the_job_is_not_held() -> None:
    job = a_job(retry_limit=3, retry_delay_seconds=600)
    for exit_code in (64, 77, 78):
        assert play(later(at_work(job, failed_pod(exit_code=exit_code)), seconds=3))[0] == []
    assert play(later(at_work(job, failed_pod()), seconds=3))[0] != []


def test_a_suspended_job_that_is_about_to_fail_is_let_go_to_do_so() -> None:
    stuck = a_job(retry_limit=3, suspended=True, held_until=at("08:00:00"), ending=True)
    assert play(at_work(stuck, failed_pod()))[0] == ["resume Job report-now"]
    told = replace(stuck, started_at=at("07:30:00"))
    assert play(at_work(told, failed_pod()))[0] == []


def test_of_those_that_wait_only_the_newest_starts() -> None:
    mine, newer = ME, made(a_run("later"), at("07:39:00"))
    _, status = play(joining(run=mine, policy="Replace", runs=(newer,)))
    assert status is not None
    assert (status.phase, status.reason) == (RunPhase.SKIPPED, "Replaced")
    assert "Run later came later" in (status.message or "")
    assert play(joining(run=newer, policy="Replace", runs=(mine,)))[0] == ["create Job later, suspended"]


def test_who_would_be_refused_takes_nobodys_place() -> None:
    refused = made(a_run("later", spec={"message": "Something else."}), at("07:39:00"))
    assert play(joining(run=ME, policy="Replace", runs=(refused,)))[0] == ["create Job report-now, suspended"]


def test_a_job_made_from_the_cronjob_is_as_old_as_itself_and_not_as_its_record() -> None:
    record = made(a_run("older", jobUID="uid-of-older", phase="Running"), at("07:50:00"))
    meta = record.metadata.model_copy(update={"annotations": {"agentschedule.dev/job-uid": "uid-of-older"}})
    late = record.model_copy(update={"metadata": meta})
    done, _ = play(joining(OLDER, run=ME, policy="Replace", active=(OLDER,), runs=(late,)))
    assert done == ["cancel ScheduleRun older, replaced by report-now"]


def test_a_cancelled_run_whose_pod_is_gone_is_cancelled() -> None:
    gone = cancelled(at_work(ended(), answers=(PODS_SEEN,)))
    _, status = play(gone)
    assert status is not None
    assert (status.phase, status.reason) == (RunPhase.CANCELLED, "Cancelled")


def test_only_a_success_that_was_seen_is_one_or_a_moment_has_passed() -> None:
    unseen = at_work(ended(succeeded=True), running_pod(), answers=(PODS_SEEN,))
    assert play(later(unseen, seconds=2)) == ([], None)
    _, status = play(later(unseen, seconds=6))
    assert status is not None
    assert status.phase is RunPhase.SUCCEEDED


def test_that_another_attempt_is_of_no_use_may_stand_in_the_log() -> None:
    cut = failed_pod(termination_message="x" * 4096)
    assert play(at_work(LIMIT_1, cut))[0] == ["read the log of pod report-now-0"]
    said = LogTail("uid-of-report-now-0", '{"error":{"message":"no such table","retryable":false}}')
    assert play(at_work(LIMIT_1, cut, answers=(said,)))[0] == ["end Job report-now: NotRetryable"]
    assert play(at_work(LIMIT_1, cut, phase="Retrying"))[0] == []  # it was read before


def test_a_run_that_was_ended_between_two_attempts_ended_then() -> None:
    stopped = ended(reason="Cancelled", finished_at=at("07:50:00"))
    _, status = play(cancelled(at_work(stopped, failed_pod())))
    assert status is not None
    assert (status.completion_time, status.duration) == (at("07:50:00"), "19m58s")


def test_what_an_earlier_attempt_said_is_not_what_the_last_one_said() -> None:
    first = {"pod": "report-now-0", "statusCode": 500, "output": {"content": "Traceback"}}
    second = good_pod(name="second", created=at("07:35:00"), termination_message="")
    silent = LogTail("uid-of-second", "")
    _, status = play(at_work(ended(succeeded=True), failed_pod(), second, answers=(silent,), **first))
    assert status is not None
    assert (status.phase, status.status_code, status.output) == (RunPhase.SUCCEEDED, None, None)


def test_a_slow_controller_makes_no_other_end_of_a_time_limit() -> None:
    late = failed_pod(reason="DeadlineExceeded")
    _, status = play(at_work(ended(reason="RetriesExhausted"), late))
    assert status is not None
    assert (status.phase, status.reason) == (RunPhase.TIMED_OUT, "DeadlineExceeded")


def test_of_many_attempts_those_go_first_whose_pods_are_gone() -> None:
    known = [{"attempt": 1, "pod": f"evicted-{n}", "phase": "Cancelled"} for n in range(40)]
    known.insert(0, {"attempt": 1, "pod": "report-now-0", "phase": "Failed"})
    now = running_pod(name="now", attempt=2, created=END)
    _, status = play(at_work(LIMIT_1, failed_pod(), now, attempts=known))
    assert status is not None
    attempts = status.attempts or ()
    assert len(attempts) == 24
    assert (attempts[0].pod, attempts[-1].pod, status.attempt) == ("report-now-0", "now", 2)


def test_an_attempt_that_vanished_is_open_until_it_is_known_what_became_of_it() -> None:
    before = {"attempt": 1, "pod": "gone", "phase": "Running"}
    for pods, phase in (((), RunPhase.RUNNING), ((running_pod(name="second", attempt=2),), RunPhase.FAILED)):
        job = a_job(retry_limit=1, created=at("07:39:59"))
        answers = (WaitingReason(job.uid, ""),)
        _, status = play(at_work(job, *pods, attempts=[before], answers=answers))
        assert status is not None
        assert (status.attempts or ())[0].phase is phase


def test_an_init_container_that_fails_leaves_nothing_waiting_for_ever() -> None:
    broken = a_pod(phase="Failed", message="container prepare exited with code 9")
    world = at_work(a_job(retry_limit=1, timeout_seconds=60, started_at=at("07:30:00")), broken)
    assert requeue(replace(world, now=at("07:31:00"))) == at("07:33:01")
    assert play(replace(world, now=at("09:00:00")))[0] == ["end Job report-now: NeverStarted"]


def test_a_job_that_is_going_is_not_deleted_again() -> None:
    going = replace(suspended_job(), deleting=True)
    assert play(cancelled(joining(going))) == ([], None)


def test_a_schedule_that_is_going_starts_nothing() -> None:
    schedule = a_schedule()
    meta = schedule.metadata.model_copy(update={"deletion_timestamp": at("07:39:00")})
    going = schedule.model_copy(update={"metadata": meta})
    world = World(a_run(), going, Observed(a_cronjob()))
    assert play(world) == ([], None)


def test_an_attempt_too_many_is_told_to_stop_once() -> None:
    stopping = running_pod(name="second", created=END, no_retry="RetriesExhausted", deadline_seconds=1)
    done, status = play(at_work(a_job(), failed_pod(), stopping))
    assert done == []
    assert status is not None
    assert (status.phase, status.reason) == (RunPhase.RUNNING, "Stopping")


def test_a_held_job_that_somebody_lets_go_is_not_held_again() -> None:
    job = a_job(retry_limit=3, retry_delay_seconds=600, held_until=END + timedelta(seconds=600))
    assert play(later(at_work(job, failed_pod()), seconds=4))[0] == []
    assert play(later(at_work(replace(job, held_until=END), failed_pod()), seconds=4))[0] != []  # of the attempt before


def test_a_job_that_goes_at_a_due_time_may_have_been_replaced() -> None:
    gone = World(made(a_run(jobUID="gone"), at("07:30:00")), a_schedule(), Observed(a_cronjob(policy="Replace")))
    just_due = replace(gone, now=at("08:00:02"))
    assert (play(just_due), requeue(just_due)) == (([], None), at("08:00:03"))
    for later_on, by in ((at("08:00:31"), "JobDeleted"), (at("07:59:00"), "JobDeleted")):
        _, status = play(replace(gone, now=later_on))
        assert status is not None
        assert status.reason == by


def test_a_cancel_of_our_own_is_no_news_and_must_be_looked_after() -> None:
    for reason, look_again in ((None, at("07:40:01")), ("Stopping", None)):
        asked = a_run("older", jobUID="uid-of-older", phase="Running", reason=reason, spec={"cancel": True})
        waits = joining(OLDER, run=ME, policy="Replace", active=(OLDER,), runs=(asked,))
        assert (play(waits)[0], requeue(waits)) == ([], look_again)


def test_of_the_same_second_a_run_that_is_at_work_is_the_older_one_whatever_its_name() -> None:
    first = made(a_run("zz", jobUID="uid-of-zz", phase="Running"), at("07:38:00"))
    waits = joining(a_job("zz"), run=ME, policy="Replace", active=(a_job("zz"),), runs=(first,))
    assert play(waits)[0] == ["cancel ScheduleRun zz, replaced by report-now"]
