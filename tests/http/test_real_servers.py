"""AgentOS, A2A and LangGraph servers from their own packages: how a run ends there is how it ends here."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.http.pod import Ended, Pod

PodOf = Callable[..., Pod]
ALL = ("agno", "a2a", "a2a_old", "langgraph")
every_server = pytest.mark.parametrize(
    "server", [pytest.param(name, marks=pytest.mark.xdist_group(name.partition("_")[0])) for name in ALL], indirect=True
)


def ask(url: str, body: Any = None, **headers: str) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **headers})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


@dataclass
class Server:
    http: dict[str, Any]
    state: Callable[[Ended], str]  # of the run, asked at the server
    cancelled: str


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Server:
    name = request.param.partition("_")[0]
    url = request.getfixturevalue(name)
    if name == "agno":
        return Server(
            {"protocol": "Agno", "url": f"{url}/agents/finance"}, lambda run: agno_state(url, run), "CANCELLED"
        )
    if name == "langgraph":
        http = {"protocol": "LangGraph", "url": url, "assistant": "agent"}
        return Server(http, lambda run: langgraph_state(url, run), "interrupted")
    path = "/old" if request.param == "a2a_old" else "/agent"
    return Server({"protocol": "A2A", "url": url + path}, lambda run: a2a_state(url, run), "TASK_STATE_CANCELED")


def agno_state(url: str, run: Ended) -> str:
    ids = run.result
    return str(ask(f"{url}/agents/finance/runs/{ids['run_id']}?session_id={ids['session_id']}")["status"])


def a2a_state(url: str, run: Ended) -> str:
    body = {"jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": {"id": run.result["run_id"]}}
    return str(ask(f"{url}/agent", body, **{"A2A-Version": "1.0"})["result"]["status"]["state"])


def langgraph_state(url: str, run: Ended) -> str:
    return str(ask(f"{url}/threads/{run.result['session_id']}/runs/{run.result['run_id']}")["status"])


@every_server
def test_a_run_that_succeeds(server: Server, pod: PodOf) -> None:
    ended = pod(server.http).given(AGENT_MESSAGE="sum $(AGENT_MODEL) it").run()
    assert ended.code == 0
    assert ended.result["status"] == "succeeded"
    assert "done: sum $(AGENT_MODEL) it" in json.dumps(ended.result["output"])
    assert "emea" in json.dumps(ended.result["output"]) or server.http["protocol"] == "Agno"
    assert ended.result["run_id"]
    assert ended.result["run_id"] in ended.log


@every_server
def test_a_run_that_fails(server: Server, pod: PodOf) -> None:
    ended = pod(server.http).given(AGENT_MESSAGE="fail").run()
    assert ended.code == 1
    assert ended.result["status"] == "failed"
    assert ended.error["code"] == "AgentFailed"
    assert "the books do not balance" in ended.error["message"] or ended.error["message"] == "the model is on strike"
    assert "retryable" not in ended.error


@every_server
def test_a_run_that_waits_for_somebody_ends_with_what_it_waits_for(server: Server, pod: PodOf) -> None:
    ended = pod(server.http).given(AGENT_MESSAGE="pause").run()
    assert ended.code == 77  # no retry
    assert (ended.error["code"], ended.error["retryable"]) == ("Paused", False)
    assert ended.result["requirements"] in (
        [{"tool_name": "pay", "tool_args": {"amount": 100}, "requires_confirmation": True}],
        [{"state": "input-required", "message": "Which region?"}],
        [{"question": "Which region?"}],
    )


@every_server
def test_a_run_that_is_stopped_is_cancelled_at_the_server(server: Server, pod: PodOf) -> None:
    """By hand, or at its time limit: it is the same signal."""
    attempt = pod(server.http).given(AGENT_MESSAGE="wait", AGENT_TIMEOUT_SECONDS="2").start()
    time.sleep(2)
    ended = attempt.says("state: ").stop()
    assert ended.code == 143
    assert ended.error["code"] == "Stopped"
    assert "its time limit is 2 s" in ended.error["message"]
    assert eventually(lambda: server.state(ended), server.cancelled) == server.cancelled


def eventually(look: Callable[[], str], wanted: str) -> str:
    for _ in range(50):
        if look() == wanted:
            break
        time.sleep(0.1)
    return look()


@pytest.mark.xdist_group("agno")
@pytest.mark.parametrize(("what", "output"), [("teams/board", "done: sum"), ("workflows/month", "step: sum")])
def test_teams_and_workflows_of_an_agentos_run_too(agno: str, pod: PodOf, what: str, output: str) -> None:
    ended = pod({"protocol": "Agno", "url": f"{agno}/{what}"}).given(AGENT_MESSAGE="sum").run()
    assert (ended.code, ended.result["output"]) == (0, output)


@pytest.mark.xdist_group("agno")
def test_an_agentos_gets_session_params_and_what_the_run_is(agno: str, pod: PodOf) -> None:
    http = {"protocol": "Agno", "url": f"{agno}/agents/finance", "body": {"user_id": "u-$(AGENT_SCHEDULE_NAME)"}}
    ended = pod(http).given(AGENT_MESSAGE="sum", AGENT_SESSION_ID="books").run()
    assert (ended.result["session_id"], ended.result["model"]) == ("books", "stub-1")
    assert ended.result["usage"] == {"input_tokens": 12, "output_tokens": 3, "total_tokens": 15}
    run = ask(f"{agno}/agents/finance/runs/{ended.result['run_id']}?session_id=books")
    assert run["user_id"] == "u-daily"
    assert run["metadata"] == {
        "run_name": "daily-29384712",
        "schedule_name": "daily",
        "scheduled_time": "2026-11-21T08:00:00Z",
        "idempotency_key": "319418ea",
        "model": "m-1",
        "allowed_tools": "sql,charts",
    }
    assert "dependencies: {'region': 'emea'}" in run["messages"][0]["content"]


@pytest.mark.xdist_group("agno")
def test_an_agno_agent_without_a_database_is_told_so(agno: str, pod: PodOf) -> None:
    ended = pod({"protocol": "Agno", "url": f"{agno}/agents/bare"}).given(AGENT_MESSAGE="sum").run()
    assert (ended.code, ended.result["status_code"], ended.error["retryable"]) == (78, 400, False)
    assert "Background execution requires a database" in ended.error["message"]


@pytest.mark.xdist_group("a2a")
def test_an_a2a_agent_is_found_by_its_card(a2a: str, pod: PodOf) -> None:
    ended = pod({"protocol": "A2A", "url": a2a}).given(AGENT_MESSAGE="sum", AGENT_SESSION_ID="books").run()
    assert (ended.code, ended.result["session_id"]) == (0, "books")


@pytest.mark.xdist_group("a2a")
def test_an_a2a_agent_that_asks_for_a_login_ends_with_that(a2a: str, pod: PodOf) -> None:
    ended = pod({"protocol": "A2A", "url": f"{a2a}/agent"}).given(AGENT_MESSAGE="login").run()
    assert (ended.code, ended.error["code"]) == (77, "Paused")
    assert ended.result["requirements"] == [{"state": "auth-required", "message": "Sign in at the bank."}]


@pytest.mark.xdist_group("langgraph")
@pytest.mark.parametrize("session", ["books", "8d1a3a0e-5d0c-4a6f-9a94-0a3c1de5f0aa"])
def test_a_session_is_a_thread_that_remembers(langgraph: str, pod: PodOf, session: str) -> None:
    http = {"protocol": "LangGraph", "url": langgraph, "assistant": "agent"}
    first, second = (pod(http).given(AGENT_MESSAGE="sum", AGENT_SESSION_ID=session).run() for _ in range(2))
    assert first.result["session_id"] == second.result["session_id"]
    assert first.result["session_id"] == session or session == "books"
    state = ask(f"{langgraph}/threads/{second.result['session_id']}/state")
    assert len(state["values"]["messages"]) == 4
    assert second.result["usage"]["input_tokens"] == 12  # of this run only


@pytest.mark.xdist_group("langgraph")
def test_the_body_maps_what_a_graph_wants_otherwise(langgraph: str, pod: PodOf) -> None:
    configurable = {"region": "apac", "model": "$(AGENT_MODEL)"}
    http = {"protocol": "LangGraph", "url": langgraph, "assistant": "agent"}
    ended = pod({**http, "body": {"config": {"configurable": configurable}}}).given(AGENT_MESSAGE="sum").run()
    assert ended.result["output"] == "done: sum {'region': 'apac', 'model': 'm-1'}"


@pytest.mark.xdist_group("langgraph")
def test_a_graph_that_does_not_exist_is_named(langgraph: str, pod: PodOf) -> None:
    ended = pod({"protocol": "LangGraph", "url": langgraph, "assistant": "nope"}).run()
    assert (ended.code, ended.error["retryable"]) == (78, False)
    assert "Invalid assistant: 'nope'" in ended.error["message"]
