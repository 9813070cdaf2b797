"""An HTTP answer, and what its status means. Made by ``transport``, read by the protocols."""

from __future__ import annotations

import email.utils
import time
from dataclasses import dataclass
from typing import Any

from agentschedule.runner.http.run import Failure, unexpected

MAX_EXCERPT = 300  # characters of an answer in a sentence
REDIRECTS = (301, 302, 303, 307, 308)
RETRYABLE = (408, 409, 425, 429)  # of 4xx: another time, it may be otherwise
# Where servers put their sentence: FastAPI, most others, OpenAI and JSON-RPC.
SENTENCES = ("detail", "message", "error")


@dataclass(frozen=True)
class Answer:
    """A whole answer, without secrets."""

    url: str  # without query, for sentences
    status: int
    location: str | None  # as it came, to be followed: not for sentences
    retry_after: str | None
    content_type: str
    text: str
    body: Any  # its JSON; None if it is none

    def json_object(self) -> dict[str, Any]:
        """The body, for who expects an object. Raises Failure."""
        if not isinstance(self.body, dict):
            raise unexpected(f"{self.url} answered {self.status} with {self.kind}, not with a JSON object: {self.said}")
        return self.body

    @property
    def kind(self) -> str:
        return "other JSON" if self.body is not None else self.content_type if self.text else "nothing"

    @property
    def said(self) -> str:
        """What the server says, short."""
        found: Any = self.body
        while isinstance(found, dict) and any(found.get(key) for key in SENTENCES):
            found = next(found[key] for key in SENTENCES if found.get(key))
        said = found if isinstance(found, str) else " ".join(self.text.split())
        return said if len(said) <= MAX_EXCERPT else said[:MAX_EXCERPT] + "…"


def check(answer: Answer, ok: tuple[int, ...], reads: bool, follows: bool) -> Answer:
    """The answer, if its status is one of success. Raises Failure."""
    status = answer.status
    if status in ok if ok else 200 <= status <= 299:
        return answer
    code, sentence = f"HTTP{status}", f"{answer.url} answered {status}: {answer.said}".rstrip(": ")
    if status in (429, 503) and (after := _seconds(answer.retry_after)) is not None:
        raise Failure(code, f"{sentence} (Retry-After: {after:.0f} s)", retryable=True, after=after)
    if status >= 500:
        raise Failure(code, sentence, retryable=True, again=reads)
    if status == 404 and follows:  # not there yet, or not there any more
        raise Failure(code, sentence, retryable=True, again=True)
    if status in (401, 403):
        raise Failure(code, f"{sentence}; see headersFrom", retryable=False)
    raise Failure(code, sentence, retryable=status in RETRYABLE, again=status == 429)


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After in seconds from now, at least one; it is a number or a date."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return max(1.0, float(text))
    try:
        return max(1.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
