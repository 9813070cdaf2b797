"""What the cluster said to an action: data for the next step of the same reconcile.

A refusal is what the API has against something that the user wrote; a reply answers a question. Each says what it is
about, so that none is taken for an answer about something else. Made by ``cluster``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar


@dataclass(frozen=True, slots=True)
class _Message:
    about: str  # a name or a uid, as each kind of answer says
    message: str


class CronJobRefused(_Message):
    """The API refuses the CronJob of this name."""


class JobRefused(_Message):
    """The API refuses the Job of this name."""


class RunRefused(_Message):
    """The API refuses the ScheduleRun of this name."""


class JobNameTaken(_Message):
    """A Job of this name exists, and belongs to something else."""


class RunNameTaken(_Message):
    """A ScheduleRun of this name exists, and belongs to another schedule."""


class MissReason(_Message):
    """Why the CronJob of this uid started nothing, in its controller's words; empty if it did not say."""


class WaitingReason(_Message):
    """``Reason: message`` of the newest warning event about the Job or pod of this uid; empty if there is none."""


class LogTail(_Message):
    """The end of the log of the pod of this uid; empty if there is none."""


@dataclass(frozen=True, slots=True)
class PodsListed:
    """The pods of the Job of this uid are as the API server has them: the watch was not trusted."""

    about: str


@dataclass(frozen=True, slots=True)
class NamespaceState:
    """Whether the namespace of this name is being deleted."""

    about: str
    terminating: bool


Refusal = CronJobRefused | JobRefused | RunRefused | JobNameTaken | RunNameTaken
Reply = MissReason | WaitingReason | LogTail | PodsListed | NamespaceState
Answer = Refusal | Reply
A = TypeVar("A", bound=Answer)
