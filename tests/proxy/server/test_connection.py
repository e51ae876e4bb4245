"""How long a client may take, and how many may come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp.base_protocol import BaseProtocol

from proxy.events import RequestRefused
from proxy.server.connection import ConnectionState
from proxy.server.limits import Limits
from tests.proxy.scripted import TOKEN, running

HEAD = (
    "POST /v1/messages HTTP/1.1\r\nHost: localhost:%d\r\n"
    f"x-api-key: {TOKEN}\r\ncontent-type: application/json\r\n"
)
HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost:%d\r\n\r\n"


@asynccontextmanager
async def connected(port: int) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def test_a_silent_connection_is_closed() -> None:
    async with (
        running(limits=Limits(idle_s=0.1, sweep_s=0.02)) as proxy,
        connected(proxy.port) as (reader, _),
    ):
        assert await reader.read() == b""


async def test_a_connection_kept_alive_is_closed_when_it_is_idle() -> None:
    async with (
        running(limits=Limits(idle_s=0.1, sweep_s=0.02)) as proxy,
        connected(proxy.port) as (reader, writer),
    ):
        writer.write(HEALTH % proxy.port)
        assert (await reader.read()).startswith(b"HTTP/1.1 200")


async def test_headers_that_drip_are_cut_off() -> None:
    limits = Limits(header_s=0.1, sweep_s=0.02)
    async with running(limits=limits) as proxy, connected(proxy.port) as (reader, writer):
        writer.write(b"GET /health HTTP/1.1\r\nHost: localho")
        assert await reader.read() == b""


async def test_a_small_body_that_does_not_come_is_a_408_and_closes() -> None:
    limits = Limits(small_body_s=0.1, sweep_s=0.02)
    async with running(limits=limits) as proxy, connected(proxy.port) as (reader, writer):
        writer.write((HEAD % proxy.port + "Content-Length: 500\r\n\r\n{").encode())
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"invalid_request_error" in answer
        assert [refused.status for refused in proxy.of(RequestRefused)] == [408]


async def test_a_client_is_invited_to_send_the_body_it_announced() -> None:
    async with running() as proxy, connected(proxy.port) as (reader, writer):
        writer.write((HEAD % proxy.port + "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n").encode())
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"{}")
        assert (await reader.readline()).startswith(b"HTTP/1.1 400")


async def test_the_longest_idle_stranger_makes_room() -> None:
    limits = Limits(max_connections=2, stranger_grace_s=0)
    async with (
        running(limits=limits) as proxy,
        connected(proxy.port) as (oldest, _),
        connected(proxy.port),
        connected(proxy.port) as (reader, writer),
    ):
        assert await oldest.read() == b""
        writer.write(HEALTH % proxy.port)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")


async def test_one_connection_too_many_is_told_so() -> None:
    limits = Limits(max_connections=1, stranger_grace_s=60)
    async with running(limits=limits) as proxy, connected(proxy.port), connected(proxy.port) as (reader, _):
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 503")
        assert b"overloaded_error" in answer


async def test_strangers_beyond_their_number_are_closed() -> None:
    limits = Limits(max_strangers=1, stranger_grace_s=0, sweep_s=0.02)
    async with running(limits=limits) as proxy, connected(proxy.port) as (first, _), connected(proxy.port):
        assert await first.read() == b""


@pytest.mark.parametrize(
    ("length", "received", "elapsed", "is_overdue"),
    [
        (100, 0, 29.9, False),
        (100, 99, 30.0, True),
        (10**6, 0, 9.9, False),
        (10**6, 10 * 1024, 10.0, False),
        (10**6, 10 * 1024 - 1, 10.0, True),
        (None, 0, 10.0, True),
        (None, 40 * 1024, 40.0, False),
    ],
)
async def test_a_body_must_keep_a_pace(
    length: int | None, received: int, elapsed: float, is_overdue: bool
) -> None:
    state = ConnectionState(0.0)
    state.body_begins(aiohttp.StreamReader(BaseProtocol(asyncio.get_running_loop()), 2**16), length, 100.0)
    state.body_received = received
    assert state.is_body_overdue(Limits(), 100.0 + elapsed) is is_overdue
