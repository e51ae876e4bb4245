"""The load generator: keep-alive connections on uvloop, each with its next request when one is answered."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import uvloop

from benchmarks.rig.programs import TOKEN, Program

T = TypeVar("T")

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_SYSTEM = "You are a careful assistant that helps with software. " * 20
_QUESTION = "What does this function do, and is there a simpler way to write it? " * 8


def request_bytes(program: Program, model: str, *, stream: bool = False, text: str = _QUESTION) -> bytes:
    """Returns a whole HTTP request of the program's kind: a system prompt and a question, about 2 KB."""
    if program.shape == "messages":
        said: dict[str, Any] = {"system": _SYSTEM, "messages": [{"role": "user", "content": text}]}
    else:
        turns = [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": text}]
        said = {"messages": turns}
    body = json.dumps({"model": model, "max_tokens": 1024, "stream": stream, **said}).encode()
    head = (
        f"POST {program.path} HTTP/1.1\r\nHost: {urlsplit(program.url).netloc}\r\nUser-Agent: bench/1\r\n"
        f"Accept: */*\r\nContent-Type: application/json\r\nanthropic-version: 2023-06-01\r\n"
        f"Authorization: Bearer {TOKEN}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@dataclass
class Sample:
    """One answered request."""

    first_s: float
    """Until the first byte of the answer's body."""
    total_s: float
    body: bytes = field(repr=False, default=b"")


class Connection(asyncio.Protocol):
    """One connection, which carries one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answered: asyncio.Future[Sample] | None = None
        self._pieces: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the way out."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tells whoever waits."""
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(exc or ConnectionError("the server closed the connection"))

    async def ask(self, request: bytes) -> Sample:
        """Sends a request and waits for its whole answer."""
        if self._transport is None:
            raise ConnectionError("not connected")
        self._pieces, self._head, self._needed, self._size = [], b"", -1, 0
        self._first_at = 0.0
        self._answered = asyncio.get_running_loop().create_future()
        self._sent_at = time.perf_counter()
        self._transport.write(request)
        return await self._answered

    def close(self) -> None:
        """Hangs up."""
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Collects the answer and notices its end."""
        if self._needed == -1:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            head, data = self._head[:end], self._head[end + 4 :]
            if not head.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"the server answered {head[:200]!r} {data[:500]!r}")
            length = _LENGTH.search(head)
            self._needed = int(length[1]) if length else -2
        if not data:
            return
        if not self._first_at:
            self._first_at = time.perf_counter()
        self._pieces.append(data)
        self._size += len(data)
        # A chunked body ends so and nothing inside ours can; the mark may lie across two pieces.
        is_over = (
            self._size >= self._needed
            if self._needed >= 0
            else (b"".join(self._pieces[-6:])).endswith(b"0\r\n\r\n")
        )
        if is_over and self._answered is not None:
            now = time.perf_counter()
            body = b"".join(self._pieces)
            self._answered.set_result(Sample(self._first_at - self._sent_at, now - self._sent_at, body))


async def connect(program: Program, count: int) -> list[Connection]:
    """Opens connections."""
    place = urlsplit(program.url)
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(Connection, place.hostname or "", place.port or 0) for _ in range(count)
    ]
    return [each[1] for each in made]


async def many(program: Program, request: bytes, clients: int, seconds: float) -> tuple[int, float]:
    """Loads a server for a while; returns the number of answers and how long it took."""
    connections = await connect(program, clients)
    began = time.perf_counter()

    async def converse(connection: Connection) -> int:
        count = 0
        while time.perf_counter() - began < seconds:
            await connection.ask(request)
            count += 1
        return count

    counts = await asyncio.gather(*map(converse, connections))
    took_s = time.perf_counter() - began
    for each in connections:
        each.close()
    return sum(counts), took_s


async def many_requests(program: Program, request: bytes, clients: int, count: int) -> None:
    """Sends so many requests over several connections."""
    connections = await connect(program, clients)
    left = iter(range(count))

    async def converse(connection: Connection) -> None:
        for _ in left:
            await connection.ask(request)

    await asyncio.gather(*map(converse, connections))
    for each in connections:
        each.close()


async def one_by_one(program: Program, request: bytes, count: int) -> list[Sample]:
    """Sends requests one after the other over one connection."""
    (connection,) = await connect(program, 1)
    samples = [await connection.ask(request) for _ in range(count)]
    connection.close()
    return samples


async def at_once(program: Program, request: bytes, clients: int) -> list[Sample]:
    """Sends one request over each of many connections."""
    connections = await connect(program, clients)
    samples = await asyncio.gather(*(each.ask(request) for each in connections))
    for each in connections:
        each.close()
    return samples


def dechunked(body: bytes) -> bytes:
    """Returns a chunked body's content."""
    content: list[bytes] = []
    at = 0
    while True:
        end = body.index(b"\r\n", at)
        size = int(body[at:end], 16)
        if size == 0:
            return b"".join(content)
        content.append(body[end + 2 : end + 2 + size])
        at = end + 2 + size + 2


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs the load."""
    return uvloop.run(work)
