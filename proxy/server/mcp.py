"""`/mcp`, where any MCP client finds the tools, and `GET /mcp-servers`, which says how the servers stand.

Revisions with a handshake: `initialize` begins a session, whose id the client repeats; a GET opens the stream
on which it is told of changes, a DELETE ends it; a request without a session is answered too. The revision
without one: every request says what it is, and `subscriptions/listen` opens the stream. A client that leaves
cancels what it asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import structlog
from aiohttp import web

from proxy.context import RequestContext
from proxy.mcp.gateway_changes import KINDS
from proxy.mcp.gateway_sessions import Session
from proxy.mcp.gateway_values import INTERNAL_ERROR, INVALID_REQUEST, REQUEST_CANCELLED, RpcError
from proxy.server.body import read_body
from proxy.server.call import WORKSPACE_HEADER, Call
from proxy.server.mcp_message import (
    MAX_BYTES,
    SESSION_HEADER,
    RpcMessage,
    accepts,
    empty,
    read_message,
    rpc_response,
)
from proxy.server.mcp_stream import Outcome, relay, subscription_result, tell_changes
from proxy.server.responses import json_response
from proxy.server.routes import Match
from proxy.service.mcp_door import caller_of
from proxy.tasks import spawn

if TYPE_CHECKING:  # it loads the SDK, which takes a second
    from proxy.mcp.gateway import Gateway

_log = structlog.get_logger("proxy.server")

_VERSION_HEADER = "MCP-Protocol-Version"
_LISTEN = "subscriptions/listen"
_MAX_NAME = 80


async def servers(call: Call, _match: Match) -> web.StreamResponse:
    """`GET /mcp-servers`: names, states, reasons and how many tools."""
    return json_response({"servers": call.mcp.status()}, call.context.request_id)


async def endpoint(call: Call, _match: Match) -> web.StreamResponse:
    """`/mcp`."""
    workspace = call.request.headers.get(WORKSPACE_HEADER)
    if workspace is not None:
        call.context = replace(call.context, workspace=workspace)
    try:
        if call.request.method == "POST":
            return await _post(call)
        session = _session(call)
        if session is None:
            return empty(405, Allow="POST")
        if call.request.method == "DELETE":
            call.mcp.sessions.end(session)
            return empty(204)
        return await _listen(call, session)
    except _NoSession:
        return rpc_response(RpcError(INVALID_REQUEST, "Session not found").body(None), 404)
    except RpcError as error:
        return rpc_response(error.body(None), 400)


# A session and its stream -----------------------------------------------------------------------


class _NoSession(Exception):
    """The session is unknown, over, or another client's."""


def _session(call: Call) -> Session | None:
    """The session that a request names; None: it names none.

    Raises:
        _NoSession: There is no such session.
    """
    session_id = call.request.headers.get(SESSION_HEADER)
    if session_id is None:
        return None
    session = call.mcp.sessions.find(session_id, call.context.token_name)
    if session is None:
        raise _NoSession
    return session


async def _listen(call: Call, session: Session) -> web.StreamResponse:
    """The stream of a session."""
    if not accepts(call.request)[1]:
        return empty(406)
    door = call.mcp
    if session.changes is not None:  # the client came back before its old connection was known to be dead
        door.changes.close(session.changes)
    changes = session.changes = door.changes.open()
    if changes is None:
        return rpc_response(RpcError(INTERNAL_ERROR, "Too many open streams").body(None), 503)
    try:
        return await (await tell_changes(call.request, changes, call.limits)).close()
    finally:
        door.changes.close(changes)
        if session.changes is changes:
            session.changes = None


# POST: one message ------------------------------------------------------------------------------


async def _post(call: Call) -> web.StreamResponse:
    accepted = accepts(call.request)
    if not any(accepted):
        return empty(406)
    message = read_message(await read_body(call.request, call.connection, MAX_BYTES))
    gateway = await call.mcp.gateway()
    from proxy.mcp import gateway_protocol as protocol  # noqa: PLC0415 - loaded with the gateway

    version = call.request.headers.get(_VERSION_HEADER)
    if protocol.is_modern(message.body, version):
        return await _modern(call, gateway, message, accepted)
    session = _session(call)
    if message.id is None:
        if session is not None and message.method == "notifications/cancelled":
            session.cancel((message.params or {}).get("requestId"))
        return empty(202)
    if message.method == "initialize":
        return await _begin(call, gateway, message)
    spoken = session.version if session is not None else version or protocol.ASSUMED
    client = session.client if session is not None else ""
    caller = _caller(call, client, session)
    return await _answered(call, gateway, message, spoken, caller, accepted, session)


async def _begin(call: Call, gateway: Gateway, message: RpcMessage) -> web.StreamResponse:
    """A handshake, and a session."""
    from proxy.mcp import gateway_protocol as protocol  # noqa: PLC0415 - loaded with the gateway

    params = message.params or {}
    version = protocol.agreed_version(params.get("protocolVersion"))
    answer, status = await _outcome(gateway, message, version, call.context)
    if "error" in answer:
        return rpc_response(answer, status)
    client = _shown(params.get("clientInfo"))
    session = call.mcp.sessions.open(call.context.token_name, version, client or call.context.client)
    _log.info("mcp_session_begun", mcp_client=session.client, protocol=version)
    return rpc_response(answer, session_id=session.id)


async def _modern(
    call: Call, gateway: Gateway, message: RpcMessage, accepted: tuple[bool, bool]
) -> web.StreamResponse:
    """A message of the era without a handshake."""
    from proxy.mcp import gateway_protocol as protocol  # noqa: PLC0415 - loaded with the gateway

    if message.id is None:
        return empty(202)
    headers = list(call.request.headers.items())
    try:
        envelope = protocol.envelope_of(message.body, headers)
        caller = _caller(call, _shown(envelope.client_info), None)
        if message.method == "tools/call":
            await _check_parameter_headers(gateway, message, headers, caller)
        if message.method == _LISTEN:
            protocol.check_request(_LISTEN, envelope.version, message.params)
            return await _subscribed(call, message, accepted)
    except RpcError as error:
        return rpc_response(error.body(message.id), protocol.http_status(error, protocol.MODERN))
    return await _answered(call, gateway, message, envelope.version, caller, accepted, None)


async def _check_parameter_headers(
    gateway: Gateway, message: RpcMessage, headers: list[tuple[str, str]], caller: RequestContext
) -> None:
    from proxy.mcp import gateway_protocol as protocol  # noqa: PLC0415 - loaded with the gateway

    params = message.params or {}
    arguments: Any = params.get("arguments") or {}
    schema = await gateway.schema_of(str(params.get("name")), caller)
    if schema is not None and isinstance(arguments, Mapping):
        protocol.check_parameter_headers(schema, cast("Mapping[str, Any]", arguments), headers)


async def _subscribed(call: Call, message: RpcMessage, accepted: tuple[bool, bool]) -> web.StreamResponse:
    from proxy.mcp import gateway_protocol as protocol  # noqa: PLC0415 - loaded with the gateway

    if not accepted[1]:
        return empty(406)
    wanted = cast("Mapping[str, Any]", (message.params or {}).get("notifications") or {})
    door = call.mcp
    changes = door.changes.open(kind for kind in KINDS if wanted.get(f"{kind}ListChanged") is True)
    if changes is None or message.id is None:
        raise RpcError(INTERNAL_ERROR, "Too many open streams")
    try:
        stream = await tell_changes(call.request, changes, call.limits, message.id)
        result = protocol.shaped(
            _LISTEN, protocol.MODERN, subscription_result(message.id), {"name": "signalbox"}
        )
        await stream.send({"jsonrpc": "2.0", "id": message.id, "result": result})
        return await stream.close()
    finally:
        door.changes.close(changes)


# One request ------------------------------------------------------------------------------------


async def _answered(
    call: Call,
    gateway: Gateway,
    message: RpcMessage,
    version: str,
    caller: RequestContext,
    accepted: tuple[bool, bool],
    session: Session | None,
) -> web.StreamResponse:
    """Answers a request; where the client leaves or cancels, what was asked ends too."""
    request_id = cast("str | int", message.id)
    running = {} if session is None else session.running
    if request_id in running:
        return rpc_response(RpcError(INVALID_REQUEST, "This id is in use").body(request_id), 400)
    asking = spawn(_outcome(gateway, message, version, caller), name=f"answer {message.method[:40]}")
    work = spawn(_until_cancelled(asking, request_id), name="await an MCP answer")
    running[request_id] = asking
    try:
        return await relay(
            call.request, message, work, call.limits, accepted, lambda: call.mcp.is_waiting(caller)
        )
    finally:
        del running[request_id]
        asking.cancel()
        await asyncio.wait({asking, work})


async def _until_cancelled(asking: asyncio.Task[Outcome], request_id: str | int) -> Outcome:
    await asyncio.wait({asking})
    if asking.cancelled():
        return RpcError(REQUEST_CANCELLED, "The request was cancelled").body(request_id), 200
    return asking.result()


async def _outcome(gateway: Gateway, message: RpcMessage, version: str, caller: RequestContext) -> Outcome:
    from proxy.mcp import gateway_protocol as protocol  # noqa: PLC0415 - loaded with the gateway

    try:
        result = await gateway.answer(message.method, message.params, version, caller)
    except RpcError as error:
        return error.body(message.id), protocol.http_status(error, version)
    return {"jsonrpc": "2.0", "id": message.id, "result": result}, 200


def _caller(call: Call, client: str, session: Session | None) -> RequestContext:
    call.context = caller_of(call.context, client, session)
    structlog.contextvars.bind_contextvars(
        client=call.context.client, conversation_id=call.context.conversation_id
    )
    return call.context


def _shown(info: Any) -> str:
    """What an MCP client calls itself, printable and short."""
    if not isinstance(info, Mapping):
        return ""
    known = cast("Mapping[str, Any]", info)
    words = [str(known[key]) for key in ("name", "version") if isinstance(known.get(key), str)]
    return "".join(char for char in "/".join(words) if char.isprintable())[:_MAX_NAME]
