"""Reads a request's body, counted, within the limits of its connection."""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.web_protocol import RequestPayloadError

from proxy.messages.errors import ClientError, ErrorType
from proxy.messages.wire import InvalidJson, read_json
from proxy.server.connection import ConnectionState
from proxy.server.door import too_large


async def read_body(request: web.BaseRequest, connection: ConnectionState, max_bytes: int) -> bytes:
    """Returns the whole body.

    Raises:
        ClientError: It is larger than `max_bytes`, comes too slowly (408), or is badly framed.
    """
    await invite(request)
    pieces: list[bytes] = []
    connection.body_begins(request.content, request.content_length, asyncio.get_running_loop().time())
    try:
        while not request.content.at_eof():
            piece = await request.content.readany()
            connection.body_received += len(piece)
            if connection.body_received > max_bytes:
                raise too_large(max_bytes)
            pieces.append(piece)
    except RequestPayloadError as exc:
        raise ClientError(ErrorType.INVALID_REQUEST, "The request body is badly framed.") from exc
    finally:
        connection.body_ends()
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


async def invite(request: web.BaseRequest) -> None:
    """Tells a client that waits for it to send its body (RFC 9110, 10.1.1)."""
    transport = request.transport
    if request.headers.get("Expect", "").lower() == "100-continue" and transport is not None:
        transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


def parse_json(data: bytes) -> object:
    """Returns the JSON value of a body.

    Raises:
        ClientError: It is not strict JSON.
    """
    try:
        return read_json(data)
    except InvalidJson as exc:
        raise ClientError(ErrorType.INVALID_REQUEST, f"The request body {exc}.") from exc
