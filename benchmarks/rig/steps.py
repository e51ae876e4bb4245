"""The way of one request that is not streamed, built up step by step; each step is a server of its own.

    python -m benchmarks.rig.steps bytes|streamed|json|request|answer UPSTREAM_URL

bytes      passes bytes on, both ways, as they come
streamed   the same, where the upstream streams its answer: an upstream's silence can be told from its work
json       reads the request as strict JSON and each chunk as JSON, and writes both anew
request    reads, checks and translates the request as Signalbox does
answer     translates, judges and folds the answer as Signalbox does

What the whole program does beyond `answer`: the door, routing, breakers, keys, limits, ledger, events, log.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import orjson
import uvloop
from aiohttp import web

from proxy.dialects.base import Target
from proxy.dialects.profiles import profile_for
from proxy.dialects.registry import dialect_for
from proxy.ids import new_id
from proxy.messages.fold import MessageFold
from proxy.messages.pairing import check_pairing
from proxy.messages.request import parse_request
from proxy.messages.rules import Terms, check_rules
from proxy.messages.stream_state import StreamState
from proxy.messages.wire import read_json, write_json

_JSON = {"Content-Type": "application/json"}
Ask = Callable[[bytes], Awaitable[bytes]]


class Steps:
    """All of them; each method answers a request's body."""

    def __init__(self, upstream: str) -> None:
        self._url = f"{upstream}/v1/chat/completions"
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        self._dialect = dialect_for("openai-chat")
        self._target = Target("bench", "whole", profile_for(upstream, "whole"))

    async def bytes(self, body: bytes) -> bytes:
        """Passes bytes on."""
        async with self._session.post(self._url, data=body, headers=_JSON) as answer:
            return await answer.read()

    async def streamed(self, body: bytes) -> bytes:
        """Passes a streamed answer's bytes on."""
        return b"".join(await self._pieces(body))

    async def json(self, body: bytes) -> bytes:
        """Reads and writes everything."""
        asked = read_json(body)
        texts: list[str] = []
        chunk: Any = None
        for event in b"".join(await self._pieces(write_json(asked))).split(b"\n\n"):
            if event.startswith(b"data: {"):
                chunk = orjson.loads(event[6:])
                texts += [each["delta"].get("content", "") for each in chunk["choices"]]
        return write_json({"content": "".join(texts), "usage": chunk["usage"]})

    async def request(self, body: bytes) -> bytes:
        """Reads, checks and translates the request; the answer stays as it comes."""
        request = self._checked(body)
        payload = self._dialect.encode_request(request, self._target).payload
        return b"".join(await self._pieces(write_json(payload)))

    async def answer(self, body: bytes) -> bytes:
        """Translates both ways."""
        request = self._checked(body)
        payload = self._dialect.encode_request(request, self._target).payload
        decoder = self._dialect.decoder(request, self._target, "text/event-stream", new_id)
        judge, folded = StreamState(), MessageFold()
        pieces = await self._pieces(write_json(payload))
        for made in (*map(decoder.feed, pieces), decoder.finish()):
            for event in made:
                judge.advance(event)
                folded.add(event)
        judge.finish()
        return write_json(folded.message())

    def _checked(self, body: bytes) -> Any:
        request = parse_request(read_json(body))
        check_pairing(request.messages)
        check_rules(request, Terms())
        return request

    async def _pieces(self, body: bytes) -> list[bytes]:
        async with self._session.post(self._url, data=body, headers=_JSON) as answer:
            return [piece async for piece in answer.content.iter_any()]


async def _serve(kind: str, upstream: str) -> None:
    ask: Ask = getattr(Steps(upstream), kind)

    async def handle(request: web.Request) -> web.Response:
        return web.Response(body=await ask(await request.read()), content_type="application/json")

    app = web.Application(client_max_size=64 * 2**20)
    app.router.add_post("/v1/messages", handle)
    app.router.add_post("/v1/chat/completions", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(json.dumps({"url": f"http://127.0.0.1:{runner.addresses[0][1]}"}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(_serve(sys.argv[1], sys.argv[2]))
