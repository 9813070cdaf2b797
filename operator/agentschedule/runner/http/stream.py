"""What comes after an answer's head, within bounds: a server may send for ever, or more than there is memory."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp

from agentschedule.runner.http.run import Failure

EVENTS = "text/event-stream"
MAX_ANSWER_BYTES = 16 * 1024 * 1024
MAX_LINE_BYTES = 1024 * 1024
MAX_EVENTS = 1000


async def whole(response: aiohttp.ClientResponse, where: str) -> bytes:
    """All of it. Raises Failure."""
    if response.content_type == EVENTS:
        said = f"{where} answers with a stream of events: ask for one answer, such as stream: false"
        raise Failure("Stream", said, retryable=False)
    raw = bytearray()
    async for chunk in _pieces(response, where):
        raw += chunk
    return bytes(raw)


async def event(response: aiohttp.ClientResponse, keys: tuple[str, ...], where: str) -> bytes:
    """The data of the first event with these keys; if there is none, of the last. Raises Failure."""
    data, events = b"", 0
    async for line in _lines(response, where):
        if not line.startswith(b"data:"):
            continue
        data, events = line.removeprefix(b"data:").strip(), events + 1
        if all(b'"%s"' % key.encode() in data for key in keys):
            break
        if events == MAX_EVENTS:
            said = f"{where} sent {MAX_EVENTS} events, and none of them says {' and '.join(keys)}"
            raise Failure("Stream", said, retryable=False)
    return data


async def _lines(response: aiohttp.ClientResponse, where: str) -> AsyncIterator[bytes]:
    rest = bytearray()
    async for chunk in _pieces(response, where):
        rest += chunk
        if b"\n" in chunk:
            *lines, last = rest.split(b"\n")
            rest = last
            for line in lines:
                yield bytes(line)
        if len(rest) > MAX_LINE_BYTES:
            said = f"{where} sends an event of more than {MAX_LINE_BYTES // 2**20} MiB in one line"
            raise Failure("TooLarge", said, retryable=False)
    yield bytes(rest)


async def _pieces(response: aiohttp.ClientResponse, where: str) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > MAX_ANSWER_BYTES:
            said = f"{where} answers with more than {MAX_ANSWER_BYTES // 2**20} MiB"
            raise Failure("TooLarge", said, retryable=False)
        yield chunk
