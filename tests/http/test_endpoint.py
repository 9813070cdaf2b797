"""Protocol JSON: what is sent, and how answers of all shapes are read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.http.fake import Fake, always, in_turn, reply
from tests.http.pod import Pod

Serve = Callable[..., Fake]
PodOf = Callable[..., Pod]


def test_without_a_body_the_server_gets_the_contract(serve: Serve, pod: PodOf) -> None:
    fake = serve(always({}))
    pod({"url": fake.url}).given(AGENT_MESSAGE="sum", AGENT_SESSION_ID="books").run()
    (asked,) = fake.asked
    assert asked.method == "POST"
    assert json.loads(asked.text) == {
        "message": "sum",
        "params": {"region": "emea"},
        "session_id": "books",
        "model": "m-1",
        "allowed_tools": "sql,charts",
        "idempotency_key": "319418ea",
    }
    assert asked.headers["Idempotency-Key"] == "319418ea"
    assert asked.headers["User-Agent"] == "agentschedule-runner"
    assert asked.headers["Content-Type"] == "application/json"


def test_a_body_is_filled_in_once_and_from_the_contract_alone(serve: Serve, pod: PodOf) -> None:
    fake = serve(always({}))
    body = {
        "input": [{"text": "Say: $(AGENT_MESSAGE)"}],
        "params": "$(AGENT_PARAMS)",
        "as_text": "p=$(AGENT_PARAMS)",
        "secret": "$(API_KEY) $(AGENT_HTTP) $(PATH)",
        "stream": False,
        "price": "$5",
    }
    attempt = pod({"url": fake.url, "method": "PUT", "body": body, "headers": {"user-agent": "ours"}})
    attempt.given(AGENT_MESSAGE="$(AGENT_MODEL) $$", API_KEY="canary").run()
    (asked,) = fake.asked
    assert (asked.method, asked.headers["User-Agent"]) == ("PUT", "ours")
    assert json.loads(asked.text) == {
        "input": [{"text": "Say: $(AGENT_MODEL) $$"}],
        "params": {"region": "emea"},
        "as_text": 'p={"region":"emea"}',
        "secret": "$(API_KEY) $(AGENT_HTTP) $(PATH)",
        "stream": False,
        "price": "$5",
    }


def test_a_get_has_its_message_in_the_url_encoded(serve: Serve, pod: PodOf) -> None:
    fake = serve(always({"output": "fine"}))
    attempt = pod({"url": f"{fake.url}/ask/$(AGENT_SESSION_ID)?q=$(AGENT_MESSAGE)&x=a%2Fb", "method": "GET"})
    ended = attempt.given(AGENT_MESSAGE="a&b=c/d ü#", AGENT_SESSION_ID="../x").run()
    assert ended.code == 0
    assert fake.asked[0].path == "/ask/..%2Fx?q=a%26b%3Dc%2Fd%20%C3%BC%23&x=a%2Fb"
    assert fake.asked[0].text == ""


def test_a_message_may_come_from_a_file(serve: Serve, pod: PodOf, tmp_path: Path) -> None:
    (tmp_path / "message").write_text("a long prompt")
    fake = serve(always({}))
    pod({"url": fake.url}).given(AGENT_MESSAGE="", AGENT_MESSAGE_FILE=str(tmp_path / "message")).run()
    assert json.loads(fake.asked[0].text)["message"] == "a long prompt"


def test_an_answer_in_the_contracts_words_is_the_result(serve: Serve, pod: PodOf) -> None:
    answer = {
        "status": "succeeded",
        "run_id": "r1",
        "session_id": "books",
        "model": "m-2",
        "cost_usd": "0.045",
        "usage": {"input_tokens": 12, "output_tokens": 3, "total_tokens": 15},
        "requirements": [{"tool": "pay"}],
        "output": {"rose": "4 %"},
    }
    ended = pod({"url": serve(always(answer)).url}).run()
    assert ended.result == {**answer, "status_code": 200}


def test_paths_find_what_is_called_otherwise(serve: Serve, pod: PodOf) -> None:
    answer = {
        "id": 7,
        "model": "m-2",
        "choices": [{"message": {"content": "done"}}],
        "usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15, "cost": 0.045},
    }
    result = {"runID": "id", "output": "choices.0.message.content", "costUSD": "usage.cost"}
    ended = pod({"url": serve(always(answer)).url, "result": result}).run()
    assert ended.result == {
        "status": "succeeded",
        "run_id": "7",
        "status_code": 200,
        "model": "m-2",
        "cost_usd": "0.045",
        "usage": {"input_tokens": 12, "output_tokens": 3, "total_tokens": 15},
        "output": "done",
    }


@pytest.mark.parametrize(
    ("answer", "output"),
    [({"answer": 42}, {"answer": 42}), ([1, 2], [1, 2]), ("plain words", "plain words"), ("", None)],
    ids=["object", "list", "text", "nothing"],
)
def test_any_other_answer_is_the_output_as_a_whole(serve: Serve, pod: PodOf, answer: Any, output: Any) -> None:
    ended = pod({"url": serve(always(answer)).url}).run()
    assert (ended.code, ended.result.get("output")) == (0, output)


def test_an_answer_without_its_output_is_of_the_wrong_shape(serve: Serve, pod: PodOf) -> None:
    ended = pod({"url": serve(always({"data": {}})).url, "result": {"output": "data.answer"}}).run()
    assert (ended.code, ended.error["code"]) == (78, "UnexpectedAnswer")
    assert "answered without data.answer" in ended.error["message"]


@pytest.mark.parametrize(
    ("answer", "code", "error"),
    [
        ({"status": "FAILED"}, 1, {"code": "AgentFailed", "message": "the server says: FAILED"}),
        ({"error": "no money"}, 1, {"code": "AgentFailed", "message": "no money"}),
        (
            {"error": {"code": "Broke", "message": "no money", "retryable": False}},
            78,
            {"code": "Broke", "message": "no money", "retryable": False},
        ),
        (
            {"status": "failed", "requirements": ["a signature"]},
            77,
            {
                "code": "Paused",
                "message": "the agent waits for an answer: see requirements, and answer at the server",
                "retryable": False,
            },
        ),
    ],
    ids=["status", "sentence", "object", "requirements"],
)
def test_a_success_in_http_may_be_a_failure(
    serve: Serve, pod: PodOf, answer: Any, code: int, error: dict[str, Any]
) -> None:
    ended = pod({"url": serve(always(answer)).url}).run()
    assert (ended.code, ended.error, ended.result["status"]) == (code, error, "failed")


def test_a_status_of_success_is_what_the_author_says(serve: Serve, pod: PodOf) -> None:
    url = serve(always({"output": "was there already"}, 409)).url
    assert pod({"url": url, "successStatus": [200, 409]}).run().code == 0
    assert pod({"url": url, "successStatus": [200]}).run().code == 1


def test_a_result_always_fits_and_the_log_has_the_whole(serve: Serve, pod: PodOf) -> None:
    answer = {
        "status": "failed",
        "run_id": "r" * 5000,
        "error": "e" * 5000,
        "requirements": [{"n": number, "text": "q" * 300} for number in range(9)],
        "output": "ö" * 5000,
    }
    ended = pod({"url": serve(always(answer)).url}).run()
    assert ended.result["requirements"][0] == answer["requirements"][0]
    assert len(ended.result["output"]) > 100
    assert "ö" * 5000 in ended.log


def test_a_run_is_followed_where_the_location_header_says(serve: Serve, pod: PodOf) -> None:
    fake = serve(in_turn(reply({}, 202, Location="/runs/r1?v=2"), reply({}, 202), reply({"output": "done"})))
    ended = pod({"url": f"{fake.url}/run", "poll": {}}).run()
    assert ended.result["output"] == "done"
    assert [(asked.method, asked.path) for asked in fake.asked[1:]] == [("GET", "/runs/r1?v=2")] * 2


@pytest.mark.parametrize(
    "poll", [{"url": "/runs/$(RUN_ID)", "intervalSeconds": 1}, {"urlPath": "links.self"}], ids=["url", "urlPath"]
)
def test_a_run_is_followed_until_its_status_says_it_has_ended(serve: Serve, pod: PodOf, poll: dict[str, Any]) -> None:
    def state(word: str) -> web.Response:
        return reply({"id": "r 1", "state": word, "links": {"self": "/runs/r%201"}, "output": word})

    fake = serve(in_turn(state("queued"), state("working"), state("Complete")))
    result = {"runID": "id", "status": "state", "succeeded": ["complete"], "failed": ["broken"]}
    ended = pod({"url": f"{fake.url}/run", "poll": poll, "result": result}).run()
    assert (ended.result["run_id"], ended.result["output"]) == ("r 1", "Complete")
    assert [asked.path for asked in fake.asked] == ["/run", "/runs/r%201", "/runs/r%201"]
    assert "state: working" in ended.log


def test_a_server_that_does_not_say_where_to_follow(serve: Serve, pod: PodOf) -> None:
    ended = pod({"url": serve(always({}, 202)).url, "poll": {}}).run()
    assert (ended.code, ended.error["code"]) == (78, "UnexpectedAnswer")
    assert "write poll.url or poll.urlPath" in ended.error["message"]


def test_without_poll_an_accepted_run_has_succeeded(serve: Serve, pod: PodOf) -> None:
    assert pod({"url": serve(always({"run_id": "r1"}, 202)).url}).run().result["run_id"] == "r1"


def test_a_stop_calls_the_cancel_url(serve: Serve, pod: PodOf) -> None:
    fake = serve(always({"run_id": "r1"}, 202))
    cancel = "/runs/$(RUN_ID)/cancel?key=$(AGENT_IDEMPOTENCY_KEY)"
    attempt = pod({"url": f"{fake.url}/run", "poll": {"url": "/runs/$(RUN_ID)"}, "cancelUrl": cancel})
    ended = attempt.start().says("run r1").stop()
    assert (ended.code, ended.error["code"], ended.result["run_id"]) == (143, "Stopped", "r1")
    assert (fake.asked[-1].method, fake.asked[-1].path) == ("POST", "/runs/r1/cancel?key=319418ea")
