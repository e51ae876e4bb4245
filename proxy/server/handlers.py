"""Answers each path: bytes to values, values to `service`, and its events or errors back to bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, cast

from aiohttp import web

from proxy.config import ProxyConfig
from proxy.messages.errors import ApiError
from proxy.messages.request import MessagesRequest, parse_request
from proxy.routing.token_limits import visible_to
from proxy.server import batches, files, mcp
from proxy.server.body import parse_json, read_body
from proxy.server.call import WORKSPACE_HEADER, Call
from proxy.server.responses import json_response
from proxy.server.routes import Match
from proxy.server.sse_response import SseResponse
from proxy.service.answer_headers import passed_on
from proxy.service.file_blocks import named_files
from proxy.service.models import list_models, retrieve_model
from proxy.service.prewarm import prewarmed
from proxy.service.record import CREDENTIAL_HEADERS, RequestRecord
from proxy.service.session_ids import bind_conversation, conversation_of

_NONE: Mapping[str, str] = MappingProxyType({})


async def health(call: Call, _match: Match) -> web.StreamResponse:
    """`GET /health`, for people and watchdogs: nothing but that we run."""
    return json_response({"status": "ok"}, call.context.request_id)


async def hello(call: Call, _match: Match) -> web.StreamResponse:
    """`HEAD /` and `HEAD /api/hello`, with which clients warm their connection."""
    return web.Response(headers={"request-id": call.context.request_id})


async def models(call: Call, _match: Match) -> web.StreamResponse:
    """`GET /v1/models`."""
    await call.service.facts.load()
    return json_response(
        list_models(_visible(call), call.request.query, call.service.facts), call.context.request_id
    )


async def model(call: Call, found: Match) -> web.StreamResponse:
    """`GET /v1/models/{id}`."""
    await call.service.facts.load()
    return json_response(
        retrieve_model(_visible(call), found.model_id, call.service.facts), call.context.request_id
    )


def _visible(call: Call) -> ProxyConfig:
    return visible_to(call.config, call.context.token_name)


async def count_tokens(call: Call, _match: Match) -> web.StreamResponse:
    """`POST /v1/messages/count_tokens`: a count for the model that would answer."""
    data, body = await _json_body(call)
    request = parse_request({"max_tokens": 1, **body} if isinstance(body, dict) else body)
    record = _begin(call, request, data)
    headers = passed_on(call.request.headers)
    route = await call.service.route(request, headers, call.context, is_count=True)
    tokens = await call.service.count_tokens(request, route, headers)
    answer = json_response({"input_tokens": tokens}, call.context.request_id)
    record.client_told(cast("bytes", answer.body))
    return answer


async def messages(call: Call, _match: Match) -> web.StreamResponse:
    """`POST /v1/messages`, streamed or whole."""
    data, body = await _json_body(call)
    request = parse_request(body)
    record = _begin(call, request, data)
    headers = passed_on(call.request.headers)
    route = await call.service.route(request, headers, call.context)
    if request.max_tokens == 0:
        tokens = await call.service.counter.estimate(request, route.candidates[0].model)
        return _whole(call, record, prewarmed(request, tokens, call.service.new_id))
    with call.guard.passage(call.config, request, route, data, record) as passage:
        if not request.stream:
            await passage.consent()
            return _whole(call, record, await call.service.whole(request, route, headers, record))
        response = call.stream = SseResponse(call.request, record, call.limits)
        try:
            await response.relay(passage.led(call.service.stream(request, route, headers, record)))
        except ApiError as error:
            if not response.has_begun:
                raise
            record.error = error
            return await response.fail({**error.body(call.context.request_id)})
        return await response.finish()


def _whole(call: Call, record: RequestRecord, message: Any) -> web.Response:
    answer = json_response(message, call.context.request_id)
    answer.headers.update(record.answer_headers)
    record.client_told(cast("bytes", answer.body))
    return answer


async def _json_body(call: Call) -> tuple[bytes, object]:
    data = await read_body(call.request, call.connection, call.config.server.max_body_bytes)
    body = parse_json(data)
    if b"file_id" not in data and b"\\u" not in data:
        return data, body
    if not isinstance(body, dict) or not named_files(found := cast("dict[str, Any]", body)):
        return data, cast("object", body)
    return data, await (await call.storage()).files.in_place(found, call.owner)


def _begin(call: Call, request: MessagesRequest, data: bytes) -> RequestRecord:
    workspace = call.request.headers.get(WORKSPACE_HEADER)
    if workspace is not None:
        call.context = replace(call.context, workspace=workspace)
    if call.context.conversation_id is None:
        conversation_id = conversation_of(request)
        if conversation_id is not None:
            call.context = replace(call.context, conversation_id=conversation_id)
            bind_conversation(call.context)
    shown = _shown_headers(call.request) if call.announcer.capture_limit_bytes else _NONE
    record = call.record = RequestRecord(call.context, call.announcer, shown)
    record.start(model=request.model, stream=request.stream, body=data)
    return record


def _shown_headers(request: web.BaseRequest) -> Mapping[str, str]:
    return MappingProxyType(
        {name: value for name, value in request.headers.items() if name.lower() not in CREDENTIAL_HEADERS}
    )


HANDLERS = {
    "/": hello,
    "/api/hello": hello,
    "/health": health,
    "/v1/messages": messages,
    "/v1/messages/count_tokens": count_tokens,
    "/v1/models": models,
    "/v1/models/{id}": model,
    "/v1/messages/batches": batches.collection,
    "/v1/messages/batches/{id}": batches.one,
    "/v1/messages/batches/{id}/cancel": batches.cancel,
    "/v1/messages/batches/{id}/results": batches.results,
    "/v1/files": files.collection,
    "/v1/files/{id}": files.one,
    "/v1/files/{id}/content": files.content,
    "/mcp": mcp.endpoint,
    "/mcp-servers": mcp.servers,
}
"""By the pattern of `routes.match`."""
