"""Events as the API takes them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from agentschedule.cluster.client import Client, Reply, Resource
from agentschedule.cluster.events import MAX_NOTE, Recorder
from agentschedule.names import SCHEDULE_KIND
from agentschedule.plan.actions import Event
from tests.unit.builders import a_schedule

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


class Posts:
    """A client that keeps what is posted."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []

    async def create(self, _resource: Resource, body: dict[str, Any]) -> Reply:
        self.bodies.append(body)
        return Reply(body, NOW)


async def say(posts: Posts, *messages: str) -> None:
    recorder = Recorder(cast("Client", posts), "pod")
    for message in messages:
        await recorder.record(SCHEDULE_KIND, a_schedule().metadata, [Event(True, "Odd", message)], NOW)


@pytest.mark.parametrize("message", ["short", "x" * 1025, "é" * 1000, "x" + "é" * 1000, "語" * 1000, "🙂" * 300])
def test_a_note_is_cut_to_what_the_api_takes_in_bytes_and_between_characters(message: str) -> None:
    posts = Posts()
    asyncio.run(say(posts, message))
    note = posts.bodies[0]["note"]
    assert message.startswith(note)
    assert len(note.encode()) <= MAX_NOTE
    assert len(note.encode()) > MAX_NOTE - 4 or note == message


def test_the_same_words_about_the_same_object_are_said_once() -> None:
    posts = Posts()
    asyncio.run(say(posts, "again", "again"))
    assert len(posts.bodies) == 1


def test_an_event_that_cannot_be_made_is_logged_once_and_the_next_ones_are_posted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    posts = Posts()
    asyncio.run(say(posts, "a lone \ud800", "another \ud801", "good"))
    assert [body["note"] for body in posts.bodies] == ["good"]
    assert sum(record.exc_info is not None for record in caplog.records) == 1
