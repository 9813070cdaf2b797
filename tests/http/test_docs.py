"""The samples of docs/http-agents.md do what the page says: each runs, against a server of its kind."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from aiohttp import web

from tests.http.fake import Fake, always, in_turn, reply
from tests.http.pod import ROOT, Ended, Pod

Serve = Callable[..., Fake]
PodOf = Callable[..., Pod]

PAGE = (ROOT / "docs/http-agents.md").read_text()
SAMPLES = [yaml.safe_load(block)["agent"]["http"] for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
ENDPOINT, POLLED, AGNO, A2A, LANGGRAPH, PRIVATE = SAMPLES


def at(sample: dict[str, Any], server: str) -> dict[str, Any]:
    """The sample, with its server's place taken by another."""
    return {**sample, "url": re.sub(r"^https?://[^/]+", server, sample["url"])}


def run(pod: PodOf, sample: dict[str, Any], server: str, **secrets: str) -> Ended:
    ended = pod(at(sample, server), secrets).given(AGENT_MESSAGE="sum").run()
    assert ended.code == 0, ended.log
    return ended


def test_any_endpoint(serve: Serve, pod: PodOf) -> None:
    fake = serve(always({"data": {"summary": "Sales rose."}}))
    ended = run(pod, ENDPOINT, fake.url, **{"finance-agent/token": "t0ken"})
    assert ended.result["output"] == "Sales rose."
    (asked,) = fake.asked
    assert (asked.path, asked.headers["Authorization"]) == ("/v1/summaries", "Bearer t0ken")
    assert json.loads(asked.text) == {"prompt": "sum", "options": {"region": "emea"}}


@pytest.mark.parametrize(("last", "code"), [("finished", 0), ("crashed", 1)])
def test_an_endpoint_that_is_asked_until_it_is_done(serve: Serve, pod: PodOf, last: str, code: int) -> None:
    def state(word: str, **more: Any) -> web.Response:
        return reply({"id": "r1", "state": word, **more})

    fake = serve(in_turn(state("running"), state("running"), state(last, report="All is well.")))
    ended = pod(at(POLLED, fake.url)).run()
    assert (ended.code, ended.result["output"]) == (code, "All is well.")
    assert [asked.path for asked in fake.asked] == ["/v1/runs", "/v1/runs/r1", "/v1/runs/r1"]


@pytest.mark.xdist_group("agno")
def test_agno(agno: str, pod: PodOf) -> None:
    assert run(pod, AGNO, agno).result["output"] == "done: sum"


@pytest.mark.xdist_group("a2a")
def test_a2a(a2a: str, pod: PodOf) -> None:
    assert run(pod, A2A, a2a).result["output"] == ["done: sum", {"region": "emea"}]


@pytest.mark.xdist_group("langgraph")
def test_langgraph(langgraph: str, pod: PodOf) -> None:
    assert run(pod, LANGGRAPH, langgraph).result["output"] == "done: sum {'region': 'emea', 'model': 'm-1'}"


def test_the_private_ca_is_the_one_that_the_ends_are_tested_with() -> None:
    assert PRIVATE["caFrom"]["configMapKeyRef"] == {"name": "internal-ca", "key": "ca.crt"}


def test_the_page_names_every_end() -> None:
    source = "".join(path.read_text() for path in (ROOT / "operator/agentschedule/runner/http").glob("*.py"))
    codes = set(re.findall(r'(?:Failure\(\s*|code = |super\(\).__init__\(f?)"([A-Z][A-Za-z0-9]+)"', source))
    assert codes
    for code in codes | {"UnexpectedAnswer"}:
        assert f"`{code}`" in PAGE, code
