"""Sends MCP answers that take time as event streams: progress or pings, then the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from proxy.mcp.gateway_changes import ChangeStream
from proxy.mcp.gateway_values import REQUEST_CANCELLED
from proxy.messages.wire import write_json
from proxy.server.limits import Limits
from proxy.server.mcp_message import EVENTS, RpcMessage, rpc_response

_PING = b": ping\n\n"
_SUBSCRIPTION_KEY = "io.modelcontextprotocol/subscriptionId"

Outcome = tuple[Mapping[str, Any], int]
"""A JSON-RPC answer, and the status where it is sent as JSON."""


class EventStream:
    """One event stream to an MCP client."""

    def __init__(self, request: web.BaseRequest) -> None:
        self._request = request
        self.response = web.StreamResponse(headers={"Content-Type": EVENTS})

    async def open(self) -> None:
        """Sends the head, and a ping so that the client sees that it lives."""
        await self.response.prepare(self._request)
        await self.ping()

    async def ping(self) -> None:
        """Sends a comment."""
        await self.response.write(_PING)

    async def send(self, message: Mapping[str, Any]) -> None:
        """Sends a message."""
        await self.response.write(b"event: message\ndata: " + write_json(message) + b"\n\n")

    async def close(self) -> web.StreamResponse:
        """Ends the stream."""
        await self.response.write_eof()
        return self.response


async def relay(
    request: web.BaseRequest,
    message: RpcMessage,
    work: asyncio.Future[Outcome],
    limits: Limits,
    accepted: tuple[bool, bool],
    is_waiting: Callable[[], bool],
) -> web.StreamResponse:
    """Answers with what a task comes to: as JSON where it is quick, else as an event stream.

    Args:
        request: The HTTP request.
        message: What was asked.
        work: Makes the answer.
        limits: When a silent answer is pinged.
        accepted: Whether the client takes JSON, and event streams.
        is_waiting: Tells whether the user is being asked.
    """
    takes_json, takes_events = accepted
    if takes_json:
        await asyncio.wait({work}, timeout=limits.first_ping_s if takes_events else None)
        if work.done():
            answer, status = work.result()
            return rpc_response(answer, status)
    stream = EventStream(request)
    await stream.open()
    steps = 0
    while not work.done():
        if message.progress_token is not None:
            steps += 1
            await stream.send(_progress(message.progress_token, steps, is_waiting=is_waiting()))
        await asyncio.wait({work}, timeout=limits.next_ping_s)
        if message.progress_token is None and not work.done():
            await stream.ping()
    answer, _ = work.result()
    if answer.get("error", {}).get("code") != REQUEST_CANCELLED:  # who cancelled waits for nothing
        await stream.send(answer)
    return await stream.close()


async def tell_changes(
    request: web.BaseRequest, changes: ChangeStream, limits: Limits, subscription: str | int | None = None
) -> EventStream:
    """Tells a client of changed lists until the stream ends; the caller closes what is returned.

    Args:
        request: The HTTP request.
        changes: What the client is to be told.
        limits: When a silent stream is pinged.
        subscription: The id of the request whose answer the stream is; None: it is a session's own stream.
    """
    stream = EventStream(request)
    await stream.open()
    meta = {} if subscription is None else {"_meta": {_SUBSCRIPTION_KEY: subscription}}
    if subscription is not None:
        honored = {f"{kind}ListChanged": True for kind in sorted(changes.wanted)}
        params = {"notifications": honored, **meta}
        await stream.send(_notification("subscriptions/acknowledged", params))
    while not changes.is_ended:
        kinds = await changes.next(limits.next_ping_s)
        for kind in kinds:
            await stream.send(_notification(f"{kind}/list_changed", meta))
        if not kinds and not changes.is_ended:
            await stream.ping()
    return stream


def subscription_result(subscription: str | int) -> Mapping[str, Any]:
    """Returns the last word of a subscription's stream, before it is spelt."""
    return {"_meta": {_SUBSCRIPTION_KEY: subscription}}


def _progress(token: str | int, steps: int, *, is_waiting: bool) -> Mapping[str, Any]:
    told = "Waiting for the user's approval in Signalbox" if is_waiting else "Running"
    return _notification("progress", {"progressToken": token, "progress": steps, "message": told})


def _notification(name: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
    made: dict[str, Any] = {"jsonrpc": "2.0", "method": f"notifications/{name}"}
    return {**made, "params": params} if params else made
