"""Takes secrets out of whatever a server says back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

MARK = "[secret]"


class Redactor:
    """Knows the secret values; the longest goes first, as it may hold another."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = sorted({secret for secret in secrets if secret}, key=len, reverse=True)

    def text(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, MARK)
        return text

    def value(self, value: Any) -> Any:
        """The same for parsed JSON, where no escape can hide a secret. Raises RecursionError."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(key): self.value(part) for key, part in value.items()}
        return [self.value(part) for part in value] if isinstance(value, list) else value
