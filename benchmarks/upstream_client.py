"""What a request and a streamed chunk cost through each way of calling a chat-completions server.

    python benchmarks/upstream_client.py [--requests 300] [--chunks 15000]

One scripted server in another process; the ways are measured in turn, three rounds, the best of each, CPU
time of this process. Read the ratios, not the numbers.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import openai
from aiohttp import web
from pydantic import SecretStr

from proxy.config import ProviderConfig
from proxy.upstreams.openai_compatible import OpenAICompatible

_CHUNK = {
    "id": "c",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "delta": {"content": "word "}, "finish_reason": None}],
}
_LINE = b"data: " + json.dumps(_CHUNK).encode() + b"\n\n"
_BODY: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "x" * 2000}], "stream": True}

Way = Callable[[int], Awaitable[None]]
"""Sends one request that asks for so many chunks and reads the answer to its end."""


def serve(port: int) -> None:
    """Runs the scripted server: as many chunks as the header of the model's name says."""

    async def chat(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for _ in range(int(body["model"])):
            await response.write(_LINE)
        await response.write(b"data: [DONE]\n\n")
        return response

    app = web.Application()
    app.router.add_post("/v1/chat/completions", chat)
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


def _body(chunks: int) -> dict[str, Any]:
    return {**_BODY, "model": str(chunks)}


async def _ways(port: int) -> tuple[dict[str, Way], Callable[[], Awaitable[None]]]:
    base = f"http://127.0.0.1:{port}/v1"
    session = aiohttp.ClientSession()
    plain = openai.AsyncOpenAI(api_key="k", base_url=base, max_retries=0)
    over_aiohttp = openai.AsyncOpenAI(
        api_key="k", base_url=base, max_retries=0, http_client=openai.DefaultAioHttpClient()
    )
    ours = OpenAICompatible(ProviderConfig("p", "openai-chat", base, SecretStr("k")))

    async def bare(chunks: int) -> None:
        async with session.post(base + "/chat/completions", json=_body(chunks)) as response:
            while await response.content.readany():
                pass

    def create(client: openai.AsyncOpenAI) -> Way:
        async def run(chunks: int) -> None:
            make: Any = client.chat.completions.create
            async for _ in await make(**_body(chunks)):
                pass

        return run

    async def low_level(chunks: int) -> None:
        answer = await ours.open("/chat/completions", _body(chunks), {})
        while await answer.read():
            pass
        await answer.aclose()

    async def close() -> None:
        await asyncio.gather(session.close(), plain.close(), over_aiohttp.close(), ours.aclose())

    return {
        "bare aiohttp": bare,
        "ours: SDK's post, raw bytes, our session": low_level,
        "SDK create, its aiohttp transport": create(over_aiohttp),
        "SDK create, its default transport": create(plain),
    }, close


async def _cpu(way: Way, requests: int, chunks: int) -> float:
    """CPU seconds of this process."""
    began = time.process_time()
    for _ in range(requests):
        await way(chunks)
    return time.process_time() - began


async def _measure(port: int, requests: int, chunks: int) -> None:
    ways, close = await _ways(port)
    best: dict[str, tuple[float, float]] = {}
    for way in ways.values():
        await way(1)
    for _ in range(3):
        for name, way in ways.items():
            each = await _cpu(way, requests, 1) / requests
            chunk = await _cpu(way, 1, chunks) / chunks
            old = best.get(name, (each, chunk))
            best[name] = (min(old[0], each), min(old[1], chunk))
    base = best["bare aiohttp"]
    for name, (each, chunk) in best.items():
        print(
            f"{name:44} {each * 1e3:6.3f} ms a request ({each / base[0]:4.1f}x)  "
            f"{chunk * 1e6:7.2f} µs a chunk ({chunk / base[1]:4.1f}x)"
        )
    await close()


def main() -> None:
    """Runs the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--chunks", type=int, default=15_000)
    arguments = parser.parse_args()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(port,), daemon=True)
    server.start()
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    try:
        asyncio.run(_measure(port, arguments.requests, arguments.chunks))
    finally:
        server.terminate()
        server.join()


if __name__ == "__main__":
    main()
