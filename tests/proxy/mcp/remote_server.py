"""A remote MCP server on loopback, of the official SDK; and plain answers that are none."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from aiohttp import web
from mcp.server import MCPServer

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def adding() -> MCPServer:
    server = MCPServer("remote", version="3.0")

    @server.tool()
    def add(a: int, b: int) -> int:
        """Adds two numbers."""
        return a + b

    return server


@asynccontextmanager
async def serving(app: Any) -> AsyncGenerator[str, None]:
    """Serves an ASGI application; yields its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on", timeout_graceful_shutdown=1))
    task = asyncio.get_running_loop().create_task(server.serve([listener]))
    try:
        while not server.started:  # noqa: ASYNC110 - uvicorn tells nobody
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listener.close()


@asynccontextmanager
async def answering(handler: Handler) -> AsyncGenerator[str, None]:
    """Serves every request with one handler; yields its address."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
