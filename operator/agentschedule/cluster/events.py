"""Events for people, as ``kubectl describe`` shows them.

The same words about the same object are posted once in ten minutes.
"""

from __future__ import annotations

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from agentschedule import names
from agentschedule.api.base import ObjectMeta
from agentschedule.cluster import resources
from agentschedule.cluster.client import Client
from agentschedule.errors import Bug, Bugs, ClusterError, NamespaceTerminating, NotLeading
from agentschedule.plan.actions import Event

logger = logging.getLogger(__name__)
SILENCE = timedelta(minutes=10)
REMEMBERED = 10_000
MAX_NOTE = 1024  # the API's limit, in bytes


class Recorder:
    """Posts events, each once. An event that cannot be posted is logged, and stops nothing."""

    def __init__(self, client: Client, identity: str) -> None:
        self._client = client
        self._identity = identity
        self._recorded: OrderedDict[str, datetime] = OrderedDict()
        self._bugs = Bugs()

    async def record(self, kind: str, about: ObjectMeta, events: Iterable[Event], now: datetime) -> None:
        for event in events:
            if self._is_new(f"{about.uid} {event.reason} {event.message}", now):
                try:
                    await self._post(kind, about, event, now)
                except Exception as error:
                    if self._bugs.is_new(event.reason, bug := Bug.of(error)):
                        logger.exception("event %s: internal error %s", event.reason, bug)

    def _is_new(self, words: str, now: datetime) -> bool:
        last = self._recorded.pop(words, None)
        silent = last is not None and now - last < SILENCE
        self._recorded[words] = last if last and silent else now
        while len(self._recorded) > REMEMBERED:
            self._recorded.popitem(last=False)
        return not silent

    async def _post(self, kind: str, about: ObjectMeta, event: Event, now: datetime) -> None:
        stamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        digest = hashlib.sha256(f"{about.uid} {event.reason} {event.message} {stamp}".encode()).hexdigest()[:16]
        body = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": f"{about.name}.{digest}", "namespace": about.namespace},
            "eventTime": stamp,
            "reportingController": f"{names.GROUP}/operator",
            "reportingInstance": self._identity,
            "action": event.reason,
            "reason": event.reason,
            "type": "Warning" if event.warning else "Normal",
            "note": _cut(event.message),
            "regarding": {
                "apiVersion": names.API_VERSION,
                "kind": kind,
                "namespace": about.namespace,
                "name": about.name,
                "uid": about.uid,
                "resourceVersion": about.resource_version,
            },
        }
        try:
            await self._client.create(resources.EVENTS, body)
        except (NamespaceTerminating, NotLeading):
            return
        except ClusterError as error:
            logger.warning("event %s about %s %s/%s: %s", event.reason, kind, about.namespace, about.name, error)


def _cut(note: str) -> str:
    """As much of a note as the API takes; no character is cut in two."""
    return note.encode()[:MAX_NOTE].decode(errors="ignore")
