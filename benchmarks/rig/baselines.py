"""What our server is compared with, each as bare as such a program can be.

python -m benchmarks.rig.baselines forwarder|sdk|relay|listener|tray [UPSTREAM_URL]
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from aiohttp import web


def _announce(**facts: object) -> None:
    print(json.dumps(facts), flush=True)


async def _listen(handler: Any) -> None:
    app = web.Application(client_max_size=64 * 2**20)
    app.router.add_post("/v1/chat/completions", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    _announce(url=f"http://127.0.0.1:{runner.addresses[0][1]}")
    await asyncio.Event().wait()


async def forwarder(upstream: str) -> None:
    """Passes bytes on, both ways, as they come."""
    import aiohttp  # noqa: PLC0415 - what a baseline needs, and no more

    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def handle(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {"Content-Type": "application/json"}
        async with session.post(f"{upstream}/v1/chat/completions", data=body, headers=headers) as answer:
            if answer.content_type != "text/event-stream":
                return web.Response(body=await answer.read(), content_type=answer.content_type)
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
            async for piece in answer.content.iter_any():
                await response.write(piece)
            await response.write_eof()
            return response

    await _listen(handle)


async def sdk(upstream: str) -> None:
    """A hop through the openai SDK's `create`, on its faster transport."""
    import openai  # noqa: PLC0415 - likewise

    client = openai.AsyncOpenAI(
        api_key="none",
        base_url=f"{upstream}/v1",
        max_retries=0,
        http_client=openai.DefaultAioHttpClient(),
    )
    create: Any = client.chat.completions.create

    async def handle(request: web.Request) -> web.StreamResponse:
        answer = await create(**await request.json())
        return web.json_response(text=answer.model_dump_json())

    await _listen(handle)


async def relay(upstream: str) -> None:
    """Parses every chunk of a stream and writes it anew."""
    import aiohttp  # noqa: PLC0415 - likewise
    import orjson  # noqa: PLC0415 - likewise

    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def handle(request: web.Request) -> web.StreamResponse:
        body = orjson.loads(await request.read())
        async with session.post(f"{upstream}/v1/chat/completions", data=orjson.dumps(body)) as answer:
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
            rest = b""
            async for piece in answer.content.iter_any():
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    if line.startswith(b"data: {"):
                        await response.write(b"data: " + orjson.dumps(orjson.loads(line[6:])) + b"\n\n")
            await response.write(b"data: [DONE]\n\n")
            await response.write_eof()
            return response

    await _listen(handle)


async def listener(_upstream: str) -> None:
    """An aiohttp server that has nothing to do."""

    async def handle(_request: web.Request) -> web.StreamResponse:
        return web.Response()

    await _listen(handle)


def tray() -> None:
    """A PySide6 program with a tray icon and a timer of 60 Hz, and nothing else."""
    from PySide6.QtGui import QIcon, QPixmap  # noqa: PLC0415 - only here
    from PySide6.QtWidgets import QApplication, QSystemTrayIcon  # noqa: PLC0415 - only here

    from benchmarks.rig.window_timer import WindowTimer  # noqa: PLC0415 - only here

    app = QApplication(["bare"])
    app.setQuitOnLastWindowClosed(False)
    icon = QSystemTrayIcon(QIcon(QPixmap(16, 16)))
    icon.show()
    timer = WindowTimer()
    _announce(url="", event="shown")
    app.exec()
    del timer


if __name__ == "__main__":
    if sys.argv[1] == "tray":
        tray()
    else:
        import uvloop

        kinds = {each.__name__: each for each in (forwarder, sdk, relay, listener)}
        uvloop.run(kinds[sys.argv[1]](sys.argv[2]))
