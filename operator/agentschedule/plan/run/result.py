"""What an agent left behind, read so that nothing it wrote can fail its run.

The contract's outward half: JSON at ``AGENT_RESULT_PATH``, which Kubernetes hands on as the pod's termination message.
Its words are strict: a ``status`` of ``Succeeded`` or ``ok`` is none, and the exit code decides alone.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from agentschedule.api.base import Model
from agentschedule.api.run import Output, RunError, Usage
from agentschedule.plan.run.text import MAX_EXACT_INTEGER, clean, is_json, parse, plain_json

# The kubelet's limit: a text of this many bytes was cut, and what is missing is its head.
MAX_TERMINATION_MESSAGE_BYTES = 4096
# What the kubelet takes of a log in place of an empty file: the last 2048 bytes. A character that this cuts may grow.
LOG_TAIL_BYTES = range(2048, 2051)
LOG_LINES = 20  # the runtime splits a line into pieces of 16 KiB, and each counts: 320 KiB at most
# All of a result as JSON: a status is sent to every watcher, and etcd takes 1.5 MiB.
MAX_RESULT_BYTES = 64 * 1024
MAX_OUTPUT_BYTES = 16 * 1024  # a status is read by every watcher; the whole output belongs where output_ref points
MAX_WORD = 253  # characters of an id, a code or a model's name
MAX_SENTENCE = 1024  # characters of an error message or a reference
MAX_REQUIREMENTS = 32
MAX_REQUIREMENTS_BYTES = 8 * 1024  # as JSON; what does not fit is left out
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
# The kubelet's words in place of a log that it has no more, with the status code 200.
FOREIGN_LOGS = (
    "unable to retrieve container logs for ",
    "failed to try resolving symlinks in path ",
    "failed to open log file ",
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


def read_result(message: str | None, log: str | None = None) -> AgentResult:
    """What a pod left: its termination message, else the end of its log, else what is left of a message that was cut.

    ``log`` is what ``needs_log`` asks for; None if it was not read, empty if there is none. Never raises.
    """
    found = _read_message(message or "")
    if found is not None or log is None:
        return found or AgentResult()
    logged = read_log(log)
    return logged if logged.wire() else _remains(message or "")


def needs_log(message: str | None) -> bool:
    """True for a termination message that says nothing: empty, cut, or not the agent's."""
    return _read_message(message or "") is None


def read_log(text: str) -> AgentResult:
    """Read the last lines of a log: a result as the last line, or as the whole, else all of it is the output."""
    cleaned = clean(text).strip()
    result = _result_in(cleaned)
    if result is not None:
        return result
    if not cleaned or (cleaned.startswith(FOREIGN_LOGS) and "\n" not in cleaned):
        return AgentResult()
    return AgentResult(output=_end_of(cleaned, truncated=text.count("\n") >= LOG_LINES))


def _read_message(text: str) -> AgentResult | None:
    """The result file, or the kubelet's own end of the log if that was empty and the exit code not 0."""
    cleaned = clean(text).strip()
    result = _result_in(cleaned)
    if result is not None:
        return result
    if not cleaned or cleaned.startswith(FOREIGN_TEXTS) or _was_cut(text, cleaned):
        return None
    return AgentResult(output=_start_of(cleaned, JSON if is_json(cleaned) else PLAIN))


def _remains(message: str) -> AgentResult:
    """The last resort: a message that was cut is more than nothing."""
    cleaned = clean(message).strip()
    foreign = not cleaned or cleaned.startswith(FOREIGN_TEXTS)
    return AgentResult() if foreign else AgentResult(output=_end_of(cleaned, truncated=True))


def _result_in(cleaned: str) -> AgentResult | None:
    candidates = dict.fromkeys((cleaned, cleaned.rpartition("\n")[2]))
    return next((result for result in map(_contract, candidates) if result is not None), None)


def _contract(text: str) -> AgentResult | None:
    """The result in a JSON object with a key of the contract. None for others, and if the key is all that is alike."""
    if not text.startswith("{"):
        return None
    try:
        parsed = parse(text)
    except (ValueError, RecursionError):
        return None
    if not parsed.keys() & _Wire.model_fields.keys():
        return None
    result = _Wire.model_validate(parsed).result()
    silent = all(value in (None, "", [], {}) for value in parsed.values())
    return result if silent or result.wire() else None


def _was_cut(text: str, cleaned: str) -> bool:
    """True for a full message, and for JSON that breaks off (a pod with many containers gets shorter messages)."""
    size = len(text.encode("utf-8", "replace"))
    if size >= MAX_TERMINATION_MESSAGE_BYTES or (size in LOG_TAIL_BYTES and "\n" not in cleaned):
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
    kept: list[Any] = []
    room = MAX_REQUIREMENTS_BYTES
    for part in map(plain_json, value[:MAX_REQUIREMENTS]):
        size = len(json.dumps(part, ensure_ascii=False).encode())
        # No nulls: the CRD's lists refuse them.
        if part is not None and size <= room:
            kept.append(part)
            room -= size
    return tuple(kept) or None


def _output(value: Any) -> Output | None:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return _start_of(clean(value), PLAIN)
    return _start_of(json.dumps(plain_json(value), ensure_ascii=False), JSON)


def _start_of(text: str, content_type: str) -> Output:
    whole = text.encode()
    kept = whole[:MAX_OUTPUT_BYTES].decode(errors="ignore")
    return Output(content=kept, content_type=content_type, truncated=True if len(whole) > MAX_OUTPUT_BYTES else None)


def _end_of(text: str, truncated: bool) -> Output:
    whole = text.encode()
    kept = whole[-MAX_OUTPUT_BYTES:].decode(errors="ignore")
    cut = truncated or len(whole) > MAX_OUTPUT_BYTES
    return Output(content=kept, content_type=PLAIN, truncated=True if cut else None)


Word = Annotated[str | None, BeforeValidator(_word)]
Sentence = Annotated[str | None, BeforeValidator(_sentence)]
Count = Annotated[int | None, Field(strict=True, ge=0, le=MAX_EXACT_INTEGER), WrapValidator(_drop)]


class _Error(BaseModel):
    code: Word = None
    message: Sentence = None
    retryable: Annotated[bool | None, Field(strict=True), WrapValidator(_drop)] = None


def _read_error(value: Any, read: ValidatorFunctionWrapHandler) -> _Error:
    """Many programs say their error as a plain string: that is its message."""
    spoken = {"message": value} if isinstance(value, str) else value
    return _drop(spoken, read) or _Error()


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
    error: Annotated[_Error, WrapValidator(_read_error)] = _Error()
    model: Word = None
    cost_usd: Annotated[str | None, BeforeValidator(_cost)] = None
    usage: Annotated[_Usage, WrapValidator(lambda value, read: _drop(value, read) or _Usage())] = _Usage()
    requirements: Annotated[tuple[Any, ...] | None, BeforeValidator(_requirements)] = None
    output_ref: Sentence = None
    output: Annotated[Output | None, BeforeValidator(_output)] = None

    def result(self) -> AgentResult:
        """The same in the words of ScheduleRun's status; what holds nothing is None."""
        words = self.error.message or self.error.code
        usage = Usage(**self.usage.model_dump(), cost_usd=self.cost_usd)
        output = (self.output or Output()).model_copy(update={"ref": self.output_ref})
        return AgentResult(
            status=self.status,
            run_id=self.run_id,
            session_id=self.session_id,
            status_code=self.status_code,
            error=RunError(code=self.error.code, message=words) if words else None,
            retryable=self.error.retryable,
            model=self.model,
            usage=usage if usage.wire() else None,
            requirements=self.requirements,
            output=output if output.wire() else None,
        )
