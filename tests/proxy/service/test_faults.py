"""Every way an upstream can fail, streamed and not, with and without another candidate to fall back on.

Each request ends in the right answer or the right error within its deadline, and leaves nothing behind: no
task, no connection, no place in a line, no breaker that waits for news.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
import psutil
import pytest
from pydantic import SecretStr

from proxy.config import (
    Alias,
    Candidate,
    DialectName,
    ProviderConfig,
    ProxyConfig,
    RetryPolicy,
    ServerConfig,
)
from proxy.events import RequestRouted
from proxy.server.app import ProxyServer
from proxy.service.connections import upstream_of
from tests.proxy.scripted import BODY, DONE, HOST, TOKEN, Announced, Running, delta, line
from tests.proxy.service.hostile import (
    CONTENT,
    ERROR,
    HEAD,
    WELL,
    Behaviour,
    Hostile,
    chunked,
    endless,
    hanging,
    misbehaving,
    raw,
    refusing,
    resetting,
    saying,
    truncated_gzip,
)

pytestmark = pytest.mark.expects_log("candidate_failed", "request_failed")

RETRY = RetryPolicy(tries=2, first_wait_s=0.01, longest_wait_s=1.5, total_s=20)
DEADLINE_S = 10.0
"""Far above what the small deadlines below add up to, far below the real ones."""


@dataclass(frozen=True)
class Fault:
    """What an upstream does, and what the client is told where there is no other."""

    name: str
    behave: Behaviour
    status: int
    type: str
    tries: int = 2
    """How often it is asked where there is no other."""
    has_begun: bool = False
    """It breaks after its first content, so the client knows already."""
    is_final: bool = False
    """No other candidate is asked."""
    retry_after: str | None = None

    def __str__(self) -> str:
        return self.name


def open_head(*pieces: bytes) -> bytes:
    return HEAD + b"\r\n" + chunked(*pieces, is_whole=False)


def refusal(status: int, told: int, kind: str, tries: int, *, is_final: bool = False) -> list[Fault]:
    """A status without Retry-After, with one that can be waited for, and with one that cannot."""
    fault = Fault(f"{status}", refusing(status), told, kind, tries, is_final=is_final)
    return [
        fault,
        replace(fault, name=f"{status} come back at once", behave=refusing(status, "0"), retry_after="0"),
        replace(
            fault,
            name=f"{status} come back later",
            behave=refusing(status, "7"),
            tries=1,
            retry_after="7",
        ),
    ]


FAULTS = (
    Fault("reset before the headers", resetting(), 502, "api_error"),
    Fault("reset inside the headers", resetting(b"HTTP/1.1 200 OK\r\nConte"), 502, "api_error"),
    Fault("reset after the headers", resetting(open_head()), 502, "api_error"),
    Fault("reset inside a chunk", resetting(HEAD, b"\r\n40\r\ndata: {"), 502, "api_error"),
    Fault("reset after content", resetting(open_head(CONTENT)), 500, "api_error", 1, has_begun=True),
    Fault("closed before the headers", raw(b""), 502, "api_error"),
    Fault("hangs before the headers", hanging(), 504, "timeout_error"),
    Fault("hangs inside the headers", hanging(b"HTTP/1.1 200 OK\r\nContent-Ty"), 504, "timeout_error"),
    Fault("hangs after the headers", hanging(HEAD, b"\r\n"), 504, "timeout_error"),
    Fault("hangs inside a chunk", hanging(open_head(), b"40\r\ndata: {"), 504, "timeout_error"),
    Fault("hangs after a comment", hanging(open_head(b": PROCESSING\n\n")), 504, "timeout_error"),
    Fault("hangs after content", hanging(open_head(CONTENT)), 504, "timeout_error", 1, has_begun=True),
    Fault("half an event", saying(b'data: {"id":"c1","choi'), 529, "overloaded_error"),
    Fault(
        "half an event after content",
        saying(CONTENT, b'data: {"id"'),
        529,
        "overloaded_error",
        1,
        has_begun=True,
    ),
    Fault("no end after content", saying(CONTENT), 529, "overloaded_error", 1, has_begun=True),
    Fault("no HTTP", raw(b"\x00\xff\x13 hello, is it me?\r\n\r\n" * 20), 502, "api_error"),
    Fault("a web page", saying(b"<html><body>Welcome to the hotel</body></html>"), 529, "overloaded_error"),
    Fault("garbage", saying(b"data: \xff\xfe{{{[[\n\ndata: nonsense\n\n"), 500, "api_error"),
    Fault("nothing", saying(), 529, "overloaded_error"),
    Fault("nothing but the end", saying(DONE), 529, "overloaded_error"),
    Fault("no choices", saying(line({"id": "c1", "choices": []}), DONE), 529, "overloaded_error"),
    Fault("an error at once", saying(ERROR), 529, "overloaded_error"),
    Fault("an error after content", saying(CONTENT, ERROR), 529, "overloaded_error", 1, has_begun=True),
    Fault("comments for ever", endless(b": a\n\n", b": b\n\n"), 504, "timeout_error"),
    Fault("content for ever", endless(CONTENT, delta(content="l")), 504, "timeout_error", 1, has_begun=True),
    Fault("a huge event", saying(b"data: " + b"x" * (3 * 2**20)), 500, "api_error"),
    Fault(
        "a huge event after content",
        saying(CONTENT, b"data: " + b"x" * (3 * 2**20)),
        500,
        "api_error",
        1,
        has_begun=True,
    ),
    Fault("truncated gzip", truncated_gzip(CONTENT, DONE), 529, "overloaded_error"),
    Fault("a redirect", refusing(302, Location="https://elsewhere.example/"), 500, "api_error", 1),
    Fault("a redirect that keeps the method", refusing(307, Location="/v2"), 500, "api_error", 1),
    *refusal(400, 400, "invalid_request_error", 1, is_final=True),
    *refusal(401, 401, "authentication_error", 1),
    *refusal(402, 402, "billing_error", 1),
    *refusal(403, 403, "permission_error", 1),
    *refusal(404, 404, "not_found_error", 1),
    *refusal(408, 504, "timeout_error", 2),
    *refusal(409, 409, "conflict_error", 2),
    *refusal(413, 413, "request_too_large", 1, is_final=True),
    *refusal(429, 429, "rate_limit_error", 2),
    *refusal(500, 500, "api_error", 2),
    *refusal(502, 529, "overloaded_error", 2),
    *refusal(503, 529, "overloaded_error", 2),
    *refusal(529, 529, "overloaded_error", 2),
)

every_fault = pytest.mark.parametrize("fault", FAULTS, ids=str)
both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


def impatient(name: str, url: str, dialect: DialectName) -> ProviderConfig:
    return ProviderConfig(
        name,
        dialect,
        url,
        SecretStr("key-of-" + name),
        connect_timeout_s=2.0,
        first_byte_timeout_s=0.3,
        idle_timeout_s=0.3,
        total_timeout_s=0.6,
    )


@asynccontextmanager
async def before(*urls: str, dialect: DialectName = "openai-chat") -> AsyncGenerator[Running]:
    """A proxy with one alias over these upstreams; when it has stopped nothing of it may be left."""
    tasks = asyncio.all_tasks()
    providers = {f"p{index}": impatient(f"p{index}", url, dialect) for index, url in enumerate(urls)}
    config = ProxyConfig(
        ServerConfig(SecretStr(TOKEN), port=0),
        providers,
        (Alias("big", (), tuple(Candidate(name, f"m-{name}") for name in providers)),),
        retry=RETRY,
    )
    events = Announced()
    server = ProxyServer(config, events.take, host=HOST, make_upstream=upstream_of)
    url = await server.start()
    async with aiohttp.ClientSession() as http:
        yield Running(server, url, events, http)
        assert server.active_requests == 0
        nothing_is_held(server)
    await server.stop(0)
    left = asyncio.all_tasks() - tasks
    if left:
        await asyncio.wait(left, timeout=2)
    assert {task for task in left if not task.done()} == set()
    ports = {int(each.rpartition(":")[2].partition("/")[0]) for each in (*urls, url)}
    open_ones = [
        each
        for each in psutil.Process().net_connections("tcp")
        if each.status != psutil.CONN_LISTEN and each.raddr and each.raddr.port in ports
    ]
    assert open_ones == []


def nothing_is_held(server: Any) -> None:
    """No place is taken, no candidate is busy, no upstream is in use, no probe waits for news."""
    health = server._health
    assert {line.busy for line in health._lines.values()} <= {0}
    assert {known.in_flight for known in health._known.values()} <= {0}
    assert {known.breaker.state for known in health._known.values()} <= {"closed", "open"}
    assert {kept.users for kept in server._connections._kept.values()} <= {0}


@dataclass(frozen=True)
class Told:
    """What a client got."""

    status: int
    events: list[Any]
    """Of a stream; of a whole answer its body alone."""
    retry_after: str | None

    @property
    def error(self) -> Any:
        last = self.events[-1]
        return last["error"] if last["type"] == "error" else None

    @property
    def text(self) -> str:
        if self.events[0]["type"] == "message":
            return "".join(block["text"] for block in self.events[0]["content"])
        deltas = [event["delta"] for event in self.events if event["type"] == "content_block_delta"]
        return "".join(delta["text"] for delta in deltas)


async def ask(proxy: Running, stream: bool) -> Told:
    async def answer() -> Told:
        async with proxy.post({**BODY, "stream": stream}) as response:
            text = await response.text()
            is_stream = response.content_type == "text/event-stream"
            lines = [each[6:] for each in text.splitlines() if each.startswith("data: ")]
            found = [json.loads(each) for each in lines] if is_stream else [json.loads(text)]
            return Told(response.status, found, response.headers.get("retry-after"))

    return await asyncio.wait_for(answer(), DEADLINE_S)


async def left(hostile: Hostile) -> None:
    """The upstream sees that its reader left, or has ended its answer itself."""
    await asyncio.wait_for(hostile.is_idle.wait(), 2)


@every_fault
@both
async def test_without_another_candidate_the_client_is_told_the_right_error(
    fault: Fault, stream: bool
) -> None:
    async with misbehaving(fault.behave) as hostile:
        async with before(hostile.url) as proxy:
            told = await ask(proxy, stream)
            await left(hostile)
        assert hostile.asked == fault.tries
    assert told.error is not None
    assert told.error["type"] == fault.type
    if fault.has_begun and stream:
        assert told.status == 200
        assert told.text.startswith("Hel")
    else:
        assert (told.status, told.retry_after) == (fault.status, fault.retry_after)


@every_fault
@both
async def test_another_candidate_answers_unless_content_came_or_the_request_is_wrong(
    fault: Fault, stream: bool
) -> None:
    async with misbehaving(fault.behave) as hostile, misbehaving(WELL) as good:
        async with before(hostile.url, good.url) as proxy:
            told = await ask(proxy, stream)
            await left(hostile)
            routed = [event.provider for event in proxy.of(RequestRouted)]
        assert hostile.asked == 1
        if fault.has_begun or fault.is_final:
            assert (told.error["type"], good.asked, routed) == (fault.type, 0, ["p0"])
        else:
            assert (told.status, told.text, good.asked, routed) == (200, "Hello", 1, ["p0", "p1"])


def refused_url() -> str:
    """An address where nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/v1"


@both
async def test_a_connection_that_is_refused_is_tried_again_and_told(stream: bool) -> None:
    async with before(refused_url()) as proxy:
        told = await ask(proxy, stream)
        assert len(proxy.of(RequestRouted)) == 2
    assert (told.status, told.error["type"]) == (502, "api_error")
    assert "Nothing listens" in told.error["message"]


@both
async def test_a_connection_that_is_refused_falls_back(stream: bool) -> None:
    async with misbehaving(WELL) as good, before(refused_url(), good.url) as proxy:
        told = await ask(proxy, stream)
    assert (told.status, told.text) == (200, "Hello")


@both
async def test_a_tls_handshake_that_hangs_is_told_and_falls_back(stream: bool) -> None:
    async with misbehaving(WELL) as good, misbehaving(hanging()) as silent:
        url = silent.url.replace("http:", "https:")
        async with before(url) as proxy:
            told = await ask(proxy, stream)
        assert (told.status, told.error["type"]) == (504, "timeout_error")
        async with before(url, good.url) as proxy:
            told = await ask(proxy, stream)
        assert (told.status, told.text) == (200, "Hello")


@both
async def test_an_upstream_that_recovers_answers_the_second_try(stream: bool) -> None:
    failures = [resetting(), refusing(503, "0")]

    async def recovering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await (failures.pop() if len(failures) > 1 else WELL)(reader, writer)

    async with misbehaving(recovering) as hostile, before(hostile.url) as proxy:
        told = await ask(proxy, stream)
    assert (told.status, told.text, hostile.asked) == (200, "Hello", 2)


MESSAGE = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","type":"message",'
    b'"role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,'
    b'"usage":{"input_tokens":3,"output_tokens":1}}}\n\n'
    b'event: content_block_start\ndata: {"type":"content_block_start","index":0,'
    b'"content_block":{"type":"text","text":""}}\n\n'
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
    b'"delta":{"type":"text_delta","text":"Hel"}}\n\n'
)
START, BLOCK = MESSAGE.split(b"event: content_block_start", 1)[0], MESSAGE
OVERLOADED = (
    b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'
)

PASSED_THROUGH = (
    Fault("reset before the headers", resetting(), 502, "api_error"),
    Fault("reset after the start", resetting(open_head(START)), 502, "api_error"),
    Fault("hangs before the headers", hanging(), 504, "timeout_error"),
    Fault("hangs after the start", hanging(open_head(START)), 504, "timeout_error"),
    Fault("hangs after content", hanging(open_head(BLOCK)), 504, "timeout_error", 1, has_begun=True),
    Fault("an error at once", saying(OVERLOADED), 529, "overloaded_error"),
    Fault("an error after the start", saying(START, OVERLOADED), 529, "overloaded_error"),
    Fault("an error after content", saying(BLOCK, OVERLOADED), 529, "overloaded_error", 1, has_begun=True),
    Fault("pings for ever", endless(START, b"event: ping\ndata: {}\n\n"), 504, "timeout_error"),
    *refusal(401, 401, "authentication_error", 1)[:1],
    *refusal(529, 529, "overloaded_error", 2),
)


@pytest.mark.parametrize("fault", PASSED_THROUGH, ids=str)
@both
async def test_an_upstream_that_speaks_the_protocol_itself_fails_the_same_ways(
    fault: Fault, stream: bool
) -> None:
    async with misbehaving(fault.behave) as hostile:
        async with before(hostile.url, dialect="anthropic-messages") as proxy:
            told = await ask(proxy, stream)
            await left(hostile)
        assert hostile.asked == fault.tries
    assert told.error["type"] == fault.type
    if fault.has_begun and stream:
        assert (told.status, told.text) == (200, "Hel")
    else:
        assert (told.status, told.retry_after) == (fault.status, fault.retry_after)
