"""The life of a run, row by row: what is seen, what the record says then, and what is done."""

from __future__ import annotations

import pytest

from agentschedule.names import RunPhase
from agentschedule.plan.run.context import RunContext
from agentschedule.plan.run.state import RunState
from agentschedule.plan.run.table import judge, rows
from tests.unit.plan.run.worlds import (
    OF_SOME_PHASES,
    WORLDS,
    World,
    play,
)

OPEN = (None, RunPhase.PENDING, RunPhase.RUNNING, RunPhase.RETRYING)
FINAL = tuple(phase for phase in RunPhase if phase.final)
# What is done; or what the record says. States in neither stay silent for a moment.
DONE: dict[RunState, list[str]] = {
    RunState.UNCLAIMED: ["claim ScheduleRun report-now"],
    RunState.JOB_NOT_WANTED: ["delete Job report-now"],
    RunState.OLDER_ACTIVE: ["cancel ScheduleRun older, replaced by report-now"],
    RunState.JOB_NOT_CREATED: ["create Job report-now, suspended"],
    RunState.GATE_CLOSED: ["start the run of CronJob report due at 2026-03-02T08:00:00Z"],
    RunState.JOB_NOT_LISTED: ["list report-now as active in CronJob report"],
    RunState.RELEASE_CANCELLED: ["delete Job report-now"],
    RunState.JOB_NOT_RELEASED: ["release Job report-now"],
    RunState.PODS_NOT_LISTED: ["look at the pods of Job report-now"],
    RunState.LOG_NOT_READ: ["read the log of pod report-now-0"],
    RunState.NAMESPACE_DELETED: ["delete Job report-now"],
    RunState.POD_DELETED: ["ask whether namespace analytics is being deleted"],
    RunState.JOB_FAILING_SUSPENDED: ["resume Job report-now"],
    RunState.RUNNING_CANCELLED: ["stop pod report-now-0: Cancelled"],
    RunState.CANCEL_REQUESTED: ["end Job report-now: Cancelled"],
    RunState.EXTRA_ATTEMPT_RUNNING: ["stop pod second: RetriesExhausted"],
    RunState.EXTRA_ATTEMPT: ["end Job report-now: RetriesExhausted"],
    RunState.RETRIES_EXHAUSTED: ["end Job report-now: RetriesExhausted"],
    RunState.ATTEMPT_LOG_NOT_READ: ["read the log of pod report-now-0"],
    RunState.NOT_RETRYABLE: ["end Job report-now: NotRetryable"],
    RunState.START_OVERDUE: ["end Job report-now: NeverStarted"],
    RunState.RETRY_DUE: ["resume Job report-now"],
    RunState.RETRY_TOO_SOON: ["hold Job report-now until 2026-03-02T07:40:57Z"],
    RunState.EVENTS_NOT_READ: ["ask why report-now waits"],
}
RECORDED: dict[RunState, tuple[str | None, str | None]] = {
    RunState.SCHEDULE_NOT_FOUND: ("ScheduleNotFound", "There is no AgentSchedule report in this namespace"),
    RunState.RECORD_ONLY: ("RecordOnly", "leave it out to run now"),
    RunState.FOREIGN_OWNER: ("ScheduleNotFound", "belongs to something else"),
    RunState.CANCELLED_BEFORE_START: ("Cancelled", "before it had started"),
    RunState.NAME_TAKEN: ("NameTaken", "make a run of another name"),
    RunState.START_REJECTED: ("AlreadyRunning", "Run older is still running"),
    RunState.JOB_REFUSED: ("JobRefused", "image is required"),
    RunState.SUPERSEDED: ("Replaced", "came later"),
    RunState.REPLACING: ("Replacing", "Waits for the end of older."),
    RunState.JOB_LISTED: (None, None),
    RunState.GONE_AFTER_CANCEL: ("Cancelled", "The run was cancelled."),
    RunState.REPLACED: ("Replaced", "took its place"),
    RunState.JOB_DELETED: ("JobDeleted", "deleted before its end was seen"),
    RunState.SUCCEEDED: (None, None),
    RunState.AGENT_FAILED: ("AgentFailed", "The agent reports that it failed: no data"),
    RunState.CANCELLED: ("Cancelled", "The run was cancelled."),
    RunState.NEVER_STARTED: ("NeverStarted", "did not start within its time limit"),
    RunState.TIMED_OUT: ("DeadlineExceeded", "longer than timeoutSeconds"),
    RunState.JOB_FAILED: ("AgentFailed", "The agent exited with code 1: boom"),
    RunState.JOB_SUSPENDED: ("JobSuspended", "kubectl patch job report-now"),
    RunState.RETRY_HELD: ("RetryPending", "the next attempt starts at 2026-03-02T07:40:50Z."),
    RunState.RETRY_PENDING: (
        "RetryPending",
        "Attempt 1 failed: The agent exited with code 1: boom; the next attempt starts at 2026-03-02T07:40:05Z.",
    ),
    RunState.RUNNING: (None, None),
    RunState.NODE_LOST: ("NodeLost", "delete the Node"),
    RunState.STOPPING: ("Stopping", "has its grace period"),
    RunState.NOT_STARTED: (None, None),
    RunState.RETRY_NOT_STARTED: (None, None),
}
SILENT = {
    RunState.SCHEDULE_GONE,
    RunState.FOREIGN_RECORD,
    RunState.CRONJOB_UNREADABLE,
    RunState.BEING_REPLACED,
    RunState.END_HALF_SEEN,
    RunState.JOB_FAILING,
    RunState.STOPPED,
    RunState.ATTEMPT_NOT_JUDGED,
    RunState.RETRY_IMMINENT,
    RunState.NEW,
}
CASES = [
    pytest.param(state, phase, id=f"{state.name} {phase}")
    for state in RunState
    for phase in OF_SOME_PHASES.get(state, OPEN)
]


def judged(world: World) -> RunState:
    return judge(RunContext(run=world.run, schedule=world.schedule, observed=world.observed, now=world.now)).row.state


def test_every_state_has_one_row_and_a_world_that_shows_it() -> None:
    assert sorted(row.state for row in rows()) == sorted(RunState)
    assert set(RunState) == set(WORLDS) == set(DONE) | set(RECORDED) | SILENT


@pytest.mark.parametrize(("state", "phase"), CASES)
def test_what_is_seen_decides_whatever_the_record_said(state: RunState, phase: RunPhase | None) -> None:
    world = WORLDS[state]().at_phase(phase)
    assert judged(world) is state
    done, status = play(world)
    assert done == DONE.get(state, [])
    if state in RECORDED:
        assert status is not None
        reason, message = RECORDED[state]
        (row,) = (row for row in rows() if row.state is state)
        assert (status.phase, status.reason) == (row.to, reason)
        assert (message or "") in (status.message or "")
    else:
        assert status is None


@pytest.mark.parametrize("phase", FINAL, ids=str)
@pytest.mark.parametrize("state", RunState, ids=lambda state: state.name)
def test_a_run_that_has_ended_never_changes(state: RunState, phase: RunPhase) -> None:
    world = WORLDS[state]().at_phase(phase)
    done, status = play(world)
    assert status is None
    assert [action for action in done if "delete" not in action] == []
