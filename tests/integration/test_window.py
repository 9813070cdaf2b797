"""``startAt``, ``endAt`` and ``runAt`` over full minutes, two of them without the operator (see timeline.py).

What was due is worked out here by minutes alone, never by the operator's own code.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from agentschedule import names
from tests.integration.timeline import MINUTE, SECOND, Story, assert_foretold, run_name

pytestmark = [pytest.mark.turn(-6), pytest.mark.timeout(600), pytest.mark.xdist_group("timeline")]


def minutes_after(story: Story, name: str, moment: str = "changed") -> list[str]:
    """The minutes that came since a change took effect."""
    effective = story.effective(name, moment)
    assert abs(effective - story.at[moment]) < timedelta(seconds=30), "it took effect when it was made"
    return [f"M{n}" for n, minute in enumerate(story.minutes) if minute > effective]


def ran(story: Story, name: str) -> list[str]:
    """The minutes that ran; anything else as it is."""
    known = {minute: f"M{number}" for number, minute in enumerate(story.minutes)}
    return [known.get(due, str(due)) for due in story.dues(name)]


def phases(story: Story, name: str) -> list[str]:
    """The phase as planned, on the operator's return, after the second changes, and at the end."""
    return [str(story.status(name, moment)["phase"]) for moment in ("planned", "back", "changed", "end")]


def assert_completed(story: Story, name: str, moment: str = "end") -> None:
    status = story.status(name, moment)
    assert status["phase"] == "Completed"
    assert story.suspended[moment][name] is True
    assert not {"nextRunTime", "nextRunTimes"} & status.keys()
    [ready] = [c for c in status["conditions"] if c["type"] == "Ready"]
    assert (ready["status"], ready["reason"]) == ("True", "Completed")


def all_started(story: Story, name: str) -> None:
    """Each due time is counted once, as started."""
    number = len(story.dues(name))
    assert story.counts(name) == (number, number, 0, 0, 0)
    assert "lastMissed" not in story.status(name)


def test_start_at_opens_the_window_while_the_operator_is_down(story: Story) -> None:
    assert ran(story, "starts") == ["M1", "M2", "M3", "M4"]
    assert phases(story, "starts") == ["Pending", "Active", "Active", "Active"]
    planned = story.status("starts", "planned")
    assert planned["nextRunTime"] == f"{story.minutes[1]:%Y-%m-%dT%H:%M:%SZ}"
    assert planned["counts"]["due"] == 0
    all_started(story, "starts")


def test_start_at_between_two_due_times_waits_for_the_next(story: Story) -> None:
    assert ran(story, "starts-between") == ["M1", "M2", "M3", "M4"]
    assert phases(story, "starts-between")[:2] == ["Pending", "Active"]
    all_started(story, "starts-between")


def test_start_at_that_is_taken_away_while_pending_opens_the_window_at_once(story: Story) -> None:
    assert phases(story, "unpended") == ["Pending", "Pending", "Active", "Active"]
    assert ran(story, "unpended") == minutes_after(story, "unpended") == ["M3", "M4"]
    all_started(story, "unpended")


def test_start_at_that_is_put_off_while_pending_holds_back_until_then(story: Story) -> None:
    assert phases(story, "postponed") == ["Pending", "Pending", "Pending", "Active"]
    assert ran(story, "postponed") == ["M3", "M4"]
    all_started(story, "postponed")


def test_a_suspension_while_pending_that_ends_before_start_at_changes_nothing(story: Story) -> None:
    assert phases(story, "held") == ["Suspended", "Suspended", "Pending", "Active"]
    assert "nextRunTime" not in story.status("held", "planned")
    assert story.status("held", "changed")["nextRunTime"] == f"{story.minutes[3]:%Y-%m-%dT%H:%M:%SZ}"
    assert ran(story, "held") == ["M3", "M4"]
    all_started(story, "held")


def test_a_suspension_that_outlasts_start_at_leaves_nothing_to_make_up_for(story: Story) -> None:
    assert phases(story, "held-past") == ["Suspended", "Suspended", "Active", "Active"]
    assert ran(story, "held-past") == minutes_after(story, "held-past") == ["M3", "M4"]
    all_started(story, "held-past")


def test_the_last_due_time_before_end_at_runs_and_none_after_it(story: Story) -> None:
    assert ran(story, "ends") == ["M0", "M1", "M2", "M3"]
    assert phases(story, "ends") == ["Active", "Active", "Active", "Completed"]
    assert_completed(story, "ends", "third")
    assert story.status("ends", "changed")["nextRunTimes"] == [f"{story.minutes[3]:%Y-%m-%dT%H:%M:%SZ}"]
    all_started(story, "ends")


def test_end_at_that_passes_without_the_operator_does_not_stop_the_cronjob_until_it_is_back(story: Story) -> None:
    assert ran(story, "ends-down") == ["M0", "M1", "M2"]
    assert_completed(story, "ends-down", "back")
    assert_completed(story, "ends-down")
    all_started(story, "ends-down")


def test_end_at_that_passes_without_the_operator_changes_nothing_where_the_last_due_time_was_decided(
    story: Story,
) -> None:
    assert ran(story, "ends-decided") == ["M0"]
    assert_completed(story, "ends-decided", "back")
    all_started(story, "ends-decided")


def test_a_window_that_was_over_at_creation_starts_nothing(story: Story) -> None:
    assert ran(story, "ended") == []
    for moment in ("applied", "back", "end"):
        assert_completed(story, "ended", moment)
    assert story.counts("ended") == (0, 0, 0, 0, 0)


def test_a_later_end_at_revives_a_completed_schedule_from_then_on(story: Story) -> None:
    assert phases(story, "revived") == ["Completed", "Completed", "Active", "Completed"]
    assert ran(story, "revived") == ["M3"]
    assert minutes_after(story, "revived")[0] == "M3"
    all_started(story, "revived")


def test_the_last_due_time_that_a_run_held_back_starts_late_when_that_ends(story: Story) -> None:
    """Forbid; the run of M2 ended a quarter of a minute after M3, the last of the window."""
    two, three = story.minutes[2:4]
    assert ran(story, "blocked") == ["M2", "M3"]
    late = next(job for job in story.jobs["blocked"] if job.metadata.name == run_name("blocked", three))
    assert late.metadata.creation_timestamp >= three + 15 * SECOND
    assert late.metadata.creation_timestamp < three + MINUTE
    assert story.status("blocked", "changed")["activeRuns"] == [run_name("blocked", two)]
    assert_completed(story, "blocked")
    all_started(story, "blocked")


def test_the_last_due_time_that_a_run_held_back_for_too_long_is_skipped(story: Story) -> None:
    """Forbid; the run of M2 ended after M4, which is outside of the window."""
    assert ran(story, "blocked-on") == ["M2"]
    assert story.counts("blocked-on") == (2, 1, 1, 0, 0)
    assert_completed(story, "blocked-on")
    assert story.status("blocked-on", "third")["phase"] == "Active"
    assert story.status("blocked-on", "third")["counts"]["skipped"] == 0, "late is not skipped yet"


def test_run_at_runs_once_while_the_operator_is_down(story: Story) -> None:
    at = f"{story.minutes[1]:%Y-%m-%dT%H:%M:%SZ}"
    assert ran(story, "once") == ["M1"]
    planned = story.status("once", "planned")
    assert (planned["nextRunTimes"], planned["displaySchedule"], planned["phase"]) == ([at], "once", "Active")
    for moment in ("back", "end"):
        assert_completed(story, "once", moment)
    all_started(story, "once")
    status = story.status("once")
    assert status["lastRunTime"] == status["lastRun"]["scheduledTime"] == at
    assert (status["lastRun"]["phase"], status["counts"]["succeeded"]) == ("Succeeded", 1)


def test_run_at_of_the_past_is_completed_and_starts_nothing(story: Story) -> None:
    for name in ("once-past", "once-past-allow"):
        for moment in ("applied", "back", "end"):
            assert_completed(story, name, moment)
        assert story.dues(name) == []
        assert story.counts(name) == (0, 0, 0, 0, 0)


def test_run_at_that_is_put_off_runs_once_at_its_later_moment(story: Story) -> None:
    assert ran(story, "once-later") == ["M3"]
    assert story.status("once-later", "back")["phase"] == "Active"
    assert story.status("once-later", "back")["nextRunTimes"] == [f"{story.minutes[3]:%Y-%m-%dT%H:%M:%SZ}"]
    assert_completed(story, "once-later")
    all_started(story, "once-later")


def test_run_at_that_passed_during_a_suspension_is_not_made_up_for(story: Story) -> None:
    assert ran(story, "once-held") == []
    assert story.status("once-held", "planned")["phase"] == "Suspended"
    assert_completed(story, "once-held")
    assert story.counts("once-held") == (0, 0, 0, 0, 0)


def test_a_later_run_at_revives_a_completed_schedule(story: Story) -> None:
    assert_completed(story, "once-again", "back")
    assert story.status("once-again", "changed")["phase"] == "Active"
    assert ran(story, "once-again") == ["M3"]
    assert_completed(story, "once-again")
    all_started(story, "once-again")


@pytest.mark.parametrize("name", ["once-past", "ended"])
def test_a_trigger_after_completion_is_refused(story: Story, name: str) -> None:
    reply = story.status(name)["lastTrigger"]
    assert (reply["outcome"], reply["reason"]) == ("Rejected", "ScheduleCompleted")
    assert "give it a later endAt or runAt, or set manualRuns.whenInactive to Allow" in reply["message"]
    assert f"ScheduleCompleted: {reply['message']}" in story.messages[name]
    assert story.jobs.get(name, []) == []
    assert story.status(name)["counts"]["manual"] == 0


def test_a_trigger_after_completion_starts_a_run_where_the_author_allows_it(story: Story) -> None:
    reply = story.status("once-past-allow")["lastTrigger"]
    assert (reply["outcome"], reply["reason"]) == ("Accepted", "Accepted")
    [job] = story.jobs["once-past-allow"]
    assert (job.metadata.name, bool(job.spec.suspend)) == (reply["run"], False)
    assert story.status("once-past-allow")["activeRuns"] == [reply["run"]]
    assert_completed(story, "once-past-allow")


def test_what_becomes_invalid_goes_on_as_it_was(story: Story) -> None:
    assert ran(story, "invalid") == ["M0", "M1", "M2", "M3", "M4"]
    assert phases(story, "invalid") == ["Invalid"] * 4
    accepted = {c["type"]: c for c in story.status("invalid")["conditions"]}["Accepted"]
    assert (accepted["status"], accepted["reason"]) == ("False", names.Reason.INVALID_SCHEDULE)
    assert "America/Los_Angeles" in accepted["message"]
    all_started(story, "invalid")


@pytest.mark.parametrize("name", ["starts", "starts-between", "ends", "once", "invalid"])
def test_next_run_times_are_the_due_times_of_the_jobs_that_came(story: Story, name: str) -> None:
    for moment in ("planned", "back", "changed", "third"):
        assert_foretold(story, name, moment)


def test_nothing_went_wrong_in_the_operator(story: Story) -> None:
    assert "Traceback" not in story.log, story.log[-4000:]
