"""When a silent stream is pinged: a ping vouches for something that was heard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from proxy.messages import events
from proxy.messages.events import StreamEvent
from proxy.server.limits import Limits
from proxy.server.sse_response import SseResponse
from proxy.service.record import RequestRecord
from tests.proxy.scripted import record

LIMITS = Limits(first_ping_s=0.01, next_ping_s=0.01)
PING = b'event: ping\ndata: {"type":"ping"}\n\n'
Batches = AsyncGenerator[list[StreamEvent] | None, None]


@asynccontextmanager
async def answering(batches: Callable[[RequestRecord], Batches]) -> AsyncGenerator[aiohttp.StreamReader]:
    """The body of an answer made of these batches."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        kept = record()
        response = SseResponse(request, kept, LIMITS)
        await response.relay(batches(kept))
        return await response.finish()

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    async with aiohttp.ClientSession() as http, http.get(f"http://{host}:{port}/") as response:
        yield response.content
    await runner.cleanup()


def many_pings_later() -> asyncio.Event:
    later = asyncio.Event()
    asyncio.get_running_loop().call_later(20 * LIMITS.next_ping_s, later.set)
    return later


async def test_the_status_that_begins_an_answer_is_worth_one_ping_and_silence_after_it_none() -> None:
    async def batches(_: RequestRecord) -> Batches:
        yield []
        await many_pings_later().wait()
        yield [events.ping()]

    async with answering(batches) as body:
        assert await body.read() == PING * 2


async def test_every_byte_of_the_upstream_is_worth_another_ping_even_where_it_brings_nothing() -> None:
    heard = asyncio.Event()

    async def batches(kept: RequestRecord) -> Batches:
        yield []
        await heard.wait()
        kept.upstream_replied(b": PROCESSING\n\n")
        await many_pings_later().wait()
        yield [events.ping()]

    async with answering(batches) as body:
        assert await body.readuntil(b"\n\n") == PING
        heard.set()
        assert await body.read() == PING * 2


async def test_while_tools_run_here_pings_go_on() -> None:
    enough = asyncio.Event()

    async def batches(kept: RequestRecord) -> Batches:
        yield []
        kept.is_at_work = True
        await enough.wait()
        yield [events.ping()]

    async with answering(batches) as body:
        for _ in range(3):
            assert await body.readuntil(b"\n\n") == PING
        enough.set()
        await body.read()


async def test_another_try_begins_with_a_status_of_its_own() -> None:
    async def batches(_: RequestRecord) -> Batches:
        for _try in range(2):
            yield []
            await many_pings_later().wait()
            yield None

    async with answering(batches) as body:
        assert await body.read() == PING * 2
