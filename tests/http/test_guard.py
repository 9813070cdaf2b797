"""The runner connects to agents, and not to what hands out the credentials of the machine that it runs on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agentschedule.runner.http import guard
from tests.http.fake import Fake, always, reply
from tests.http.pod import Pod
from tests.http.test_ends import outcome

Serve = Callable[..., Fake]
PodOf = Callable[..., Pod]
ELSEWHERE = "127.0.0.2"  # not allowed in these tests


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "169.254.0.1",
        "169.254.170.23",
        "fe80::1",
        "fe80::1%eth0",
        "febf::1",
        "fd00:ec2::254",
        "fd20:ce::254",
        "100.100.100.200",
        "168.63.129.16",
        "::ffff:169.254.169.254",
        "::ffff:a9fe:a9fe",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b::100.100.100.200",
    ],
)
def test_a_machines_own_addresses_are_refused(address: str) -> None:
    with pytest.raises(guard.NotAllowed):
        guard.check(address)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "::1", "10.96.0.1", "192.168.1.1", "100.100.100.201", "169.253.255.255", "fd00::1", "2001:db8::1"],
)
def test_any_other_address_may_be_an_agents(address: str) -> None:
    guard.check(address)


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "[::ffff:169.254.169.254]",
        "[fe80::a9fe:a9fe]",
        "metadata.google.internal",
        "METADATA.google.internal.",
    ],
)
def test_however_it_is_written_it_is_not_called(pod: PodOf, host: str) -> None:
    ended = pod({"url": f"http://{host}/latest"}).impatient().run()
    assert outcome(ended) == (78, "AddressNotAllowed", False)
    assert ended.error["message"].endswith("metadata address: set allowLinkLocal if an agent is there")
    assert "status_code" not in ended.result


@pytest.mark.parametrize("host", ["2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518"])
def test_nor_in_numbers_that_some_resolvers_take_for_an_address(pod: PodOf, host: str) -> None:
    ended = pod({"url": f"http://{host}/latest"}).impatient().run()
    assert (ended.code, ended.error["retryable"]) == (78, False)
    assert ended.error["code"] in ("AddressNotAllowed", "Request")


def named(fake: Fake, **more: Any) -> dict[str, Any]:
    return {"url": f"http://agent.example:{fake.port}/run", **more}


def test_a_name_does_not_lead_there(serve: Serve, pod: PodOf) -> None:
    fake = serve(always({"output": "keys"}), host=ELSEWHERE)
    ended = pod(named(fake)).resolving([ELSEWHERE]).run()
    assert outcome(ended) == (78, "AddressNotAllowed", False)
    assert f"/run: {ELSEWHERE} is a link-local or metadata address" in ended.error["message"]
    assert fake.asked == []


def test_a_name_that_moves_there_while_a_run_is_followed_is_followed_no_more(serve: Serve, pod: PodOf) -> None:
    fake = serve(always({"run_id": "r1"}, 202))
    there = serve(always({"output": "keys"}), host=ELSEWHERE, port=fake.port)
    ended = pod(named(fake, poll={"url": "/runs/$(RUN_ID)"})).resolving(["127.0.0.1"], [ELSEWHERE]).run()
    assert outcome(ended) == (78, "AddressNotAllowed", False)
    assert ended.result["run_id"] == "r1"
    assert fake.asked[0].method == "POST"
    assert there.asked == []


def test_nor_does_the_second_address_of_a_name_when_nobody_listens_at_the_first(serve: Serve, pod: PodOf) -> None:
    fake = serve(always({"output": "keys"}), host=ELSEWHERE)
    ended = pod(named(fake)).resolving(["127.0.0.1", ELSEWHERE]).run()
    assert outcome(ended) == (78, "AddressNotAllowed", False)
    assert fake.asked == []


def test_whoever_has_an_agent_there_says_so(serve: Serve, pod: PodOf) -> None:
    fake = serve(always({"output": "from a neighbour"}), host=ELSEWHERE)
    ended = pod(named(fake, allowLinkLocal=True)).resolving([ELSEWHERE]).run()
    assert ended.result["output"] == "from a neighbour"


def test_a_redirect_there_is_not_followed(serve: Serve, pod: PodOf) -> None:
    fake = serve(always("", 302, Location="http://169.254.169.254/latest"))
    ended = pod({"url": fake.url, "method": "GET", "allowLinkLocal": True}).run()
    assert outcome(ended) == (78, "Redirected", False)


def test_a_proxy_is_not_asked_for_it(serve: Serve, pod: PodOf) -> None:
    proxy = serve(always({"output": "keys"}))
    attempt = pod({"url": "http://169.254.169.254/latest"}).given(HTTP_PROXY=proxy.url, http_proxy=proxy.url)
    assert outcome(attempt.run()) == (78, "AddressNotAllowed", False)
    assert proxy.asked == []


def test_a_card_that_names_another_server_is_not_followed(serve: Serve, pod: PodOf) -> None:
    other = serve(always({"result": {"parts": [{"text": "there"}]}}))

    async def card(request: Any) -> Any:
        if request.method == "GET":
            named_there = {"url": other.url, "protocolBinding": "JSONRPC"}
            return reply({"supportedInterfaces": [named_there]})
        return reply({"result": {"message": {"parts": [{"text": "here"}]}}})

    ended = pod({"url": serve(card).url, "protocol": "A2A"}).run()
    assert ended.result["output"] == "here"
    assert other.asked == []
