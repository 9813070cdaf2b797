"""What is made of the answers to questions: events, logs, pods."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agentschedule.cluster.apply import Applier
from agentschedule.cluster.store import Store
from agentschedule.errors import ClusterError, NotFound
from agentschedule.plan.actions import AskWhyMissed, AskWhyWaiting, LookAtPods, ReadLog
from agentschedule.plan.answers import MissReason
from tests.unit.builders import a_cronjob, a_job, a_pod
from tests.unit.cluster import work
from tests.unit.cluster.server import DUE, Server, apply
from tests.unit.cluster.work import KEY, do, pod_body

Body = dict[str, Any]


@pytest.mark.parametrize(
    ("times", "words"),
    [
        pytest.param([], "", id="nobody said why"),
        pytest.param(["2026-03-02T07:59:59Z"], "", id="what was before is no reason"),
        pytest.param(["2026-03-02T08:00:00Z", "2026-03-02T08:00:10Z"], "at 08:00:10", id="the newest words count"),
    ],
)
def test_why_a_due_time_was_missed_is_read_from_the_controllers_events(times: list[str], words: str) -> None:
    events = [{"lastTimestamp": time, "message": f"at {time[11:19]}"} for time in times]
    answer = apply(Server({}, events=events), AskWhyMissed(a_cronjob(), DUE))
    assert (type(answer), answer.message) == (MissReason, words)


@pytest.mark.parametrize(
    ("events", "words"),
    [
        pytest.param([], "", id="nobody said why"),
        pytest.param([{"message": "hello"}, {"reason": "Hello"}], "", id="events may lack a reason, or words"),
        pytest.param(
            [
                {"reason": "FailedMount", "message": "no volume", "lastTimestamp": "1"},
                {"message": "x", "eventTime": "2"},
            ],
            "FailedMount: no volume",
            id="the newest that tells",
        ),
    ],
)
def test_why_a_pod_waits_is_read_from_events_that_anybody_may_have_posted(events: list[Body], words: str) -> None:
    answer = apply(Server({}, events=events), AskWhyWaiting("report-now-0", "pod"))
    assert (answer.message, answer.about) == (words, "pod")


def test_a_look_at_the_pods_shows_what_the_watch_did_not() -> None:
    server, store = work.Server(pod=pod_body("Succeeded")), Store()
    answer = asyncio.run(Applier(server, store, KEY).apply(LookAtPods(a_job())))  # type: ignore[arg-type]
    assert answer is not None
    assert answer.about == "uid-of-report-now"
    assert [pod.phase for pod in store.pods.of(KEY)] == ["Succeeded"]


@pytest.mark.parametrize(
    ("logs", "text"),
    [
        pytest.param(["fine"], "fine", id="at once"),
        pytest.param([ClusterError("kubelet"), "fine"], "fine", id="a kubelet that is away for a moment"),
        pytest.param([ClusterError("kubelet")] * 3, "", id="a kubelet that stays away"),
        pytest.param([NotFound("no pod")], "", id="a pod that is gone"),
    ],
)
def test_a_log_is_read_or_there_is_none(
    logs: list[str | Exception], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentschedule.cluster.ask.LOG_PAUSE_SECONDS", 0)
    answer = do(work.Server(logs=logs), ReadLog(a_pod()))
    assert answer.message == text
