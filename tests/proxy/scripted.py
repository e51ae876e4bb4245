"""A scripted upstream inside the process, and a running proxy in front of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, TypeVar

import aiohttp
from pydantic import SecretStr

from proxy.config import Alias, Candidate, ProviderConfig, ProxyConfig, RetryPolicy, ServerConfig
from proxy.context import RequestContext
from proxy.events import ProxyEvent
from proxy.messages.errors import UpstreamError
from proxy.messages.message import JsonObject
from proxy.server.app import ProxyServer
from proxy.server.limits import Limits
from proxy.service.connections import UpstreamFactory
from proxy.service.record import Announcer, RequestRecord
from proxy.service.tool_desk import Host
from proxy.tools.workspaces import Machine

Kind = TypeVar("Kind")

TOKEN = "local-" + "token-" + "0123456789abcdef"
BODY: JsonObject = {"model": "big", "max_tokens": 64, "messages": [{"role": "user", "content": "hi"}]}
ONE_TRY = RetryPolicy(tries=1)
HOST = Host(Machine("/home/nobody"), redact=lambda text: text)
"""A machine on which nothing is secret and nobody is at home."""


def line(value: JsonObject | str) -> bytes:
    """One event of a chat-completions stream."""
    return b"data: " + (value if isinstance(value, str) else json.dumps(value)).encode() + b"\n\n"


def delta(finish: str | None = None, **parts: Any) -> bytes:
    """One chunk with one choice."""
    return line({"id": "c1", "choices": [{"index": 0, "delta": parts, "finish_reason": finish}]})


USAGE = line(
    {"id": "c1", "choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 7, "cost": 0.25}}
)
DONE = line("[DONE]")
HELLO = (delta(role="assistant", content="Hel"), delta(content="lo"), delta("stop"), USAGE, DONE)
"""A whole answer: "Hello"."""


@dataclass(slots=True)
class Reply:
    """One scripted answer: pieces of the body; an Event among them is waited for, an exception raised."""

    pieces: Sequence[bytes | asyncio.Event | UpstreamError] = HELLO
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "text/event-stream"})
    is_closed: asyncio.Event = field(default_factory=asyncio.Event)
    left: Iterator[bytes | asyncio.Event | UpstreamError] = field(init=False)

    def __post_init__(self) -> None:
        self.left = iter(self.pieces)

    def anew(self) -> Reply:
        """The same, from its beginning."""
        return replace(self)

    async def read(self) -> bytes:
        for piece in self.left:
            if isinstance(piece, asyncio.Event):
                await piece.wait()
            elif isinstance(piece, UpstreamError):
                raise piece
            elif piece:
                return piece
        return b""

    async def aclose(self) -> None:
        self.is_closed.set()


@dataclass(slots=True)
class ScriptedUpstream:
    """Gives its replies in turn, the last one for ever, and keeps what it was asked."""

    replies: list[Reply | UpstreamError] = field(default_factory=lambda: [Reply()])
    asked: list[JsonObject] = field(default_factory=list[JsonObject])
    headers: list[Mapping[str, str]] = field(default_factory=list[Mapping[str, str]])
    is_asked: asyncio.Event = field(default_factory=asyncio.Event)
    is_closed: bool = False

    async def open(self, path: str, payload: JsonObject, headers: Mapping[str, str]) -> Reply:
        self.asked.append(payload)
        self.headers.append(headers)
        self.is_asked.set()
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, UpstreamError):
            raise reply
        return reply.anew()

    async def aclose(self) -> None:
        self.is_closed = True


def provider(name: str = "one", **more: Any) -> ProviderConfig:
    return ProviderConfig(
        name, more.pop("dialect", "openai-chat"), more.pop("base_url", "http://127.0.0.1:9/v1"), **more
    )


def proxy_config(*names: str, **server: Any) -> ProxyConfig:
    """Providers of these names, and the aliases `big` over all of them and `small` over the first."""
    providers = {name: provider(name) for name in names or ("one",)}
    candidates = tuple(Candidate(name, f"model-of-{name}") for name in providers)
    return ProxyConfig(
        ServerConfig(SecretStr(TOKEN), port=0, **server),
        MappingProxyType(providers),
        (Alias("big", ("claude-*sonnet*",), candidates), Alias("small", ("claude-*haiku*",), candidates[:1])),
    )


def record() -> RequestRecord:
    """A request's record that nobody listens to."""
    announcer = Announcer(lambda _: None, lambda: 0.0, lambda: 0.0, 0)
    return RequestRecord(RequestContext("req_1"), announcer, {})


class Announced(list[ProxyEvent]):
    """The announced events in order; `until` waits for one of a kind."""

    def __init__(self) -> None:
        super().__init__()
        self._came = asyncio.Event()

    def take(self, event: ProxyEvent) -> None:
        self.append(event)
        self._came.set()
        self._came = asyncio.Event()

    async def until(self, kind: type[Kind]) -> Kind:
        while True:
            for event in self:
                if isinstance(event, kind):
                    return event
            await asyncio.wait_for(self._came.wait(), 5)


@dataclass(slots=True)
class Running:
    """A proxy that listens."""

    server: ProxyServer
    url: str
    events: Announced
    http: aiohttp.ClientSession

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def post(self, body: Any = None, path: str = "/v1/messages", **headers: str) -> Any:
        """Sends a request with the token; an async context manager, as aiohttp's."""
        return self.http.post(
            self.url + path,
            data=json.dumps(BODY if body is None else body),
            headers={"x-api-key": TOKEN, "content-type": "application/json", **headers},
        )

    def of(self, kind: type[Any]) -> list[Any]:
        """The announced events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]


@asynccontextmanager
async def running(
    upstreams: Mapping[str, ScriptedUpstream] | None = None,
    config: ProxyConfig | None = None,
    limits: Limits | None = None,
    retry: RetryPolicy = ONE_TRY,
    make_upstream: UpstreamFactory | None = None,
    **more: Any,
) -> AsyncGenerator[Running]:
    """Starts a proxy whose providers are the scripted upstreams of their names; nothing is tried twice."""
    scripted = {"one": ScriptedUpstream()} if upstreams is None else upstreams
    events = Announced()
    more.setdefault("host", HOST)
    server = ProxyServer(
        replace(config or proxy_config(*scripted), retry=retry),
        events.take,
        limits=limits,
        make_upstream=make_upstream or (lambda provider: scripted[provider.name]),
        **more,
    )
    url = await server.start()
    async with aiohttp.ClientSession() as http:
        try:
            yield Running(server, url, events, http)
        finally:
            await server.stop(0)
