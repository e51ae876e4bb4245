"""Makes JSON answers and errors in the shape of the Messages API, with the headers every answer carries."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from proxy.messages.errors import ApiError
from proxy.messages.wire import write_json

SAFE_HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'",
}
"""On every answer: nothing we say is for a browser to keep, guess or show."""


class ProxyRequest(web.BaseRequest):
    """A request whose answers all carry the safe headers and none that names the server's software."""

    async def _prepare_hook(self, response: web.StreamResponse) -> None:
        # aiohttp has no public hook below web.Application; a test looks at every kind of answer.
        response.headers.update(SAFE_HEADERS)
        response.headers.popall("Server", None)


def json_response(value: Any, request_id: str, *, status: int = 200) -> web.Response:
    """Returns `value` as a JSON answer."""
    return web.Response(
        body=write_json(value),
        status=status,
        headers={"request-id": request_id},
        content_type="application/json",
    )


def error_response(error: ApiError, request_id: str) -> web.Response:
    """Returns an error in the Messages API's envelope, with the headers that steer a client's retries."""
    response = json_response(error.body(request_id), request_id, status=error.status)
    if error.retry_after_s is not None:
        response.headers["retry-after"] = str(math.ceil(error.retry_after_s))
    if error.should_retry is not None:
        response.headers["x-should-retry"] = "true" if error.should_retry else "false"
    if error.status == 405:
        response.headers["Allow"] = "GET, HEAD, POST, DELETE"
    return response
