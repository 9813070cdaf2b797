"""Whose turn it is: namespaces one after the other, and the schedules of each in the order in which they came.

However much one namespace brings, another waits for one schedule of it at most, not for all. Nothing here waits or
reads a clock, each call takes the same time however many there are, and a namespace without work is not known.
"""

from __future__ import annotations

import sys
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass, field

from agentschedule.cluster.store import Key


@dataclass
class Turns:
    """Keys that wait, each once, and keys that are worked on. One that is added meanwhile waits again after that."""

    limit: int = sys.maxsize  # of keys of one namespace that are worked on at once
    _waiting: set[Key] = field(default_factory=set)
    _busy: set[Key] = field(default_factory=set)
    _again: set[Key] = field(default_factory=set)
    # The lines of the namespaces, in the order of their turns; and of those that have as many at work as they may.
    _lines: OrderedDict[str, deque[Key]] = field(default_factory=OrderedDict)
    _held: dict[str, deque[Key]] = field(default_factory=dict)
    _at_work: Counter[str] = field(default_factory=Counter)

    def __contains__(self, key: Key) -> bool:
        """True for a key that waits."""
        return key in self._waiting or key in self._again

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting) + len(self._again)

    def add(self, key: Key) -> None:
        if key in self._busy:
            self._again.add(key)
        elif key not in self._waiting:
            self._waiting.add(key)
            self._line(key.namespace).append(key)

    def _line(self, namespace: str) -> deque[Key]:
        if line := self._lines.get(namespace) or self._held.get(namespace):
            return line
        line = deque()
        self._put_last(namespace, line)
        return line

    def _put_last(self, namespace: str, line: deque[Key]) -> None:
        lines = self._held if self._at_work[namespace] >= self.limit else self._lines
        lines[namespace] = line

    def take(self) -> Key | None:
        """The next key, which is worked on from now on; None if there is none, or none that may."""
        if not self._lines:
            return None
        namespace, line = self._lines.popitem(last=False)
        key = line.popleft()
        self._waiting.discard(key)
        self._busy.add(key)
        self._at_work[namespace] += 1
        if line:
            self._put_last(namespace, line)
        return key

    def done(self, key: Key) -> None:
        """The work on a key has ended."""
        namespace = key.namespace
        self._busy.discard(key)
        self._at_work[namespace] -= 1
        if line := self._held.pop(namespace, None):
            self._put_last(namespace, line)
        if self._at_work[namespace] <= 0:
            del self._at_work[namespace]
        if key in self._again:
            self._again.discard(key)
            self.add(key)
