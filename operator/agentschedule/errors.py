"""Errors that cross rooms. A user's mistake is never one of them: that is data (see ``plan.answers``).

Any other exception is a bug. It is the bug of what was worked on when it came, and stops the work on nothing else.
"""

from __future__ import annotations

import hashlib
import traceback
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from itertools import islice

# Of the frames of a recursion: how deep it came differs from time to time, where it went in does not.
RECURSION_FRAMES = 20


class ClusterError(Exception):
    """The cluster did not do what was asked: worth a retry with backoff."""


class Conflict(ClusterError):
    """Someone wrote the object since it was read (409): observe anew, then plan anew."""


class NotFound(ClusterError):
    """The object is gone (404)."""


class AlreadyExists(ClusterError):
    """The name is taken (409 on a create): look who has it."""


class Refused(ClusterError):
    """The API refused the object itself (400, 403 by admission, 422): the author must mend it, a retry does not."""


class Forbidden(ClusterError):
    """The operator lacks the right (403 by RBAC): whoever installed it must mend that."""


class NamespaceTerminating(ClusterError):
    """Nothing can be created in a namespace that is being deleted: nobody's mistake, and soon over."""


class NotLeading(ClusterError):
    """Another operator leads, or may do so by now: this one writes nothing."""


class LeaseLost(Exception):
    """This operator has led and does so no more: its process ends, and a new one stands by."""


@dataclass(frozen=True)
class Bug:
    """An exception that nobody expected, as anybody may read it: of what it says nothing, for that may be anything."""

    type: str
    id: str  # of the place in the code where it came from: the same at each retry

    @classmethod
    def of(cls, error: BaseException) -> Bug:
        places = "\n".join([type(error).__name__, *_places(error)])
        return cls(type(error).__name__, hashlib.sha256(places.encode()).hexdigest()[:8])

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


def _places(error: BaseException) -> Iterator[str]:
    frames = traceback.walk_tb(error.__traceback__)
    for frame, line in islice(frames, RECURSION_FRAMES if isinstance(error, RecursionError) else None):
        yield f"{frame.f_globals.get('__name__')} {frame.f_code.co_name} {line}"


@dataclass
class Bugs:
    """Which bug each thing has met last, so that it is told once, and again only when it is another one."""

    remembered: int = 10_000
    _met: OrderedDict[Hashable, Bug] = field(default_factory=OrderedDict)

    def is_new(self, thing: Hashable, bug: Bug) -> bool:
        last = self._met.pop(thing, None)
        self._met[thing] = bug
        while len(self._met) > self.remembered:
            self._met.popitem(last=False)
        return last != bug

    def over(self, thing: Hashable) -> bool:
        """It works; True if it did not before."""
        return self._met.pop(thing, None) is not None

    def __len__(self) -> int:
        return len(self._met)


class ImpossibleName(Exception):
    """No object can have this name (empty, ``.`` or ``..``): asking the API for it would be asking something else."""
