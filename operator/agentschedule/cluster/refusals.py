"""The API server's refusals in the project's own terms: whose it is to mend decides."""

from __future__ import annotations

from typing import Any

from agentschedule.errors import (
    AlreadyExists,
    ClusterError,
    Conflict,
    Forbidden,
    NamespaceTerminating,
    NotFound,
    Refused,
)

Body = dict[str, Any]
MAX_MESSAGE = 2048  # characters: some quote the whole object


def error_of(status: int, answer: Body, what: str) -> ClusterError:
    """A failed answer in the project's terms: whose it is to mend decides."""
    message = str(answer.get("message") or f"HTTP {status}")
    message = message if len(message) <= MAX_MESSAGE else f"{message[:MAX_MESSAGE]}…"
    if status == 404:
        return NotFound(message)
    if status == 409:
        return AlreadyExists(message) if answer.get("reason") == "AlreadyExists" else Conflict(message)
    if status == 403 and _is_terminating(answer):
        return NamespaceTerminating(message)
    if status in (400, 422) or (status == 403 and not _lacks_rights(message)):
        return Refused(message)
    if status == 403:
        return Forbidden(f"{what}: {message}")
    return ClusterError(f"{what}: {message}")


def _is_terminating(answer: Body) -> bool:
    causes = (answer.get("details") or {}).get("causes") or ()
    return any(cause.get("reason") == "NamespaceTerminating" for cause in causes)


def _lacks_rights(message: str) -> bool:
    """True for a 403 by RBAC: ours to mend. Others come from admission (quota, policies): the author's to mend."""
    return 'User "' in message and " cannot " in message
