"""Reads what an MCP client posts: one JSON-RPC message, and which kind it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from aiohttp import web

from proxy.mcp.gateway_values import INVALID_REQUEST, PARSE_ERROR, RpcError
from proxy.messages.wire import InvalidJson, read_json, write_json

MAX_BYTES = 4 * 2**20
"""Of one message, as the SDKs' own servers have it."""
SESSION_HEADER = "Mcp-Session-Id"
EVENTS = "text/event-stream"


@dataclass(frozen=True, slots=True)
class RpcMessage:
    """One message of a client."""

    body: Mapping[str, Any]
    method: str = ""
    """Empty: it answers something, which we never ask."""
    params: Mapping[str, Any] | None = None
    id: str | int | None = None
    """None: a notification."""

    @property
    def progress_token(self) -> str | int | None:
        """Under which the client wants to hear how a call goes; None: it does not."""
        meta: Any = (self.params or {}).get("_meta")
        token: Any = (
            cast("Mapping[str, Any]", meta).get("progressToken") if isinstance(meta, Mapping) else None
        )
        return cast("str | int", token) if _is_id(token) else None


def read_message(data: bytes) -> RpcMessage:
    """Returns the message in a body.

    Raises:
        RpcError: It is no JSON, a batch, or no message of JSON-RPC.
    """
    try:
        value: Any = read_json(data)
    except InvalidJson as error:
        raise RpcError(PARSE_ERROR, f"The request body {error}.") from None
    if not isinstance(value, dict):
        raise RpcError(INVALID_REQUEST, "The request body must be a single JSON-RPC message.")
    body = cast("dict[str, Any]", value)
    if body.get("jsonrpc") != "2.0":
        raise RpcError(INVALID_REQUEST, "jsonrpc must be '2.0'.")
    if "method" not in body:
        return RpcMessage(body)
    method, params = body["method"], body.get("params")
    if not isinstance(method, str) or not isinstance(params, dict | None):
        raise RpcError(INVALID_REQUEST, "The method must be a text, and its params an object.")
    if "id" in body and not _is_id(body["id"]):
        raise RpcError(INVALID_REQUEST, "The id must be a text or a whole number.")
    return RpcMessage(body, method, cast("dict[str, Any] | None", params), body.get("id"))


def accepts(request: web.BaseRequest) -> tuple[bool, bool]:
    """Returns whether the client takes JSON, and whether event streams; who says nothing takes JSON."""
    kinds = {
        part.partition(";")[0].strip().lower()
        for value in request.headers.getall("Accept", ())
        for part in value.split(",")
    }
    if not kinds or "*/*" in kinds:
        return True, EVENTS in kinds
    return bool(kinds & {"application/json", "application/*"}), bool(kinds & {EVENTS, "text/*"})


def rpc_response(value: Mapping[str, Any], status: int = 200, session_id: str | None = None) -> web.Response:
    """Returns a JSON-RPC message as an answer."""
    headers = {} if session_id is None else {SESSION_HEADER: session_id}
    return web.Response(
        body=write_json(value), status=status, content_type="application/json", headers=headers
    )


def empty(status: int, **headers: str) -> web.Response:
    """Returns an answer without a body."""
    return web.Response(status=status, headers=headers)


def _is_id(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)
