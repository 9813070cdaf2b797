"""Kopf keeps nothing on users' objects, and reads nothing there.

It looks for its own annotations and its finalizer on every object of every event, though none of our handlers needs
them. Anybody may write them: what cannot be read would hide all later events of that object, and a finalizer would be
taken away from the operator whose it is.
"""

from __future__ import annotations

from typing import Any

import kopf

# No object can bear it: the API wants a finalizer to be a qualified name.
NO_FINALIZER = "Kopf sets no finalizer here"


class NoDiffBase(kopf.DiffBaseStorage):
    """No object was seen before, and none has anything to compare: nothing is parsed, and nothing copied."""

    def build(self, *, body: Any, extra_fields: Any = None) -> kopf.BodyEssence:  # noqa: ARG002
        return kopf.BodyEssence()

    def fetch(self, *, body: Any) -> None:
        """Nothing is known."""

    def store(self, *, body: Any, patch: Any, essence: Any) -> None:
        """Nothing is written."""


class NoProgress(kopf.ProgressStorage):
    """No handler was begun before."""

    def fetch(self, *, key: Any, body: Any) -> None:
        """Nothing is known."""

    def store(self, *, key: Any, record: Any, body: Any, patch: Any) -> None:
        """Nothing is written."""

    def purge(self, *, key: Any, body: Any, patch: Any) -> None:
        """There is nothing to remove."""

    def touch(self, *, body: Any, patch: Any, value: str | None) -> None:
        """Nothing is written."""

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        return essence


def keep_nothing(settings: kopf.OperatorSettings) -> None:
    """Have Kopf leave its own traces alone, whoever wrote them."""
    settings.persistence.diffbase_storage = NoDiffBase()
    settings.persistence.progress_storage = NoProgress()
    settings.persistence.finalizer = NO_FINALIZER
