"""A site on loopback that answers byte for byte as scripted, and a fetcher for which its names exist."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from proxy.permissions.addresses import as_network
from proxy.permissions.urls import NetworkFacts
from proxy.permissions.values import Policy
from proxy.tools.web.fetcher import Fetcher
from tests.proxy.permissions.web_rules import p3

Script = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]

TEST_INTERNET = NetworkFacts(public=(as_network("127.0.0.0/8"),))
"""Loopback stands for the internet, so that everything but the addresses is as it is there."""
RULES: Policy = p3()


@dataclass(slots=True)
class Site:
    """What the site was asked, and where it is."""

    port: int = 0
    asked: list[str] = field(default_factory=list[str])
    """The head of each request."""

    def url(self, path: str = "/", *, host: str = "docs.example.com", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    @property
    def paths(self) -> list[str]:
        return [head.split(" ")[1] for head in self.asked]


@asynccontextmanager
async def site_of(pages: Mapping[str, Script], *, tls: ssl.SSLContext | None = None) -> AsyncGenerator[Site]:
    """Answers each path as scripted and closes the connection; a path that is missing is not found."""
    site = Site()
    open_connections: dict[asyncio.StreamWriter, asyncio.Task[object] | None] = {}

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        site.asked.append(head)
        script = pages.get(head.split(" ")[1], page(b"nothing here", status="404 Not Found"))
        if isinstance(script, bytes):
            writer.write(script)
        else:
            await script(writer)
        await writer.drain()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_connections[writer] = asyncio.current_task()
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await speak(reader, writer)
        writer.close()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await writer.wait_closed()
        del open_connections[writer]

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.close()
        tasks = [task for task in open_connections.values() if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def page(body: bytes = b"", kind: str = "text/plain", *, status: str = "200 OK", more: str = "") -> bytes:
    """Returns a whole answer; `more` holds further header lines, each with its line end."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode("latin-1") + body


def moved(location: str, status: str = "302 Found", more: str = "") -> bytes:
    return page(b"", status=status, more=f"Location: {location}\r\n{more}")


@dataclass(slots=True)
class Names:
    """A resolver with given answers; what it is not told of is on loopback."""

    answers: dict[str, list[Sequence[str]]] = field(default_factory=dict[str, "list[Sequence[str]]"])
    """Of each name the answers of successive look-ups; the last stays."""
    asked: list[str] = field(default_factory=list[str])

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        known = self.answers.get(host)
        if known is None:
            return ["127.0.0.1"]
        found = known.pop(0) if len(known) > 1 else known[0]
        if not found:
            raise OSError(f"no such name: {host}:{port}")
        return found


@asynccontextmanager
async def fetching(
    names: Names | None = None,
    *,
    facts: NetworkFacts = TEST_INTERNET,
    tls: ssl.SSLContext | None = None,
    timeout_s: float = 20.0,
) -> AsyncGenerator[Fetcher]:
    """A fetcher for which loopback is the internet."""
    fetcher = Fetcher(
        lambda: facts, lookup=names or Names(), own_addresses=frozenset, tls=tls, timeout_s=timeout_s
    )
    try:
        yield fetcher
    finally:
        await fetcher.aclose()
