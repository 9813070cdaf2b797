"""What is known of a run at the server, and what can go wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from agentschedule.runner import result

MAX_REQUIREMENTS_BYTES = 1024  # of JSON; with the other fields before it, it leaves output its room in the result
# The result's names of tokens, and what else they are called.
USAGE = {
    "input_tokens": ("input_tokens", "inputTokens", "prompt_tokens", "promptTokens"),
    "output_tokens": ("output_tokens", "outputTokens", "completion_tokens", "completionTokens"),
    "total_tokens": ("total_tokens", "totalTokens"),
}


class Failure(Exception):
    """The end of an attempt, in a sentence.

    ``again``: the same request may be sent again, since it was never executed, or can be executed twice.
    ``after``: seconds that the server asks to wait before that.
    """

    def __init__(
        self, code: str, message: str, *, retryable: bool | None = None, again: bool = False, after: float | None = None
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.retryable, self.again, self.after = code, message, retryable, again, after


@dataclass(frozen=True)
class Run:
    """A run at the server, as far as it is known."""

    run_id: str | None = None
    session_id: str | None = None
    state: str = ""  # the server's own word
    done: bool = False
    failure: Failure | None = None
    model: str | None = None
    cost_usd: str | None = None
    usage: dict[str, int] = field(default_factory=dict)
    requirements: tuple[Any, ...] = ()
    output: Any = None

    def fields(self, status_code: int | None) -> dict[str, Any]:
        """The contract's result, cut so that it leaves room for ``output``, which comes last."""
        fields = {
            "status": "failed" if self.failure else "succeeded",
            "run_id": _short(self.run_id),
            "session_id": _short(self.session_id),
            "status_code": status_code,
            "error": self.failure
            and result.failure(self.failure.message, self.failure.code, retryable=self.failure.retryable),
            "model": _short(self.model),
            "cost_usd": _short(self.cost_usd),
            "usage": self.usage or None,
            "requirements": _fitting(self.requirements) or None,
            "output": self.output,
        }
        return {key: value for key, value in fields.items() if value is not None}


def paused(what: str) -> Failure:
    """The end of a run that waits for somebody: nobody watches a scheduled run."""
    return Failure("Paused", f"the agent waits for {what}: see requirements, and answer at the server", retryable=False)


def cancelled() -> Failure:
    return Failure("Cancelled", "the run was cancelled at the server", retryable=False)


def agent_failed(said: Any) -> Failure:
    """The server's own word that the run failed. Whether a retry mends it, nobody knows."""
    return Failure(
        "AgentFailed", said if isinstance(said, str) and said else "the run failed, and the server says no more"
    )


def unexpected(what: str) -> Failure:
    return Failure("UnexpectedAnswer", what, retryable=False)


def elsewhere(what: str) -> Failure:
    """A server may not choose another one."""
    return Failure("Redirected", what, retryable=False)


def usage(value: Any) -> dict[str, int]:
    """Tokens from any of the usual spellings."""
    said = an_object(value)
    found = {name: next((said[word] for word in words if word in said), None) for name, words in USAGE.items()}
    return {name: count for name, count in found.items() if type(count) is int and 0 <= count <= 2**53}


def an_object(value: Any) -> dict[str, Any]:
    """The JSON object, or an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects in a JSON list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def word(value: Any) -> str | None:
    """An id, a name or an amount; anything else is nothing."""
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "" else None


def _short(text: str | None) -> str | None:
    return None if text is None else result.cut(text, result.MAX_FIELD_BYTES)


def _fitting(requirements: tuple[Any, ...]) -> list[Any]:
    """The first requirements that fit, the last of them cut."""
    kept: list[Any] = []
    room = MAX_REQUIREMENTS_BYTES
    for requirement in requirements:
        size = len(result.to_json(requirement))
        if size > room:
            return [*kept, result.cut(result.to_json(requirement).decode(), room)] if room >= 64 else kept
        kept.append(requirement)
        room -= size + 1
    return kept
