"""What the tests of an attempt's end share: a server, a pod that calls it, and how that ended."""

from __future__ import annotations

from collections.abc import Callable

from tests.http.fake import Fake
from tests.http.pod import Ended, Pod

Serve = Callable[..., Fake]
PodOf = Callable[..., Pod]
SECRETS = {"bank/token": 's3cr"t/=token\n'}
BEARER = [{"name": "Authorization", "prefix": "Bearer ", "secretKeyRef": {"name": "bank", "key": "token"}}]


def outcome(ended: Ended) -> tuple[int, str, bool | None]:
    """Exit code, the error's code, and whether another attempt is of use."""
    return ended.code, ended.error["code"], ended.error.get("retryable")
