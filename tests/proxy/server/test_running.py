"""What a stop cuts off, and what its clients are told."""

from __future__ import annotations

import asyncio
import json
import socket

from proxy.events import RequestFinished
from tests.proxy.scripted import BODY, DONE, TOKEN, USAGE, Reply, ScriptedUpstream, delta, running

PIECE = "x" * 500_000


async def test_a_stop_says_nothing_behind_the_end_of_an_answer_that_a_client_is_slow_to_take() -> None:
    told = b"".join(delta(content=PIECE) for _ in range(16))
    reply = Reply((delta(content="Hel") + told + delta("stop") + USAGE + DONE,))
    loop = asyncio.get_running_loop()
    answer = b""
    async with running({"one": ScriptedUpstream([reply])}) as proxy:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.setblocking(False)
            await loop.sock_connect(client, ("127.0.0.1", proxy.port))
            body = json.dumps({**BODY, "stream": True})
            head = (
                f"POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1:{proxy.port}\r\nx-api-key: {TOKEN}\r\n"
                f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            )
            await loop.sock_sendall(client, (head + body).encode())
            await asyncio.wait_for(reply.is_closed.wait(), 10)
            stopping = asyncio.ensure_future(proxy.server.stop(0))
            for _ in range(20):
                await asyncio.sleep(0)
            while piece := await asyncio.wait_for(loop.sock_recv(client, 1_000_000), 10):
                answer += piece
            await stopping
        (finished,) = proxy.of(RequestFinished)
    assert [line for line in answer.splitlines() if line.startswith(b"event: ")][-1] == b"event: message_stop"
    assert finished.outcome != "error"
