"""The faults of upstreams, a proxy before such upstreams, and what may be left of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
import psutil
import pytest
from pydantic import SecretStr

from proxy.config import (
    Alias,
    Budgets,
    Candidate,
    DialectName,
    ProviderConfig,
    ProxyConfig,
    RetryPolicy,
    ServerConfig,
)
from proxy.server.app import ProxyServer
from proxy.service.connections import upstream_of
from proxy.service.storage import StorageConfig
from tests.proxy.scripted import BODY, HOST, TOKEN, Announced, Running, line
from tests.proxy.service.hostile import (
    HEAD,
    Behaviour,
    Hostile,
    chunked,
    endless,
    hanging,
    raw,
    refusing,
    resetting,
    saying,
    truncated_gzip,
)
from tests.proxy.service.spoken import Spoken

RETRY = RetryPolicy(tries=2, first_wait_s=0.01, longest_wait_s=1.5, total_s=20)
LIKE_THE_DEFAULTS = RetryPolicy(tries=2, first_wait_s=0.01, longest_wait_s=0.1, total_s=0.12)
"""In the defaults' proportions: silence before the first byte is borne longer than all tries may take."""
DEADLINE_S = 10.0
"""Far above what the small deadlines below add up to, far below the real ones."""
TOO_LONG = {"error": {"message": "This model's maximum context length is 1000 tokens, you sent 2000 tokens."}}
BUDGET = Budgets(day_micro_usd=10**12)
"""Never used up, but every request reserves from it."""

both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


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

    @property
    def takes_time(self) -> bool:
        """Only a deadline ends it, and no content came before."""
        return not self.has_begun and self.name.startswith(("hangs", "comments"))

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


_TOLD: Mapping[str, tuple[int, str]] = {
    "garbage": (529, "overloaded_error"),
    "nothing but the end": (500, "api_error"),
    "a huge event": (529, "overloaded_error"),
    "a huge event after content": (529, "overloaded_error"),
}
"""Where the meaning is another one in the Messages dialect: events that cannot be read are passed over there,
and honest ones (documents, search results) may be larger."""


def faults_of(spoken: Spoken) -> tuple[Fault, ...]:
    """Every fault, in one dialect's words, and what it means."""
    if spoken.dialect == "openai-chat":
        no_choices = saying(line({"id": "c1", "choices": []}), spoken.done)
        return *_faults(spoken), Fault("no choices", no_choices, 529, "overloaded_error")
    return tuple(
        replace(fault, status=status, type=kind)
        for fault in _faults(spoken)
        for status, kind in [_TOLD.get(fault.name, (fault.status, fault.type))]
    )


def _faults(spoken: Spoken) -> tuple[Fault, ...]:
    """Every fault, and what it means where the upstream speaks chat completions."""
    start, content, more = spoken.start, *spoken.hello[:2]
    error, done = spoken.error, spoken.done
    return (
        Fault("reset before the headers", resetting(), 502, "api_error"),
        Fault("reset inside the headers", resetting(b"HTTP/1.1 200 OK\r\nConte"), 502, "api_error"),
        Fault("reset after the headers", resetting(open_head()), 502, "api_error"),
        Fault("reset inside a chunk", resetting(HEAD, b"\r\n40\r\ndata: {"), 502, "api_error"),
        Fault("reset after content", resetting(open_head(content)), 500, "api_error", 1, has_begun=True),
        Fault("closed before the headers", raw(b""), 502, "api_error"),
        Fault("hangs before the headers", hanging(), 504, "timeout_error"),
        Fault("hangs inside the headers", hanging(b"HTTP/1.1 200 OK\r\nContent-Ty"), 504, "timeout_error"),
        Fault("hangs after the headers", hanging(HEAD, b"\r\n"), 504, "timeout_error"),
        Fault("hangs inside a chunk", hanging(open_head(), b"40\r\ndata: {"), 504, "timeout_error"),
        Fault("hangs after a comment", hanging(open_head(b": PROCESSING\n\n")), 504, "timeout_error"),
        Fault("reset after the start", resetting(open_head(start)), 502, "api_error"),
        Fault("hangs after the start", hanging(open_head(start)), 504, "timeout_error"),
        Fault("closed inside a chunk", raw(HEAD + b"\r\n40\r\ndata: {"), 502, "api_error"),
        Fault(
            "closed inside a chunk after content",
            raw(open_head(content) + b"40\r\ndata: {"),
            500,
            "api_error",
            1,
            has_begun=True,
        ),
        Fault("hangs after content", hanging(open_head(content)), 504, "timeout_error", 1, has_begun=True),
        Fault("half an event", saying(b'data: {"id":"c1","choi'), 529, "overloaded_error"),
        Fault(
            "half an event after content",
            saying(content, b'data: {"id"'),
            529,
            "overloaded_error",
            1,
            has_begun=True,
        ),
        Fault("no end after content", saying(content), 529, "overloaded_error", 1, has_begun=True),
        Fault("no HTTP", raw(b"\x00\xff\x13 hello, is it me?\r\n\r\n" * 20), 502, "api_error"),
        Fault(
            "a web page", saying(b"<html><body>Welcome to the hotel</body></html>"), 529, "overloaded_error"
        ),
        Fault("garbage", saying(b"data: \xff\xfe{{{[[\n\ndata: nonsense\n\n"), 500, "api_error"),
        Fault("nothing", saying(), 529, "overloaded_error"),
        Fault("nothing but the end", saying(done), 529, "overloaded_error"),
        Fault("an error at once", saying(error), 529, "overloaded_error"),
        Fault("an error after content", saying(content, error), 529, "overloaded_error", 1, has_begun=True),
        Fault("comments for ever", endless(b": a\n\n", b": b\n\n"), 504, "timeout_error"),
        Fault("content for ever", endless(content, more), 504, "timeout_error", 1, has_begun=True),
        Fault("a huge event", saying(b"data: " + b"x" * (3 * 2**20)), 500, "api_error"),
        Fault(
            "a huge event after content",
            saying(content, b"data: " + b"x" * (3 * 2**20)),
            500,
            "api_error",
            1,
            has_begun=True,
        ),
        Fault("truncated gzip", truncated_gzip(content, done), 529, "overloaded_error"),
        Fault("a redirect", refusing(302, Location="https://elsewhere.example/"), 500, "api_error", 1),
        Fault("a redirect that keeps the method", refusing(307, Location="/v2"), 500, "api_error", 1),
        *refusal(400, 400, "invalid_request_error", 1, is_final=True),
        *refusal(401, 401, "authentication_error", 1),
        *refusal(402, 402, "billing_error", 1),
        *refusal(403, 403, "permission_error", 1),
        *refusal(404, 404, "not_found_error", 1),
        *refusal(408, 504, "timeout_error", 2),
        *refusal(409, 409, "conflict_error", 2),
        *refusal(413, 413, "request_too_large", 1),
        *refusal(422, 400, "invalid_request_error", 1),
        Fault("too long for it", refusing(400, body=TOO_LONG), 400, "invalid_request_error", 1),
        *refusal(429, 429, "rate_limit_error", 2),
        *refusal(500, 500, "api_error", 2),
        *refusal(502, 529, "overloaded_error", 2),
        *refusal(503, 529, "overloaded_error", 2),
        *refusal(529, 529, "overloaded_error", 2),
    )


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
async def before(
    *urls: str,
    dialect: DialectName = "openai-chat",
    storage: StorageConfig | None = None,
    retry: RetryPolicy = RETRY,
) -> AsyncGenerator[Running]:
    """A proxy with one alias over these upstreams; when it has stopped nothing of it may be left."""
    tasks = asyncio.all_tasks()
    providers = {f"p{index}": impatient(f"p{index}", url, dialect) for index, url in enumerate(urls)}
    config = ProxyConfig(
        ServerConfig(SecretStr(TOKEN), port=0),
        providers,
        (Alias("big", (), tuple(Candidate(name, f"m-{name}") for name in providers)),),
        retry=retry,
        budgets=BUDGET,
    )
    events = Announced()
    server = ProxyServer(config, events.take, host=HOST, make_upstream=upstream_of, storage=storage)
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
    """No place is taken, no candidate is busy, no upstream is in use, no probe waits, nothing is reserved."""
    health = server._health
    assert {line.busy for line in health._lines.values()} <= {0}
    assert {known.in_flight for known in health._known.values()} <= {0}
    assert {known.breaker.state for known in health._known.values()} <= {"closed", "open"}
    assert {kept.users for kept in server._connections._kept.values()} <= {0}
    assert server._ledger._reserved == {}
    assert [each.reserved_micro_usd for each in server.spending().budgets] == [0]


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
