"""Every request of the runner: tries, redirects, TLS, limits.

A request that may have been executed is never sent a second time, unless it only reads.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from agentschedule.runner.http import guard, stream
from agentschedule.runner.http.answer import REDIRECTS, Answer, check
from agentschedule.runner.http.redact import Redactor
from agentschedule.runner.http.run import Failure
from agentschedule.runner.process import say

CONNECT_SECONDS = 10.0
MAX_REDIRECTS = 5
# Pauses before the next try, in seconds. A run that has begun is worth more patience: its server may be restarting.
START_PAUSES = (1.0, 2.0, 4.0)
FOLLOW_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)


@dataclass(frozen=True)
class Setup:
    """What all requests have in common."""

    url: str  # the headers are for its host, and for no other
    headers: Mapping[str, str]
    secrets: tuple[str, ...] = ()
    ca_file: str | None = None
    deadline: float | None = None  # of time.monotonic()
    link_local: bool = False  # whether it may connect to link-local and metadata addresses


@dataclass(frozen=True)
class Request:
    """One request. ``reads``: sent twice, it does no more. ``follows``: it looks at a run that has begun."""

    method: str
    url: str
    json: Any = None
    form: Mapping[str, str] | None = None
    headers: Mapping[str, str] | None = None
    ok: tuple[int, ...] = ()  # status codes of success; none: 200 to 299
    reads: bool = False
    follows: bool = False
    event_with: tuple[str, ...] = ()  # the answer is a stream of events, and the first one with these keys says enough


class Transport:
    """Sends requests; remembers the last status code."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._home = _parse(setup.url)
        self._redact = Redactor(setup.secrets)
        self.status_code: int | None = None

    async def __aenter__(self) -> Transport:
        # A connection for each request: with a kept one, nobody knows whether a request that broke had arrived.
        sockets = None if self._setup.link_local else guard.make_socket
        trust = _trust(self._setup.ca_file)
        connector = aiohttp.TCPConnector(force_close=True, ssl=trust, socket_factory=sockets)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=True)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def send(self, request: Request) -> Answer:
        """The answer, after as many tries as are safe. Raises Failure."""
        pauses = iter(FOLLOW_PAUSES if request.follows else START_PAUSES)
        while True:
            try:
                return await self._once(request)
            except Failure as failure:
                failure.message = self._redact.text(failure.message)
                pause = failure.after or (next(pauses, None) if failure.again else None)
                if pause is None or self._too_late(pause):
                    raise
                say(f"{failure.message}; again in {pause:.0f} s")
            await asyncio.sleep(pause)

    def _too_late(self, pause: float) -> bool:
        deadline = self._setup.deadline
        return deadline is not None and time.monotonic() + pause >= deadline

    async def _once(self, request: Request) -> Answer:
        reads = request.reads or request.follows or request.method == "GET"
        url = _parse(request.url)
        for _ in range(MAX_REDIRECTS):
            with _in_words(self._shown(url), reads):
                answer = await self._exchange(request, url)
            self.status_code = answer.status
            if answer.status not in REDIRECTS or answer.status in request.ok:
                return check(answer, request.ok, reads, request.follows)
            url = self._redirected(answer, url, request.method)
        raise Failure("Redirected", f"{self._shown(url)}: more than {MAX_REDIRECTS} redirects", retryable=False)

    async def _exchange(self, request: Request, url: URL) -> Answer:
        body = {"json": request.json, "data": request.form}
        headers = CIMultiDict({"Accept": "application/json", **(request.headers or {})})
        if not self._setup.link_local:
            guard.check_host(url.host or "")
        if same_place(self._home, url):
            headers.update(self._setup.headers)
        async with self._session.request(
            request.method, url, headers=headers, allow_redirects=False, **body
        ) as response:
            if request.event_with and response.content_type == stream.EVENTS:
                return self._answer(response, await stream.event(response, request.event_with, self._shown(url)))
            return self._answer(response, await stream.whole(response, self._shown(url)))

    def _answer(self, response: aiohttp.ClientResponse, raw: bytes) -> Answer:
        text = raw.decode("utf-8", "replace")
        try:
            body = self._redact.value(json.loads(text))
        except (ValueError, RecursionError):
            body = None
        location, retry_after = (response.headers.get(name) for name in ("Location", "Retry-After"))
        return Answer(
            url=self._shown(response.url),
            status=response.status,
            location=location,
            retry_after=retry_after,
            content_type=response.content_type,
            text=self._redact.text(text),
            body=body,
        )

    def _redirected(self, answer: Answer, url: URL, method: str) -> URL:
        """Where to go on: on the same server only, and what is no GET only where it stays the same."""
        try:
            there = url.join(URL(answer.location or ""))
        except ValueError:
            there = url
        stays = method == "GET" or answer.status in (307, 308)
        if answer.location and stays and same_place(url, there):
            return _parse(str(there))
        said = f"{answer.url} answered {answer.status}, a redirect to {self._shown(there)}: write the right url"
        raise Failure("Redirected", said, retryable=False)

    def _shown(self, url: URL) -> str:
        """A URL in a sentence: without its query, which may hold a whole message."""
        return self._redact.text(unquote(str(url.with_query(None).with_fragment(None).with_user(None))))


def _parse(url: str) -> URL:
    try:
        parsed = URL(url, encoded=True)
    except ValueError as error:
        raise Failure("Request", f"{url} is no URL: {error}", retryable=False) from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise Failure("Request", f"{url} is no http:// or https:// URL", retryable=False)
    return parsed


def same_place(home: URL, url: URL) -> bool:
    """True for the same server: scheme, host and port. Another port may be somebody else's."""
    return _server(home) == _server(url)


def _server(url: URL) -> tuple[str, str, int | None]:
    return url.scheme, (url.host or "").lower(), url.port


def _trust(ca_file: str | None) -> ssl.SSLContext | bool:
    """The CA's certificates alone; without one, True: the public ones, as aiohttp has them."""
    if ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # SSLError is one
        raise Failure("TLS", f"caFrom holds no PEM certificate: {error.strerror or error}", retryable=False) from None


@contextlib.contextmanager
def _in_words(where: str, reads: bool) -> Iterator[None]:
    """aiohttp's errors as Failures. What happened before there was a connection may be tried again."""
    try:
        yield
    except guard.NotAllowed as error:
        said = f"{where}: {error} is a link-local or metadata address: set allowLinkLocal if an agent is there"
        raise Failure("AddressNotAllowed", said, retryable=False) from None
    except aiohttp.ClientConnectorCertificateError as error:
        reason = getattr(error.certificate_error, "verify_message", "") or error.certificate_error
        raise Failure(
            "TLS", f"{where}: its certificate is not trusted: {reason}; set caFrom", retryable=False
        ) from None
    except aiohttp.ClientConnectorSSLError as error:
        raise Failure("TLS", f"{where}: no TLS there: {error.os_error}; is it http://?", retryable=False) from None
    except aiohttp.ClientConnectorDNSError as error:
        raise Failure("DNS", f"{where}: no such host: {error.os_error}", retryable=True, again=True) from None
    except aiohttp.ClientConnectorError as error:
        reason = error.os_error.strerror or error.os_error
        raise Failure("Unreachable", f"{where}: no connection: {reason}", retryable=True, again=True) from None
    except aiohttp.ConnectionTimeoutError:
        said = f"{where}: no connection within {CONNECT_SECONDS:.0f} s"
        raise Failure("Unreachable", said, retryable=True, again=True) from None
    except (aiohttp.ServerConnectionError, aiohttp.ClientOSError, aiohttp.ClientPayloadError):
        said = f"{where} closed the connection before it had answered"
        raise Failure("Disconnected", said, retryable=True, again=reads) from None
    except aiohttp.ClientResponseError as error:
        raise Failure("UnexpectedAnswer", f"{where} answers with no HTTP: {error.message}", retryable=False) from None
    except (aiohttp.ClientError, ValueError) as error:
        raise Failure("Request", f"{where}: the request cannot be sent: {error}", retryable=False) from None
