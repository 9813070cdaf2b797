"""Protocol A2A over JSON-RPC, version 1.0, or 0.3 where a server knows no other.

The message is sent to be answered at once, with a task; the task is asked for until it ends.
"""

from __future__ import annotations

import uuid
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from agentschedule.names import Env
from agentschedule.runner.http import run as runs
from agentschedule.runner.http.answer import Answer
from agentschedule.runner.http.follow import Call
from agentschedule.runner.http.run import Failure, Run
from agentschedule.runner.http.template import fill
from agentschedule.runner.http.transport import Request
from agentschedule.runner.process import say

CARD = "/.well-known/agent-card.json"
METHOD_NOT_FOUND, TASK_NOT_FOUND, INTERNAL_ERROR = -32601, -32001, -32603
GOES_ON = ("submitted", "working")
WAITS = {"input-required": "an answer", "auth-required": "somebody to sign in"}


class Version(NamedTuple):
    """The words of one version of the protocol."""

    number: str
    send: str
    get: str
    cancel: str
    role: str
    at_once: dict[str, bool]
    tagged: bool  # parts and messages say their kind


V1 = Version("1.0", "SendMessage", "GetTask", "CancelTask", "ROLE_USER", {"returnImmediately": True}, False)
V03 = Version("0.3", "message/send", "tasks/get", "tasks/cancel", "user", {"blocking": False}, True)


class RpcError(Failure):
    """The server's JSON-RPC error."""

    def __init__(self, number: int, message: str) -> None:
        retryable = {INTERNAL_ERROR: None, TASK_NOT_FOUND: True}.get(number, False)
        super().__init__(f"RPC{number}", message, retryable=retryable)
        self.number = number


class A2A:
    def __init__(self, call: Call) -> None:
        self._call = call
        self._url = call.spec["url"]
        self._version = V1

    async def start(self) -> Run:
        self._url = await self._endpoint()
        try:
            found = await self._rpc(self._version.send, self._message())
        except RpcError as error:
            if error.number != METHOD_NOT_FOUND:
                raise
            say(f"{self._url} does not know A2A {V1.number}: trying {V03.number}")
            self._version = V03
            found = await self._rpc(self._version.send, self._message())
        return _read(runs.an_object(found.get("task") or found.get("message") or found))

    async def look(self, run: Run) -> Run:
        return _read(await self._rpc(self._version.get, {"id": run.run_id}, follows=True))

    async def cancel(self, run: Run) -> None:
        if run.run_id:
            await self._rpc(self._version.cancel, {"id": run.run_id})

    async def _endpoint(self) -> str:
        """The JSON-RPC URL of the agent card below our url, if there is one that names this server; else our url."""
        url: str = self._call.spec["url"]
        try:
            card = (await self._call.transport.send(Request("GET", self._call.url + CARD))).json_object()
        except Failure as failure:
            if failure.code in ("Unreachable", "DNS", "TLS"):
                raise
            return url
        named = next((named for named in _interfaces(card) if urlsplit(named)[:2] == urlsplit(url)[:2]), None)
        return named or url

    def _message(self) -> dict[str, Any]:
        task, version = self._call.task, self._version
        parts = [_part("text", task.message, version)]
        if task.params:
            parts.append(_part("data", task.params, version))
        message: dict[str, Any] = {
            # The same on every attempt, so that a server can know it again.
            "messageId": task.given.get(Env.IDEMPOTENCY_KEY) or str(uuid.uuid4()),
            "role": version.role,
            "parts": parts,
            **({"kind": "message"} if version.tagged else {}),
            **({"contextId": self._call.session_id} if self._call.session_id else {}),
        }
        sent = {"message": message, "configuration": version.at_once, "metadata": self._call.about()}
        more: dict[str, Any] = fill(self._call.spec.get("body", {}), task)
        return sent | more

    async def _rpc(self, method: str, params: dict[str, Any], follows: bool = False) -> dict[str, Any]:
        body = {"jsonrpc": "2.0", "id": "1", "method": method, "params": params}
        headers = {"A2A-Version": self._version.number}
        answer = await self._call.transport.send(
            Request("POST", self._url, json=body, headers=headers, follows=follows)
        )
        return _result(answer)


def _result(answer: Answer) -> dict[str, Any]:
    body = answer.json_object()
    error, found = body.get("error"), body.get("result")
    if isinstance(error, dict):
        number = error.get("code")
        raise RpcError(number if isinstance(number, int) else 0, f"{answer.url}: {answer.said}")
    if not isinstance(found, dict):
        raise runs.unexpected(f"{answer.url} answered without a result: is it A2A over JSON-RPC?")
    return found


def _interfaces(card: dict[str, Any]) -> list[str]:
    """URLs of a card that speak JSON-RPC, in its order: of version 1.0, and of 0.3."""
    old = {"url": card.get("url"), "protocolBinding": card.get("preferredTransport", "JSONRPC")}
    interfaces = runs.objects(card.get("supportedInterfaces")) or [old, *runs.objects(card.get("additionalInterfaces"))]
    spoken = (one for one in interfaces if one.get("protocolBinding", one.get("transport")) == "JSONRPC")
    return [one["url"] for one in spoken if isinstance(one.get("url"), str)]


def _part(kind: str, value: Any, version: Version) -> dict[str, Any]:
    return {kind: value, **({"kind": kind} if version.tagged else {})}


def _read(found: dict[str, Any]) -> Run:
    """A task, or the message of an agent that makes none."""
    status = found.get("status")
    if not isinstance(status, dict):
        if "parts" not in found:
            raise runs.unexpected("the server answered with neither a task nor a message: is it A2A?")
        return Run(session_id=runs.word(found.get("contextId")), state="message", done=True, output=_said(found))
    state = str(status.get("state", "")).removeprefix("TASK_STATE_").lower().replace("_", "-")
    said = _said(status.get("message"))
    made = [value for artifact in runs.objects(found.get("artifacts")) for value in _values(artifact)]
    return Run(
        run_id=runs.word(found.get("id")),
        session_id=runs.word(found.get("contextId")),
        state=state,
        done=state not in GOES_ON,
        failure=_failure(state, said),
        requirements=({"state": state, "message": said},) if state in WAITS else (),
        output=_joined(made) or said,
    )


def _failure(state: str, said: Any) -> Failure | None:
    if state in (*GOES_ON, "completed"):
        return None
    if state in WAITS:
        return runs.paused(WAITS[state])
    if state in ("canceled", "cancelled"):
        return runs.cancelled()
    if state == "rejected":
        return Failure("Rejected", str(said or "the agent rejected the task"), retryable=False)
    return runs.agent_failed(said)


def _said(message: Any) -> Any:
    return _joined(_values(message)) if isinstance(message, dict) else None


def _values(holder: dict[str, Any]) -> list[Any]:
    """What the parts of a message or an artifact hold: text, data, or the URL of a file."""
    found = []
    for part in runs.objects(holder.get("parts")):
        file = runs.an_object(part.get("file"))
        found.append(next((part[key] for key in ("text", "data", "url") if part.get(key)), file.get("uri")))
    return [value for value in found if value is not None]


def _joined(values: list[Any]) -> Any:
    if all(isinstance(value, str) for value in values):
        return "\n".join(values) or None
    return values[0] if len(values) == 1 else values
