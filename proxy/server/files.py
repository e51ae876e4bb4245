"""The HTTP side of Files: `/v1/files` and what is below it, in the general and the beta shape."""

from __future__ import annotations

from aiohttp import web
from multidict import MultiMapping

from proxy.messages.errors import ClientError, ErrorType
from proxy.server.batches import send_pieces
from proxy.server.call import Call
from proxy.server.large_body import receive_form
from proxy.server.responses import json_response
from proxy.server.routes import Match
from proxy.service.files import BETA, file_view, files_view


async def collection(call: Call, _found: Match) -> web.StreamResponse:
    """`POST /v1/files` uploads, `GET` lists."""
    files = (await call.storage()).files
    is_beta = _is_beta(call)
    if call.request.method == "GET":
        query = call.request.query
        page, has_more = await files.page(
            call.owner,
            ids=_ids(query),
            limit=query.get("limit"),
            page=query.get("page"),
            after_id=query.get("after_id"),
            before_id=query.get("before_id"),
        )
        return json_response(files_view(page, has_more=has_more, is_beta=is_beta), call.context.request_id)
    draft = await files.begin_upload()
    try:
        form = await receive_form(call.request, call.connection, draft, files.rules.max_file_bytes)
        if not form.has_file:
            raise ClientError(ErrorType.INVALID_REQUEST, "file: Field required")
        expires = form.fields.get("expires_in_seconds")
        file = await files.upload(draft, form.filename, form.mime_type, expires, call.owner)
    finally:
        await draft.discard()
    return json_response(file_view(file, is_beta=is_beta), call.context.request_id)


async def one(call: Call, found: Match) -> web.StreamResponse:
    """`GET /v1/files/{id}` returns the metadata, `DELETE` deletes."""
    files = (await call.storage()).files
    if call.request.method == "DELETE":
        await files.delete(found.item_id, call.owner)
        return json_response({"id": found.item_id, "type": "file_deleted"}, call.context.request_id)
    file = await files.get(found.item_id, call.owner)
    return json_response(file_view(file, is_beta=_is_beta(call)), call.context.request_id)


async def content(call: Call, found: Match) -> web.StreamResponse:
    """`GET /v1/files/{id}/content` downloads."""
    file, pieces = await (await call.storage()).files.content(found.item_id, call.owner)
    response = web.StreamResponse(headers={"request-id": call.context.request_id})
    response.content_type = file.mime_type
    response.content_length = file.size_bytes
    return await send_pieces(call, response, pieces)


def _is_beta(call: Call) -> bool:
    return any(BETA in value for value in call.request.headers.getall("anthropic-beta", ()))


def _ids(query: MultiMapping[str]) -> list[str]:
    """The SDKs write `ids[]=a&ids[]=b`; `ids=a,b` is understood too."""
    given = [*query.getall("ids[]", ()), *query.getall("ids", ())]
    return [each for value in given for each in value.split(",") if each]
