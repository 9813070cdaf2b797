"""What an agent left behind, read so that nothing it wrote can fail its run. Pure; called by ``plan.run``.

The contract's outward half: JSON at ``AGENT_RESULT_PATH``, which Kubernetes hands on as the pod's termination message.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from agentschedule.api.base import Model
from agentschedule.api.run import Output, RunError, Usage
from agentschedule.plan.text import MAX_EXACT_INTEGER, clean, is_json, parse, plain_json

# The kubelet's limit: a text of this many bytes was cut, and what is missing is its head.
MAX_TERMINATION_MESSAGE_BYTES = 4096
MAX_OUTPUT_BYTES = 16 * 1024  # a status is read by every watcher; the whole output belongs where output_ref points
MAX_WORD = 253  # characters of an id, a code or a model's name
MAX_SENTENCE = 1024  # characters of an error message or a reference
MAX_REQUIREMENTS = 32
MAX_COST_USD = Decimal(1_000_000)  # one run; more is a mistake in the agent's arithmetic
COST_DIGITS = Decimal("0.000000001")  # a billionth of a dollar: less than any token costs

JSON = "application/json"
PLAIN = "text/plain"

# What the kubelet and the runtime write into the same field: about the container, not from the agent.
FOREIGN_TEXTS = (
    "The container could not be located",
    "Error on reading termination ",  # "… log PATH: …" and "… message from logs: …"
    # The runtime's words when a container cannot start (reason StartError; on older nodes ContainerCannotRun).
    "failed to create containerd task",
    "failed to start containerd task",
    "failed to create task for container",
    "failed to create shim task",
    "OCI runtime create failed",
    "container create failed",
)
_COST = re.compile(r"[0-9]{1,30}(\.[0-9]{1,60})?([eE][+-]?[0-9]{1,3})?")


class AgentResult(Model):
    """What the agent says about its run. Every field is None if it said nothing (usable) about it."""

    status: Literal["succeeded", "failed"] | None = None
    run_id: str | None = None
    session_id: str | None = None
    status_code: int | None = None
    error: RunError | None = None
    retryable: bool | None = None  # the error's: False means that another attempt is of no use
    model: str | None = None
    usage: Usage | None = None
    requirements: tuple[Any, ...] | None = None
    output: Output | None = None


def read_result(text: str | None) -> AgentResult:
    """Read a termination message: the result file, or the end of the log if that was empty and the exit code not 0.

    A JSON object with a key of the contract, as the whole text or its last line, is the result. Other text is the
    output. Nothing, text that lost a part, and texts of the kubelet itself give an empty result. Never raises.
    """
    cleaned = clean(text or "").strip()
    for candidate in (cleaned, cleaned.rpartition("\n")[2]):
        wire = _contract(candidate)
        if wire is not None:
            return wire.result()
    if not cleaned or cleaned.startswith(FOREIGN_TEXTS) or _was_cut(text or "", cleaned):
        return AgentResult()
    return AgentResult(output=_text_output(cleaned, JSON if is_json(cleaned) else PLAIN))


def _contract(text: str) -> _Wire | None:
    if not text.startswith("{"):
        return None
    try:
        parsed = parse(text)
    except (ValueError, RecursionError):
        return None
    return _Wire.model_validate(parsed) if parsed.keys() & _Wire.model_fields.keys() else None


def _was_cut(text: str, cleaned: str) -> bool:
    """True for a full message, and for JSON that breaks off (a pod with many containers gets shorter messages)."""
    if len(text.encode("utf-8", "replace")) >= MAX_TERMINATION_MESSAGE_BYTES:
        return True
    try:
        parse(cleaned)
    except json.JSONDecodeError as error:
        broken_off = error.msg.startswith("Unterminated") or error.pos >= len(cleaned) - len("false")
        return cleaned.startswith("{") and broken_off
    except (ValueError, RecursionError):
        pass
    return False


# Fields of the contract, each dropped alone if it is not what it should be.


def _drop(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    try:
        return read(value)
    except ValidationError:
        return None


def _word(value: Any, limit: int = MAX_WORD) -> str | None:
    return clean(value).strip()[:limit] or None if isinstance(value, str) else None


def _sentence(value: Any) -> str | None:
    return _word(value, MAX_SENTENCE)


def _cost(value: Any) -> str | None:
    """Dollars as a plain decimal, such as 0.045, from a string or a number."""
    text = str(value).strip() if isinstance(value, str | int | float) else ""
    if not _COST.fullmatch(text):
        return None
    cost = Decimal(text)
    return format(cost.quantize(COST_DIGITS).normalize(), "f") if cost <= MAX_COST_USD else None


def _requirements(value: Any) -> tuple[Any, ...] | None:
    if not isinstance(value, list):
        return None
    # No nulls: the CRD's lists refuse them.
    return tuple(part for part in map(plain_json, value[:MAX_REQUIREMENTS]) if part is not None) or None


def _output(value: Any) -> Output | None:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return _text_output(clean(value), PLAIN)
    return _text_output(json.dumps(plain_json(value), ensure_ascii=False), JSON)


def _text_output(text: str, content_type: str) -> Output:
    whole = text.encode()
    cut = whole[:MAX_OUTPUT_BYTES].decode(errors="ignore")
    return Output(content=cut, content_type=content_type, truncated=True if len(whole) > MAX_OUTPUT_BYTES else None)


Word = Annotated[str | None, BeforeValidator(_word)]
Sentence = Annotated[str | None, BeforeValidator(_sentence)]
Count = Annotated[int | None, Field(strict=True, ge=0, le=MAX_EXACT_INTEGER), WrapValidator(_drop)]


class _Error(BaseModel):
    code: Word = None
    message: Sentence = None
    retryable: Annotated[bool | None, Field(strict=True), WrapValidator(_drop)] = None


class _Usage(BaseModel):
    input_tokens: Count = None
    output_tokens: Count = None
    total_tokens: Count = None


class _Wire(BaseModel):
    """The JSON at AGENT_RESULT_PATH, as api.md spells it. Its validation never fails."""

    status: Annotated[Literal["succeeded", "failed"] | None, WrapValidator(_drop)] = None
    run_id: Word = None
    session_id: Word = None
    status_code: Annotated[int | None, Field(strict=True, ge=0, le=999), WrapValidator(_drop)] = None
    error: Annotated[_Error, WrapValidator(lambda value, read: _drop(value, read) or _Error())] = _Error()
    model: Word = None
    cost_usd: Annotated[str | None, BeforeValidator(_cost)] = None
    usage: Annotated[_Usage, WrapValidator(lambda value, read: _drop(value, read) or _Usage())] = _Usage()
    requirements: Annotated[tuple[Any, ...] | None, BeforeValidator(_requirements)] = None
    output_ref: Sentence = None
    output: Annotated[Output | None, BeforeValidator(_output)] = None

    def result(self) -> AgentResult:
        """The same in the words of ScheduleRun's status; what holds nothing is None."""
        said = self.error.message or self.error.code
        usage = Usage(**self.usage.model_dump(), cost_usd=self.cost_usd)
        output = (self.output or Output()).model_copy(update={"ref": self.output_ref})
        return AgentResult(
            status=self.status,
            run_id=self.run_id,
            session_id=self.session_id,
            status_code=self.status_code,
            error=RunError(code=self.error.code, message=said) if said else None,
            retryable=self.error.retryable,
            model=self.model,
            usage=usage if usage.wire() else None,
            requirements=self.requirements,
            output=output if output.wire() else None,
        )
