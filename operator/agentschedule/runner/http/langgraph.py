"""Protocol LangGraph: a run on a thread of a LangGraph server (Agent Server, ``langgraph dev``).

The run's own status says ``success`` also for a graph that waits in an interrupt: only the thread's state tells.
"""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import quote

from agentschedule.runner.http import run as runs
from agentschedule.runner.http.follow import Call
from agentschedule.runner.http.run import Failure, Run
from agentschedule.runner.http.template import fill
from agentschedule.runner.http.transport import Request

GOES_ON = ("pending", "running")
# Threads are UUIDs: another session's name makes one that is always the same.
SESSIONS = uuid.UUID("6f5d2f0e-3a40-5c62-9d0a-4a1f6f0c7b11")


class LangGraph:
    def __init__(self, call: Call) -> None:
        self._call = call
        self._thread = f"{call.url}/threads/{_thread(call.session_id)}"

    async def start(self) -> Run:
        request = Request("POST", f"{self._thread}/runs", json=self._body())
        answer = (await self._call.transport.send(request)).json_object()
        if not answer.get("run_id"):
            raise runs.unexpected(f"{self._thread}/runs answered without run_id: is it a LangGraph server?")
        return Run(str(answer["run_id"]), runs.word(answer.get("thread_id")), str(answer.get("status", "")))

    def _body(self) -> dict[str, Any]:
        task = self._call.task
        body: dict[str, Any] = {
            "assistant_id": self._call.spec["assistant"],
            "input": {"messages": [{"role": "user", "content": task.message}]},
            "metadata": self._call.about(),
            "if_not_exists": "create",
            **({"config": {"configurable": task.params}} if task.params else {}),
        }
        more: dict[str, Any] = fill(self._call.spec.get("body", {}), task)
        return body | more

    async def look(self, run: Run) -> Run:
        found = str((await self._get(self._run(run))).get("status"))
        if found in GOES_ON:
            return Run(run.run_id, run.session_id, found)
        return _read(found, await self._get(f"{self._thread}/state"), run)

    async def cancel(self, run: Run) -> None:
        if run.run_id:
            await self._call.transport.send(Request("POST", f"{self._run(run)}/cancel", reads=True))

    def _run(self, run: Run) -> str:
        return f"{self._thread}/runs/{quote(str(run.run_id), safe='')}"

    async def _get(self, url: str) -> dict[str, Any]:
        return (await self._call.transport.send(Request("GET", url, follows=True))).json_object()


def _thread(session_id: str | None) -> uuid.UUID:
    if not session_id:
        return uuid.uuid4()
    try:
        return uuid.UUID(session_id)
    except ValueError:
        return uuid.uuid5(SESSIONS, session_id)


def _read(status: str, state: dict[str, Any], before: Run) -> Run:
    """A run that has ended, from the state of its thread."""
    waits = runs.objects(state.get("interrupts"))
    failure = _failure(status, state, bool(waits))
    values = state.get("values")
    answers = _answers(runs.objects(runs.an_object(values).get("messages")))
    last = answers[-1] if answers else {}
    return Run(
        run_id=before.run_id,
        session_id=before.session_id,
        state=status,
        done=True,
        failure=failure,
        model=runs.word(runs.an_object(last.get("response_metadata")).get("model_name")),
        usage=_usage(answers),
        requirements=tuple(one.get("value", one) for one in waits) or _next(state, failure),
        output=None if failure else _text(last.get("content")) if answers else values,
    )


def _failure(status: str, state: dict[str, Any], waits: bool) -> Failure | None:
    if (status == "interrupted" and waits) or (status == "success" and state.get("next")):
        return runs.paused("an answer, or somebody to let it go on")
    if status == "success":
        return None
    if status == "interrupted":
        return runs.cancelled()
    errors = [task["error"] for task in runs.objects(state.get("tasks")) if task.get("error")]
    return runs.agent_failed(errors[0] if errors else f"the run ended with status {status}")


def _next(state: dict[str, Any], failure: Failure | None) -> tuple[Any, ...]:
    """A breakpoint asks nothing, but it says before which nodes it waits."""
    return ({"next": state.get("next")},) if failure and failure.code == "Paused" else ()


def _answers(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the agent said since it was last spoken to."""
    answers: list[dict[str, Any]] = []
    for message in messages:
        if message.get("type") == "human":
            answers = []
        elif message.get("type") == "ai":
            answers.append(message)
    return answers


def _usage(answers: list[dict[str, Any]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for answer in answers:
        for name, count in runs.usage(answer.get("usage_metadata")).items():
            total[name] = total.get(name, 0) + count
    return total


def _text(content: Any) -> Any:
    """A message's text, also where it comes in blocks."""
    if not isinstance(content, list):
        return content
    texts = [block.get("text") for block in runs.objects(content) if block.get("type") == "text"]
    return "\n".join(text for text in texts if isinstance(text, str)) or content
