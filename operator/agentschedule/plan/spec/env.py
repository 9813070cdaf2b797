"""Text on its way into a pod's environment, and back."""

from __future__ import annotations

import json
from typing import Any


def compact_json(value: Any) -> str:
    """JSON as the agent gets it: no blanks, keys in order, so that the same params give the same CronJob."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def escape(text: str) -> str:
    """Double each dollar sign: else the kubelet expands $(SECRET) in a message, and a secret lands in the prompt."""
    return text.replace("$", "$$")


def unescape(text: str) -> str:
    """The reverse of ``escape``: what the agent sees."""
    return text.replace("$$", "$")
