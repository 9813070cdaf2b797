"""``interval`` to the second: counted from the creation, the last edit, a resume, or startAt (see timeline.py)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from agentschedule import names
from tests.integration.timeline import MINUTE, SECOND, Story, assert_foretold

pytestmark = [pytest.mark.turn(-6), pytest.mark.timeout(600), pytest.mark.xdist_group("timeline")]


def chain(story: Story, phase: datetime, until: datetime | None = None) -> list[datetime]:
    """One interval of a minute after another, up to the end; the last may be on its way."""
    last = until or story.at["end"] - 5 * SECOND
    number = int((last - phase) / MINUTE)
    return [phase + (n + 1) * MINUTE for n in range(number)]


def parsed(story: Story, name: str, moment: str) -> list[datetime]:
    """What nextRunTimes said."""
    status = story.status(name, moment)
    assert status["nextRunTimes"][0] == status["nextRunTime"]
    return [datetime.fromisoformat(said) for said in status["nextRunTimes"]]


def assert_ran(story: Story, name: str, wanted: list[datetime]) -> None:
    """Just these ran, each soon after its time, and each is counted as started."""
    found = story.dues(name)
    if found[len(wanted) :] and found[-1] > story.at["end"] - 6 * SECOND:
        found = found[:-1]
    assert found == wanted
    for job in story.jobs[name]:
        due = datetime.fromisoformat(job.metadata.annotations[names.CRONJOB_TIMESTAMP])
        assert timedelta(0) <= job.metadata.creation_timestamp - due < timedelta(seconds=20), (name, due)
    total, started, *others = story.counts(name)
    assert (total, others) == (started, [0, 0, 0])
    assert len(wanted) <= total <= len(wanted) + 1


def test_an_interval_runs_one_interval_after_its_creation_and_then_each(story: Story) -> None:
    created = story.created["every"]
    assert story.effective("every") == created
    wanted = chain(story, created)
    assert len(wanted) >= 4
    assert_ran(story, "every", wanted)


def test_next_run_times_agree_with_the_jobs_to_the_second_also_over_an_outage_of_the_operator(story: Story) -> None:
    created = story.effective("every")
    assert parsed(story, "every", "planned") == [created + (n + 1) * MINUTE for n in range(5)]
    for moment in ("planned", "back", "changed", "third"):
        assert_foretold(story, "every", moment)
        assert_foretold(story, "every-starts", moment)
        assert_foretold(story, "every-ends", moment)
    status = story.status("every", "planned")
    assert (status["displaySchedule"], status["resolvedSchedule"]) == ("every 1m", "@every 1m")
    assert story.status("every")["lastRunTime"] == f"{chain(story, created)[-1]:%Y-%m-%dT%H:%M:%SZ}"


def test_an_interval_with_start_at_is_counted_from_there_while_the_operator_is_down(story: Story) -> None:
    start = story.minutes[0] + timedelta(seconds=30)
    planned = story.status("every-starts", "planned")
    assert planned["phase"] == "Pending"
    assert parsed(story, "every-starts", "planned")[0] == start + MINUTE
    assert story.status("every-starts", "back")["phase"] == "Active"
    assert_ran(story, "every-starts", chain(story, start))


def test_the_last_due_time_of_an_interval_before_end_at_runs_and_none_after_it(story: Story) -> None:
    end = story.minutes[3] + timedelta(seconds=30)
    created = story.effective("every-ends")
    wanted = chain(story, created, end)
    assert_ran(story, "every-ends", wanted)
    assert story.status("every-ends", "changed")["phase"] == "Active"
    assert parsed(story, "every-ends", "changed") == [due for due in wanted if due > story.at["changed"]]
    assert story.status("every-ends")["phase"] == "Completed"
    assert story.suspended["end"]["every-ends"] is True
    assert story.status("every-ends")["counts"]["due"] == len(wanted)


def test_a_resumed_interval_is_counted_from_the_resume(story: Story) -> None:
    """Minutes came due while it was suspended: none is made up for."""
    assert story.status("every-resumed", "planned")["phase"] == "Suspended"
    assert "nextRunTime" not in story.status("every-resumed", "back")
    resumed = story.effective("every-resumed", "changed")
    assert story.at["back"] - SECOND <= resumed <= story.at["changed"]
    assert parsed(story, "every-resumed", "changed") == [resumed + (n + 1) * MINUTE for n in range(5)]
    assert_ran(story, "every-resumed", chain(story, resumed))


def test_an_edited_interval_is_counted_from_the_edit(story: Story) -> None:
    created = story.effective("every-edited", "planned")
    assert parsed(story, "every-edited", "planned")[0] == created + timedelta(hours=1)
    edited = story.effective("every-edited", "changed")
    assert story.at["back"] - SECOND <= edited <= story.at["changed"]
    assert parsed(story, "every-edited", "changed")[0] == edited + MINUTE
    assert_ran(story, "every-edited", chain(story, edited))


def test_an_edit_of_the_words_leaves_the_phase_of_an_interval_alone(story: Story) -> None:
    created = story.effective("every-words", "planned")
    assert story.effective("every-words") == created
    assert_ran(story, "every-words", chain(story, created))
