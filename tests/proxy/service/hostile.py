"""An upstream on loopback that misbehaves at every stage of HTTP, written on bare sockets."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, cast

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"


def chunked(*pieces: bytes, is_whole: bool = True) -> bytes:
    """The pieces in HTTP's chunked coding."""
    coded = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return coded + (b"0\r\n\r\n" if is_whole else b"")


def saying(*pieces: bytes, is_whole: bool = True, head: bytes = b"") -> Behaviour:
    """Sends a streamed answer of these pieces, ended or not."""

    async def behave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + head + b"\r\n" + chunked(*pieces, is_whole=is_whole))
        await writer.drain()

    return behave


def raw(data: bytes) -> Behaviour:
    """Sends bytes as they are and closes."""

    async def behave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        writer.close()

    return behave


def refusing(status: int, retry_after: str | None = None, body: Any = None, **headers: str) -> Behaviour:
    """Answers with a status and an error body."""
    data = json.dumps({"error": {"message": f"no, {status}"}} if body is None else body).encode()
    told: dict[str, str] = {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}
    if retry_after is not None:
        told["Retry-After"] = retry_after
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    answer = f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode() + data

    async def behave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    return behave


def resetting(*pieces: bytes) -> Behaviour:
    """Sends something and resets the connection."""

    async def behave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"".join(pieces))
        await writer.drain()
        for _round in range(50):  # the reader's loop is ours: let it read, because a reset discards the rest
            await asyncio.sleep(0)
        writer.transport.abort()

    return behave


def hanging(*pieces: bytes) -> Behaviour:
    """Sends something and then nothing more, until the reader leaves."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"".join(pieces))
        await writer.drain()
        await reader.read()

    return behave


def endless(first: bytes, piece: bytes) -> Behaviour:
    """Sends something and then the same piece for ever."""

    async def behave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"\r\n" + chunked(first, is_whole=False))
        while True:
            writer.write(chunked(piece, is_whole=False))
            await writer.drain()
            await asyncio.sleep(0)

    return behave


def truncated_gzip(*pieces: bytes) -> Behaviour:
    """Sends the beginning of a compressed answer, as a whole one."""
    data = gzip.compress(b"".join(pieces))
    return saying(data[: len(data) // 2], head=b"Content-Encoding: gzip\r\n")


@dataclass(slots=True)
class Hostile:
    """A server that does to each request what it is told to."""

    behave: Behaviour
    url: str = ""
    asked: int = 0
    is_idle: asyncio.Event = field(default_factory=asyncio.Event)
    """No answer is under way; a kept connection may be open."""
    connections: set[asyncio.Task[Any]] = field(default_factory=set[asyncio.Task[Any]])
    _busy: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        self.connections.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while not writer.is_closing() and await self._read_request(reader):
                await self._answer(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        self.connections.discard(task)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        self._busy += 1
        self.is_idle.clear()
        try:
            await self.behave(reader, writer)
        finally:
            self._busy -= 1
            if not self._busy:
                self.is_idle.set()

    async def _read_request(self, reader: asyncio.StreamReader) -> bool:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            received = await reader.readline()
            if not received:
                return False
            head += received
        headers: Mapping[str, str] = dict(
            each.lower().split(": ", 1) for each in head.decode().split("\r\n")[1:-2]
        )
        await reader.readexactly(int(headers["content-length"]))
        return True


@asynccontextmanager
async def misbehaving(behave: Behaviour) -> AsyncGenerator[Hostile]:
    """A server that behaves so."""
    hostile = Hostile(behave)
    hostile.is_idle.set()
    server = await asyncio.start_server(hostile.serve, "127.0.0.1", 0)
    hostile.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield hostile
    finally:
        server.close()
        await server.wait_closed()
        if hostile.connections:
            await asyncio.wait(set(hostile.connections), timeout=2)
