"""A scripted HTTP server on loopback, to be called by the real upstream clients."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class WebUpstream:
    """What the server was asked, and where it is."""

    url: str = ""
    asked: list[web.Request] = field(default_factory=list[web.Request])
    bodies: list[bytes] = field(default_factory=list[bytes])
    reader_left: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def serving(handler: Handler) -> AsyncGenerator[WebUpstream]:
    """Answers every request with `handler`."""
    upstream = WebUpstream()

    async def answer(request: web.Request) -> web.StreamResponse:
        upstream.asked.append(request)
        upstream.bodies.append(await request.read())
        try:
            return await handler(request)
        except (asyncio.CancelledError, ConnectionError):
            upstream.reader_left.set()
            raise

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    upstream.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield upstream
    finally:
        await runner.cleanup()


def saying(*pieces: bytes, status: int = 200, content_type: str = "text/event-stream") -> Handler:
    """A handler that sends the pieces and ends."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=status, headers={"Content-Type": content_type})
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
        return response

    return handler


def stalling(*pieces: bytes, prepare: bool = True) -> Handler:
    """A handler that sends the pieces and then says nothing more, ever."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        if prepare:
            await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
        await asyncio.Event().wait()
        return response

    return handler
