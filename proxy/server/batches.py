"""The HTTP side of Message Batches: `/v1/messages/batches` and what is below it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import structlog
from aiohttp import web

from proxy.messages.errors import ApiError
from proxy.server.call import Call
from proxy.server.large_body import receive_body
from proxy.server.responses import json_response
from proxy.server.routes import Match
from proxy.service.answer_headers import passed_on
from proxy.service.batch_body import MAX_BATCH_BYTES
from proxy.service.batches import batch_view, page_view

_log = structlog.get_logger("proxy.server")

POLL_AFTER_S = "10"
"""The `retry-after` of a batch that has not ended, as the real API sends it."""


async def collection(call: Call, _found: Match) -> web.StreamResponse:
    """`POST /v1/messages/batches` creates, `GET` lists."""
    batches = (await call.storage()).batches
    base_url = _base_url(call)
    if call.request.method == "GET":
        page, has_more = await batches.page(call.request.query, call.owner)
        return json_response(page_view(page, base_url, has_more=has_more), call.context.request_id)
    draft = await batches.begin_body()
    try:
        await receive_body(call.request, call.connection, draft, MAX_BATCH_BYTES)
        headers = passed_on(call.request.headers)
        batch = await batches.create(draft, call.context.client, headers, call.owner)
    finally:
        await draft.discard()
    return json_response(batch_view(batch, base_url), call.context.request_id)


async def one(call: Call, found: Match) -> web.StreamResponse:
    """`GET /v1/messages/batches/{id}` retrieves, `DELETE` deletes."""
    batches = (await call.storage()).batches
    if call.request.method == "DELETE":
        await batches.delete(found.item_id, call.owner)
        return json_response({"id": found.item_id, "type": "message_batch_deleted"}, call.context.request_id)
    batch = await batches.get(found.item_id, call.owner)
    response = json_response(batch_view(batch, _base_url(call)), call.context.request_id)
    if batch.ended_us is None:
        response.headers["retry-after"] = POLL_AFTER_S
    return response


async def cancel(call: Call, found: Match) -> web.StreamResponse:
    """`POST /v1/messages/batches/{id}/cancel`; a body, which nobody needs to send, is not read."""
    batch = await (await call.storage()).batches.cancel(found.item_id, call.owner)
    return json_response(batch_view(batch, _base_url(call)), call.context.request_id)


async def results(call: Call, found: Match) -> web.StreamResponse:
    """`GET /v1/messages/batches/{id}/results`: one JSON object a line."""
    lines = await (await call.storage()).batches.results(found.item_id, call.owner)
    response = web.StreamResponse(headers={"request-id": call.context.request_id})
    response.content_type = "application/x-jsonl"
    return await send_pieces(call, response, lines)


async def send_pieces(
    call: Call, response: web.StreamResponse, pieces: AsyncIterator[bytes]
) -> web.StreamResponse:
    """Sends a long answer piece by piece; where it cannot be completed, the connection breaks.

    Raises:
        ConnectionError: The store failed on the way: an error would be read as part of the answer.
    """
    await response.prepare(call.request)
    try:
        async for piece in pieces:
            await response.write(piece)
    except ApiError as error:
        _log.error("answer_broken_off", reason=error.message)
        if call.request.transport is not None:
            call.request.transport.abort()
        raise ConnectionAbortedError from error
    await response.write_eof()
    return response


def _base_url(call: Call) -> str:
    """Where the client found us; the door has checked the Host header."""
    return f"{call.request.scheme}://{call.request.host}"
