"""Protocol JSON: any endpoint, as ``spec.agent.http`` describes it."""

from __future__ import annotations

import dataclasses
from typing import Any
from urllib.parse import urljoin

from yarl import URL

from agentschedule.names import Env
from agentschedule.runner.http import run as runs
from agentschedule.runner.http.answer import Answer
from agentschedule.runner.http.follow import Call
from agentschedule.runner.http.run import Failure, Run
from agentschedule.runner.http.template import fill, fill_url, find, variables
from agentschedule.runner.http.transport import Request, same_place

# Where things are in an answer that nobody described: under the names of the contract's result.
PATHS = {
    "output": "output",
    "runID": "run_id",
    "sessionID": "session_id",
    "status": "status",
    "error": "error",
    "model": "model",
    "usage": "usage",
    "costUSD": "cost_usd",
    "requirements": "requirements",
}
SUCCEEDED = ("succeeded", "success", "completed", "done")
FAILED = ("failed", "failure", "error", "cancelled", "canceled")
BODY = {
    "message": f"$({Env.MESSAGE})",
    "params": f"$({Env.PARAMS})",
    "session_id": f"$({Env.SESSION_ID})",
    "model": f"$({Env.MODEL})",
    "allowed_tools": f"$({Env.ALLOWED_TOOLS})",
    "idempotency_key": f"$({Env.IDEMPOTENCY_KEY})",
}


class Endpoint:
    def __init__(self, call: Call) -> None:
        self._call = call
        self._result: dict[str, Any] = call.spec.get("result", {})
        self._poll: dict[str, Any] | None = call.spec.get("poll")
        self._url = fill_url(call.spec["url"], variables(call.task))
        self._poll_url = ""

    async def start(self) -> Run:
        spec, task = self._call.spec, self._call.task
        method = spec.get("method", "POST")
        body = None if method == "GET" else fill(spec.get("body", BODY), task)
        ok = tuple(spec.get("successStatus", ()))
        answer = await self._call.transport.send(Request(method, self._url, json=body, ok=ok))
        run = self._read(answer, Run(session_id=self._call.session_id))
        if self._poll is not None and not run.done:
            self._poll_url = self._where(answer, run)
        return run

    async def look(self, run: Run) -> Run:
        return self._read(await self._call.transport.send(Request("GET", self._poll_url, follows=True)), run)

    async def cancel(self, run: Run) -> None:
        template = self._call.spec.get("cancelUrl")
        if template and not ("$(RUN_ID)" in template and run.run_id is None):
            await self._call.transport.send(Request("POST", self._filled(template, run), reads=True))

    def _filled(self, template: str, run: Run) -> str:
        known = {"RUN_ID": run.run_id or "", "SESSION_ID": run.session_id or ""}
        return urljoin(self._url, fill_url(template, variables(self._call.task) | known))

    def _where(self, answer: Answer, run: Run) -> str:
        """The URL to ask for the state of the run."""
        poll = self._poll or {}
        if "url" in poll:
            return self._filled(poll["url"], run)
        path = poll.get("urlPath")
        found = find(answer.body, path) if path else answer.location
        if not isinstance(found, str) or not found:
            what = f"without {path}" if path else "without a Location header: write poll.url or poll.urlPath"
            raise runs.unexpected(f"{answer.url} answered {answer.status} {what}")
        try:
            there = urljoin(self._url, found)
            stays = same_place(URL(self._url, encoded=True), URL(there, encoded=True))
        except ValueError:
            raise runs.unexpected(f"{answer.url} says where to look, and that is no URL") from None
        if not stays:
            raise runs.elsewhere(f"{answer.url} says to look at another server: write poll.url if that is meant")
        return there

    def _read(self, answer: Answer, before: Run) -> Run:
        """The run as an answer tells it."""
        if answer.body is None and not (answer.content_type == "text/plain" or not answer.text):
            raise runs.unexpected(f"{answer.url} answered with {answer.kind}, not with JSON: {answer.said}")
        status, error, requirements = (self._find(answer, key) for key in ("status", "error", "requirements"))
        state = status if isinstance(status, str) else f"HTTP {answer.status}"
        failure = self._failure(state, error, requirements)
        run = Run(
            run_id=runs.word(self._find(answer, "runID")) or before.run_id,
            session_id=runs.word(self._find(answer, "sessionID")) or before.session_id,
            state=state,
            done=failure is not None or not self._goes_on(answer, status),
            failure=failure,
            model=runs.word(self._find(answer, "model")),
            cost_usd=runs.word(self._find(answer, "costUSD")),
            usage=runs.usage(self._find(answer, "usage")),
            requirements=tuple(requirements) if isinstance(requirements, list) else (),
        )
        return dataclasses.replace(run, output=self._output(answer, run)) if run.done else run

    def _find(self, answer: Answer, key: str) -> Any:
        return find(answer.body, self._result.get(key, PATHS[key]))

    def _goes_on(self, answer: Answer, status: Any) -> bool:
        if self._poll is None:
            return False
        if isinstance(status, str):
            return not _among(status, self._result.get("succeeded", SUCCEEDED))
        return answer.status == 202

    def _failure(self, state: str, error: Any, requirements: Any) -> Failure | None:
        if not error and not _among(state, self._result.get("failed", FAILED)):
            return None
        if requirements and isinstance(requirements, list):
            return runs.paused("an answer")
        if not isinstance(error, dict):
            return runs.agent_failed(error or f"the server says: {state}")
        failure = runs.agent_failed(error.get("message"))
        retryable = error.get("retryable")
        code = runs.word(error.get("code")) or failure.code
        return Failure(code, failure.message, retryable=retryable if isinstance(retryable, bool) else None)

    def _output(self, answer: Answer, run: Run) -> Any:
        found = self._find(answer, "output")
        if found is not None:
            return found
        if "output" in self._result and run.failure is None:
            raise runs.unexpected(f"{answer.url} answered without {self._result['output']}: {answer.said}")
        return answer.body if answer.body is not None else answer.text or None


def _among(word: str, words: tuple[str, ...] | list[str]) -> bool:
    return word.lower() in {known.lower() for known in words}
