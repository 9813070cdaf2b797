"""Protocol Agno: an agent, team or workflow of an AgentOS, as a run in its background.

A run in the background survives the connection, and is asked for; it needs a database at the agent. It is started as a
stream, of which only the first event is read: AgentOS notices a cancel between two events, and without a stream only
after the last call of a tool.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode

from agentschedule.runner.http import run as runs
from agentschedule.runner.http.follow import Call
from agentschedule.runner.http.run import Failure, Run
from agentschedule.runner.http.template import fill
from agentschedule.runner.http.transport import Request

GOES_ON = ("PENDING", "RUNNING")
COMPLETED = ("COMPLETED", "REGENERATED")
# What of a tool call that waits for somebody is worth a place in the result.
TOOL_FIELDS = ("tool_name", "tool_args", "requires_confirmation", "requires_user_input", "external_execution_required")


class Agno:
    def __init__(self, call: Call) -> None:
        self._call = call

    async def start(self) -> Run:
        request = Request("POST", f"{self._call.url}/runs", form=self._form(), event_with=("run_id", "session_id"))
        found = await self._call.transport.send(request)
        answer = found.json_object()
        if not answer.get("run_id") or not answer.get("session_id"):
            raise runs.unexpected(f"{found.url} answered without run_id and session_id: {found.said}")
        # Only a look tells a run's end, also of one that a former attempt has begun.
        return Run(str(answer["run_id"]), str(answer["session_id"]), str(answer.get("status", "")))

    def _form(self) -> dict[str, str]:
        task = self._call.task
        fields: dict[str, Any] = {"message": task.message, "metadata": self._call.about()}
        if task.params:
            fields["dependencies"] = task.params
        if self._call.session_id:
            fields["session_id"] = self._call.session_id
        fields |= fill(self._call.spec.get("body", {}), task)
        fields |= {"stream": True, "background": True}
        return {key: part if isinstance(part, str) else json.dumps(part) for key, part in fields.items()}

    async def look(self, run: Run) -> Run:
        answer = await self._call.transport.send(Request("GET", self._url(run), follows=True))
        return _read(answer.json_object(), run)

    async def cancel(self, run: Run) -> None:
        if run.run_id:
            await self._call.transport.send(Request("POST", self._url(run, "/cancel"), reads=True))

    def _url(self, run: Run, verb: str = "") -> str:
        query = urlencode({"session_id": run.session_id})
        return f"{self._call.url}/runs/{quote(str(run.run_id), safe='')}{verb}?{query}"


def _read(body: dict[str, Any], before: Run) -> Run:
    status = str(body.get("status", ""))
    metrics = runs.an_object(body.get("metrics"))
    return Run(
        run_id=before.run_id,
        session_id=before.session_id,
        state=status,
        done=status not in GOES_ON,
        failure=_failure(status, body),
        model=runs.word(body.get("model")),
        cost_usd=runs.word(metrics.get("cost")),
        usage=runs.usage(metrics),
        requirements=_requirements(body) if status == "PAUSED" else (),
        output=body.get("content"),
    )


def _failure(status: str, body: dict[str, Any]) -> Failure | None:
    if status in (*GOES_ON, *COMPLETED):
        return None
    if status == "PAUSED":
        return runs.paused("somebody to confirm or answer")
    if status == "CANCELLED":
        return runs.cancelled()
    return runs.agent_failed(body.get("content"))


def _requirements(body: dict[str, Any]) -> tuple[Any, ...]:
    """What a paused run waits for: tools of an agent or a team, steps of a workflow."""
    found = body.get("requirements") or body.get("step_requirements") or body.get("tools")
    return tuple(_tool(part) for part in runs.objects(found))


def _tool(part: dict[str, Any]) -> dict[str, Any]:
    tool = runs.an_object(part.get("tool_execution", part))
    return {key: tool[key] for key in TOOL_FIELDS if tool.get(key)} or part
