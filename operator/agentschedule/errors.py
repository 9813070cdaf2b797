"""Errors that cross rooms. A user's mistake is never one of them: that is data (see ``plan.answers``)."""

from __future__ import annotations


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
