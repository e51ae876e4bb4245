"""The scripted upstream: answers chat completions as the model's name says, with as little work as it can.

whole         JSON, or where a stream is asked for the same answer in ten chunks sent at once
burst-N       N chunks as fast as they are taken
paced-N-MS    N chunks, one every MS milliseconds
"""

from __future__ import annotations

import asyncio
import json
import re
from functools import lru_cache
from typing import cast

import uvloop

_MODEL = re.compile(rb'"model":\s*"([a-z0-9-]+)"')
_STREAM = re.compile(rb'"stream":\s*true')
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_CHUNKS_OF_WHOLE = 10
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\n%s\r\n\r\n"


def completion_chunk(delta: dict[str, object], **more: object) -> bytes:
    """Returns one event of an answer as OpenRouter writes it."""
    chunk = {
        "id": "gen-1760000000-abcdefghijklmnopqrst",
        "provider": "Bench",
        "model": "bench/model",
        "object": "chat.completion.chunk",
        "created": 1760000000,
        "choices": [
            {
                "index": 0,
                "delta": delta,
                "finish_reason": None,
                "native_finish_reason": None,
                "logprobs": None,
            }
        ],
        **more,
    }
    return b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + b"\n\n"


_USAGE = {"prompt_tokens": 400, "completion_tokens": 10, "total_tokens": 410}


@lru_cache
def chunks_of(count: int) -> tuple[bytes, ...]:
    """Returns the events of a streamed answer of `count` chunks of text."""
    texts = [completion_chunk({"role": "assistant", "content": f"word{number} "}) for number in range(count)]
    finish = {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": "stop"}
    end = completion_chunk({}, choices=[finish]) + completion_chunk({}, choices=[], usage=_USAGE)
    return (*texts, end + b"data: [DONE]\n\n")


def _whole() -> bytes:
    text = "".join(f"word{number} " for number in range(_CHUNKS_OF_WHOLE))
    message = {"role": "assistant", "content": text, "refusal": None}
    body = json.dumps(
        {
            "id": "gen-1760000000-abcdefghijklmnopqrst",
            "model": "bench/model",
            "object": "chat.completion",
            "created": 1760000000,
            "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
            "usage": _USAGE,
        }
    ).encode()
    return _HEAD % (b"application/json", b"Content-Length: %d" % len(body)) + body


_WHOLE = _whole()
_STREAM_HEAD = _HEAD % (b"text/event-stream", b"Transfer-Encoding: chunked")


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


_WHOLE_STREAMED = _STREAM_HEAD + _framed(b"".join(chunks_of(_CHUNKS_OF_WHOLE))) + b"0\r\n\r\n"


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._received += data
        head_end = self._received.find(b"\r\n\r\n")
        if head_end < 0:
            return
        length = _LENGTH.search(self._received, 0, head_end)
        end = head_end + 4 + (int(length[1]) if length else 0)
        if len(self._received) < end:
            return
        body = bytes(self._received[head_end + 4 : end])
        del self._received[:end]
        self._answer(body)

    def _answer(self, body: bytes) -> None:
        found = _MODEL.search(body)
        kind, *numbers = (found[1].decode() if found else "whole").split("-")
        if kind == "burst":
            pieces = chunks_of(int(numbers[0]))
            self._write(_STREAM_HEAD + b"".join(map(_framed, pieces)) + b"0\r\n\r\n")
        elif kind == "paced":
            self._write(_STREAM_HEAD)
            self._pace(
                chunks_of(int(numbers[0])), 0, int(numbers[1]) / 1000, asyncio.get_running_loop().time()
            )
        else:
            self._write(_WHOLE_STREAMED if _STREAM.search(body) else _WHOLE)

    def _pace(self, pieces: tuple[bytes, ...], at: int, gap_s: float, due_at: float) -> None:
        if self._transport is None:
            return
        is_last = at == len(pieces) - 1
        self._write(_framed(pieces[at]) + (b"0\r\n\r\n" if is_last else b""))
        if not is_last:
            due_at += gap_s
            asyncio.get_running_loop().call_at(due_at, self._pace, pieces, at + 1, gap_s, due_at)

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0)
    print(json.dumps({"url": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"}), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve())
